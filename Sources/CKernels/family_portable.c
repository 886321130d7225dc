/// The reference family: what every processor can do. Without fused multiply-adds in hardware it is slow.
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define LANES 4
#define TILE_ROWS 2
#define PAIR_ROWS 2
#define TILE_VECTORS 4
#define INTEGER_ROWS 2
#define INTEGER_VECTORS 1
#include "attention_backward.h"
#include "elementwise.h"
#include "fixed_point.h"
#include "product.h"
#include "codes.h"
#include "integers.h"
#include "outer.h"
#include "softmax.h"
#include "table.h"

const struct gfn_kernels gfn_kernels_portable = GFN_TABLE;
