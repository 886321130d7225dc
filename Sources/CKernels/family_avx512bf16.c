/// AVX-512 with VDPBF16PS and VPDPBUSD: two products of bf16, or four of bytes, and their sum in one instruction.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512bf16,avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define LANES 16
#define TILE_ROWS 6
#define PAIR_ROWS 6
#define TILE_VECTORS 4
#define INTEGER_ROWS 6
#define INTEGER_VECTORS 2
#include "attention_backward.h"
#include "elementwise.h"
#include "fixed_point.h"

#define OWN_PAIR_STEP
struct pair { __m512i bits; };
INLINE struct pair pair_of(uint32_t __attribute__((vector_size(64))) bits) { return (struct pair){(__m512i)bits}; }
INLINE v16 pair_step(struct pair a, struct pair b, v16 c) {
    return (v16)_mm512_dpbf16_ps((__m512)c, (__m512bh)a.bits, (__m512bh)b.bits);
}
#define OWN_CODES
/// Neither is a number below the smallest normal one, which VCVTNE2PS2BF16 would take as zero: scales and offsets are multiples of 2⁻²⁴.
INLINE uint32_t __attribute__((vector_size(64))) pairs_of(v16 even, v16 odd) {
    const __m512i places = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19,
                                            3, 18, 2, 17, 1, 16, 0);
    return (uint32_t __attribute__((vector_size(64))))
        _mm512_permutexvar_epi16(places, (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even));
}
INLINE v16 nibble_of(i16 codes, const int zero) {
    const v16 values = (v16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} - (float)zero;
    return (v16)_mm512_permutexvar_ps((__m512i)codes, (__m512)values);
}
#define OWN_DOT4
INLINE i16 dot4(i16 c, i16 w, int32_t x) { return (i16)_mm512_dpbusd_epi32((__m512i)c, (__m512i)w, _mm512_set1_epi32(x)); }
#include "product.h"
#include "codes.h"
#include "integers.h"
#include "outer.h"
#include "softmax.h"
#pragma clang attribute pop
#include "table.h"

const struct gfn_kernels gfn_kernels_avx512bf16 = GFN_TABLE;
#endif
