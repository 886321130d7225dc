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
#include "attention_backward.h"
#include "elementwise.h"
#include "fixed_point.h"
#include "product.h"
#include "outer.h"
#include "softmax.h"
#pragma clang attribute pop
#include "table.h"

const struct gfn_kernels gfn_kernels_avx2 = GFN_TABLE;
#endif
