/// AVX-512 (F, BW, DQ, VL): server processors since 2017.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define LANES 16
#define TILE_ROWS 6
#define PAIR_ROWS 5
#define TILE_VECTORS 4
#define INTEGER_ROWS 6
#define INTEGER_VECTORS 2
#include "attention_backward.h"
#include "elementwise.h"
#include "fixed_point.h"
#define OWN_DOT4
/// The even bytes and the odd ones, as pairs of 16 bits each.
INLINE i16 dot4(i16 c, i16 w, int32_t x) {
    const __m512i even = _mm512_and_si512((__m512i)w, _mm512_set1_epi16(255)), odd = _mm512_srli_epi16((__m512i)w, 8);
    const __m512i q = _mm512_set1_epi32(x), q_even = _mm512_srai_epi16(_mm512_slli_epi16(q, 8), 8), q_odd = _mm512_srai_epi16(q, 8);
    return c + (i16)_mm512_madd_epi16(even, q_even) + (i16)_mm512_madd_epi16(odd, q_odd);
}
#include "product.h"
#include "codes.h"
#include "integers.h"
#include "outer.h"
#include "softmax.h"
#pragma clang attribute pop
#include "table.h"

const struct gfn_kernels gfn_kernels_avx512 = GFN_TABLE;
#endif
