#include "cdigest.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

/// K of FIPS 180-4, section 4.2.2.
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

void gfn_sha256_begin(uint32_t state[8]) {
    static const uint32_t start[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    memcpy(state, start, sizeof start);
}

static uint32_t rotated(uint32_t x, int n) { return x >> n | x << (32 - n); }

/// Words 0 to 15 of the schedule, of which each later one takes the place of the one that is 16 older.
static uint32_t scheduled(uint32_t w[16], int t) {
    const uint32_t a = w[(t + 1) % 16], b = w[(t + 14) % 16];
    w[t % 16] += (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + w[(t + 9) % 16] + (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
    return w[t % 16];
}

/// A round in which the eight working variables stay where they are: round t calls a what lies at (−t) mod 8.
#define AT(i) s[((i) - t) & 7]

void gfn_sha256_blocks_portable(uint32_t state[8], const uint8_t *data, size_t blocks) {
    for (; blocks > 0; blocks--, data += 64) {
        uint32_t w[16], s[8];
        for (int t = 0; t < 16; t++)
            w[t] = (uint32_t)data[4 * t] << 24 | (uint32_t)data[4 * t + 1] << 16 | (uint32_t)data[4 * t + 2] << 8 | data[4 * t + 3];
        memcpy(s, state, sizeof s);
#pragma clang loop unroll(full)
        for (int t = 0; t < 64; t++) {
            const uint32_t a = AT(0), b = AT(1), c = AT(2), e = AT(4), word = t < 16 ? w[t] : scheduled(w, t);
            const uint32_t first = AT(7) + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + (AT(6) ^ (e & (AT(5) ^ AT(6)))) + constants[t] + word;
            AT(3) += first;
            AT(7) = first + (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) | (c & (a | b)));
        }
        for (int i = 0; i < 8; i++) state[i] += s[i];
    }
}
#undef AT

#if defined(__x86_64__)
/// The instructions keep the chaining values as (a, b, e, f) and (c, d, g, h), highest lane first, and take four words of the schedule at a time.
__attribute__((target("sha,sse4.1"))) static void blocks_by_instructions(uint32_t state[8], const uint8_t *data, size_t blocks) {
    const __m128i bytes = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
    __m128i cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
    for (; blocks > 0; blocks--, data += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), bytes);
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            const __m128i words = _mm_add_epi32(w[i % 4], _mm_loadu_si128((const __m128i *)(constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
            const __m128i seventh = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4);
            w[i % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]), seventh), w[(i + 3) % 4]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    uint32_t low[4], high[4];
    _mm_storeu_si128((__m128i *)low, abef);
    _mm_storeu_si128((__m128i *)high, cdgh);
    const uint32_t result[8] = {low[3], low[2], high[3], high[2], low[1], low[0], high[1], high[0]};
    memcpy(state, result, sizeof result);
}

static int has_instructions(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29) && __get_cpuid(1, &a, &b, &c, &d) && (c & 1u << 19);
}
#endif

void gfn_sha256_blocks(uint32_t state[8], const uint8_t *data, size_t blocks) {
#if defined(__x86_64__)
    static int known;  // 0: not asked yet, 1: no, 2: yes; every thread that asks gets the same answer
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer == 0) __atomic_store_n(&known, answer = 1 + has_instructions(), __ATOMIC_RELAXED);
    if (answer == 2) return blocks_by_instructions(state, data, blocks);
#endif
    gfn_sha256_blocks_portable(state, data, blocks);
}
