#pragma once
/// Sixteen lanes of float, on every family. Included by each family's file, inside its target.
///
/// The compiler cuts the lanes to what the target has. Bits are equal over families because every operation is an IEEE one on
/// each lane: sums go through fixed trees, a fused multiply-add is written out, and contraction is off for the whole module.
#include <float.h>
#include <math.h>
#include <string.h>

#include "ckernels.h"


// Every function that takes or returns a vector is inlined, so there is no calling convention to warn about.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline, unused))
#define UNROLL _Pragma("clang loop unroll(full)")

typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef double d8 __attribute__((vector_size(64)));
typedef float v16_at __attribute__((vector_size(64), aligned(4), may_alias));
typedef float v8 __attribute__((vector_size(32)));

INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

INLINE v16 load(const float *p) { return *(const v16_at *)p; }
INLINE void store(float *p, v16 v) { *(v16_at *)p = v; }
INLINE v16 splat(float a) { return (v16){a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a}; }
/// The first n lanes, zeros behind them.
INLINE v16 load_part(const float *p, ptrdiff_t n) {
    float t[16] = {0};
    memcpy(t, p, (size_t)n * sizeof(float));
    return load(t);
}
INLINE void store_part(float *p, v16 v, ptrdiff_t n) {
    float t[16];
    store(t, v);
    memcpy(p, t, (size_t)n * sizeof(float));
}
INLINE v16 load_upto(const float *p, ptrdiff_t n) { return n >= 16 ? load(p) : load_part(p, n); }
INLINE void store_upto(float *p, v16 v, ptrdiff_t n) {
    if (n >= 16) store(p, v);
    else store_part(p, v, n);
}

INLINE v16 fma16(v16 a, v16 b, v16 c) { return __builtin_elementwise_fma(a, b, c); }
INLINE v16 choose(i16 mask, v16 yes, v16 no) { return (v16)((mask & (i16)yes) | (~mask & (i16)no)); }
INLINE v16 larger(v16 a, v16 b) { return choose(a > b, a, b); }
INLINE v16 magnitude(v16 a) { return (v16)((i16)a & 0x7fffffff); }

INLINE float sum_lanes(v16 v) {
    float t[16];
    store(t, v);
    UNROLL for (int h = 8; h > 0; h /= 2)
        UNROLL for (int i = 0; i < h; i++) t[i] = t[i] + t[i + h];
    return t[0];
}
INLINE float largest_lane(v16 v) {
    float t[16];
    store(t, v);
    UNROLL for (int h = 8; h > 0; h /= 2)
        UNROLL for (int i = 0; i < h; i++) t[i] = t[i] > t[i + h] ? t[i] : t[i + h];
    return t[0];
}
INLINE d8 low_half(v16 v) { return __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), d8); }
INLINE d8 high_half(v16 v) { return __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15), d8); }
INLINE double sum_doubles(d8 v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

/// eˣ within 2 ulp; 0 below the smallest normal number, ∞ above the largest, NaN for NaN.
/// x = n·ln 2 + r, |r| ≤ ½ ln 2; eʳ by the polynomial of Cephes' expf (S. Moshier).
INLINE v16 exp16(v16 x) {
    const v16 magic = splat(12582912.0f);  // 1.5·2²³: adding it rounds to an integer, kept in the low bits
    v16 bounded = choose(x < -87.33f, splat(-87.33f), choose(x > 88.72f, splat(88.72f), x));
    v16 shifted = fma16(bounded, splat(1.44269504088896341f), magic);
    v16 n = shifted - magic;
    v16 r = fma16(n, splat(-0.693359375f), bounded);
    r = fma16(n, splat(2.12194440e-4f), r);
    v16 p = splat(1.9875691500e-4f);
    p = fma16(p, r, splat(1.3981999507e-3f));
    p = fma16(p, r, splat(8.3334519073e-3f));
    p = fma16(p, r, splat(4.1665795894e-2f));
    p = fma16(p, r, splat(1.6666665459e-1f));
    p = fma16(p, r, splat(5.0000001201e-1f));
    v16 y = fma16(p, r * r, r) + 1.0f;
    y = (v16)((i16)y + (((i16)shifted - (i16)magic) << 23));
    y = choose(x < -87.33f, splat(0.0f), y);
    y = choose(x > 88.72f, splat(INFINITY), y);
    return choose(x != x, x, y);
}

