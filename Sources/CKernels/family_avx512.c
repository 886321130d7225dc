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
#include "attention_backward.h"
#include "elementwise.h"
#include "fixed_point.h"
#include "product.h"
#include "outer.h"
#include "softmax.h"
#pragma clang attribute pop
#include "table.h"

const struct gfn_kernels gfn_kernels_avx512 = GFN_TABLE;
#endif
