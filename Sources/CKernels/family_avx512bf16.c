/// AVX-512 with VDPBF16PS: two products of bf16 and their sum in one instruction.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define LANES 16
#define TILE_ROWS 6
#define PAIR_ROWS 6
#define TILE_VECTORS 4
#include "attention_backward.h"
#include "elementwise.h"
#include "fixed_point.h"

#define OWN_PAIR_STEP
struct pair { __m512i bits; };
INLINE struct pair pair_of(uint32_t __attribute__((vector_size(64))) bits) { return (struct pair){(__m512i)bits}; }
INLINE v16 pair_step(struct pair a, struct pair b, v16 c) {
    return (v16)_mm512_dpbf16_ps((__m512)c, (__m512bh)a.bits, (__m512bh)b.bits);
}
#include "product.h"
#include "outer.h"
#include "softmax.h"
#pragma clang attribute pop
#include "table.h"

const struct gfn_kernels gfn_kernels_avx512bf16 = GFN_TABLE;
#endif
