/// AVX2 with fused multiply-adds: processors since 2013.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define TILE_ROWS 6
#define PAIR_ROWS 4
#define TILE_VECTORS 2
#define INTEGER_ROWS 2
#define INTEGER_VECTORS 2
#include "attention_backward.h"
#include "elementwise.h"
#include "fixed_point.h"
#define OWN_DOT4
/// The even bytes and the odd ones, as pairs of 16 bits each.
INLINE __m256i dot4_256(__m256i c, __m256i w, int32_t x) {
    const __m256i even = _mm256_and_si256(w, _mm256_set1_epi16(255)), odd = _mm256_srli_epi16(w, 8);
    const __m256i q = _mm256_set1_epi32(x), q_even = _mm256_srai_epi16(_mm256_slli_epi16(q, 8), 8), q_odd = _mm256_srai_epi16(q, 8);
    return _mm256_add_epi32(c, _mm256_add_epi32(_mm256_madd_epi16(even, q_even), _mm256_madd_epi16(odd, q_odd)));
}
#define dot4(c, w, x) ((vi)dot4_256((__m256i)(c), (__m256i)(w), x))
#include "product.h"
#include "codes.h"
#include "integers.h"
#include "outer.h"
#include "softmax.h"
#pragma clang attribute pop
#include "table.h"

const struct gfn_kernels gfn_kernels_avx2 = GFN_TABLE;
#endif
