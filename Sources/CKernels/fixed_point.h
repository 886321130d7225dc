#pragma once
/// Sums of numbers in two integers, which add exactly: x = coarse · 2⁻¹⁷ + fine · 2⁻⁶⁸ (+ at most 2⁻⁶⁹).
#include "vector.h"

// Adding 1.5 · 2⁵² rounds a double below 2⁵¹ to an integer (nearest, ties to even) and leaves it in the low bits.
#define MAGIC 0x1.8p52
#define MAGIC_BITS 0x4338000000000000

INLINE int64_t bits_of(double x) {
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
INLINE double double_of(int64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
/// AVX2 has no conversion from 64 bits: this is one for integers below 2⁵¹.
INLINE double small_double(int64_t x) { return double_of(x + MAGIC_BITS) - MAGIC; }

/// `narrow` and `wide` are one text: the coarse parts are 32 or 64 bits.
#define FIXED_POINT(width, Coarse, double_from)                                                                                               \
    /* coarse, fine += x; |x| < 2²⁸. The caller sees to it that no sum overflows. */                                                      \
    static void fixed_point_add_##width(const float *restrict x, ptrdiff_t count, Coarse *restrict coarse, int64_t *restrict fine) {     \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                                          \
            double high = (double)x[i] * 0x1p17 + MAGIC;                                                                                 \
            double low = ((double)x[i] - (high - MAGIC) * 0x1p-17) * 0x1p68 + MAGIC;                                                     \
            coarse[i] = (Coarse)((uint64_t)coarse[i] + (uint64_t)(bits_of(high) - MAGIC_BITS));                                          \
            fine[i] += bits_of(low) - MAGIC_BITS;                                                                                        \
        }                                                                                                                                \
    }                                                                                                                                    \
    /* The sum of two, rounded once to double and then to float. */                                                                      \
    static void fixed_point_write_##width(const Coarse *coarse, const int64_t *fine, const Coarse *more_coarse,                          \
                                          const int64_t *more_fine, ptrdiff_t count, float *out) {                                       \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                                          \
            uint64_t low = (uint64_t)fine[i] + (uint64_t)more_fine[i];                                                                   \
            /* What belongs to the coarse part, so that both parts are exact as doubles. A shift of what is not negative: AVX2 has       \
               no other for 64 bits. */                                                                                                  \
            int64_t carry = (int64_t)((low + (1ull << 62) + (1ull << 50)) >> 51) - (1 << 11);                                            \
            int64_t rest = (int64_t)(low - ((uint64_t)carry << 51));                                                                     \
            int64_t high = (int64_t)coarse[i] + (int64_t)more_coarse[i] + carry;                                                         \
            out[i] = (float)(double_from(high) * 0x1p-17 + small_double(rest) * 0x1p-68);                                                \
        }                                                                                                                                \
    }                                                                                                                                    \
    static void fixed_point_merge_##width(const Coarse *restrict coarse, const int64_t *restrict fine, ptrdiff_t count,                  \
                                          Coarse *restrict sum_coarse, int64_t *restrict sum_fine) {                                     \
        for (ptrdiff_t i = 0; i < count; i++) sum_coarse[i] += coarse[i];                                                                \
        for (ptrdiff_t i = 0; i < count; i++) sum_fine[i] += fine[i];                                                                    \
    }
FIXED_POINT(narrow, int32_t, small_double)
FIXED_POINT(wide, int64_t, (double))
