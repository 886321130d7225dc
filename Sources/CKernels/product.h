#pragma once
/// Matrix products on packed weights. Each y[m,n] is ONE chain over k = 0, 1, …, K−1, whatever the tile, so a row has the same
/// bits alone and in any batch, and on every family:
///
///     fp32   c ← fma(x_k, w_k, c)
///     bf16   c ← fma(x_2k, w_2k, fma(x_2k+1, w_2k+1, c)): what VDPBF16PS does. Found by comparing it with all plausible orders on
///            15 million random inputs (Zen 4): the odd product goes first, both steps are fused, round to nearest even, and
///            take numbers below the smallest normal one as zero, in and out. Families without it compute the same with two
///            fused steps and the processor set to flush likewise.
///
/// A tile keeps `rows` × `vectors` accumulators in registers; a long chain is cut into stretches between which the accumulators
/// rest in memory, which is exact.
///
/// Included with LANES (floats in a register), TILE_ROWS and TILE_VECTORS, and PAIR_ROWS for the rows of a tile of pairs.
#include "vector.h"


typedef float vf __attribute__((vector_size(LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(LANES * 4)));
typedef float vf_at __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint32_t vu_at __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

enum { chunk_rows = 16 * TILE_ROWS, stretch_fp32 = 1024, stretch_bf16 = 1024 };

INLINE vf splat_fp32(float a) { return a - (vf){0}; }
INLINE vu splat_pair(uint32_t a) { return a - (vu){0}; }

/// c ← the chain over `steps`, for a tile. x: rows at `x_stride`. w: [steps][width], at the tile's first column.
INLINE void tile_fp32(const int rows, const int vectors, const float *x, ptrdiff_t x_stride, const float *w, ptrdiff_t width,
                      ptrdiff_t steps, int first, float *sums) {
    vf c[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            c[r][v] = first ? (vf){0} : *(const vf_at *)(sums + r * gfn_panel + v * LANES);
    for (ptrdiff_t k = 0; k < steps; k++, w += width) {
        vf line[TILE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) line[v] = *(const vf_at *)(w + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = splat_fp32(x[r * x_stride + k]);
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = __builtin_elementwise_fma(a, line[v], c[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) *(vf_at *)(sums + r * gfn_panel + v * LANES) = c[r][v];
}

#ifndef OWN_PAIR_STEP
/// Both products of a pair, from the bits: the odd bf16 is the upper half.
struct pair { vf odd, even; };
INLINE struct pair pair_of(vu bits) { return (struct pair){(vf)(bits & 0xffff0000u), (vf)(bits << 16)}; }
INLINE vf pair_step(struct pair a, struct pair b, vf c) {
    return __builtin_elementwise_fma(a.even, b.even, __builtin_elementwise_fma(a.odd, b.odd, c));
}
#endif

INLINE void tile_bf16(const int rows, const int vectors, const uint32_t *x, ptrdiff_t x_stride, const uint32_t *w, ptrdiff_t width,
                      ptrdiff_t steps, int first, float *sums) {
    vf c[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            c[r][v] = first ? (vf){0} : *(const vf_at *)(sums + r * gfn_panel + v * LANES);
    for (ptrdiff_t k = 0; k < steps; k++, w += width) {
        struct pair line[TILE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) line[v] = pair_of(*(const vu_at *)(w + v * LANES));
        UNROLL for (int r = 0; r < rows; r++) {
            struct pair a = pair_of(splat_pair(x[r * x_stride + k]));
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = pair_step(a, line[v], c[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) *(vf_at *)(sums + r * gfn_panel + v * LANES) = c[r][v];
}

/// What becomes of a chunk's sums: y ← (addend +) scale · sums (+ bias).
struct outcome {
    float *y;
    ptrdiff_t y_stride;
    float scale;
    const float *addend, *bias;
};
INLINE struct outcome outcome_of(const struct gfn_product *job) {
    return (struct outcome){job->y, job->y_stride, job->scale, job->addend, job->bias};
}

/// Row by row, from `row` and `column` of y on.
INLINE void finish(struct outcome o, const float *sums, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns) {
    for (ptrdiff_t r = 0; r < rows; r++, sums += gfn_panel) {
        const ptrdiff_t at = (row + r) * o.y_stride + column;
        for (ptrdiff_t j = 0; j < columns; j += 16) {
            const ptrdiff_t n = columns - j;
            v16 value = load(sums + j) * o.scale;
            if (o.addend) value = load_upto(o.addend + at + j, n) + value;
            if (o.bias) value = value + load_upto(o.bias + column + j, n);
            store_upto(o.y + at + j, value, n);
        }
    }
}

#define ROWS_CASE(kind, rows, vectors) \
    case rows: tile_##kind(rows, vectors, x, x_stride, w, width, steps, first, sums); break;
#if TILE_ROWS == 6
#define ROWS_SWITCH(kind, vectors)                                                                          \
    switch (rows) {                                                                                         \
        ROWS_CASE(kind, 1, vectors) ROWS_CASE(kind, 2, vectors) ROWS_CASE(kind, 3, vectors)                 \
        ROWS_CASE(kind, 4, vectors) ROWS_CASE(kind, 5, vectors) ROWS_CASE(kind, 6, vectors)                 \
    }
#else
#define ROWS_SWITCH(kind, vectors) switch (rows) { ROWS_CASE(kind, 1, vectors) ROWS_CASE(kind, 2, vectors) }
#endif
/// Full tiles, and those of a narrow last panel, which are `LANES` wide.
#define DEFINE_ROWS(kind, number)                                                                                        \
    static void rows_##kind(ptrdiff_t rows, const number *x, ptrdiff_t x_stride, const number *w, ptrdiff_t width,        \
                            ptrdiff_t steps, int first, float *sums) {                                                   \
        ROWS_SWITCH(kind, TILE_VECTORS)                                                                                  \
    }                                                                                                                    \
    static void narrow_##kind(ptrdiff_t rows, const number *x, ptrdiff_t x_stride, const number *w, ptrdiff_t width,      \
                              ptrdiff_t steps, int first, float *sums) {                                                 \
        ROWS_SWITCH(kind, 1)                                                                                             \
    }
DEFINE_ROWS(fp32, float)
DEFINE_ROWS(bf16, uint32_t)

#if !defined(OWN_PAIR_STEP) && defined(__x86_64__)
/// Between these the processor flushes numbers below the smallest normal one (MXCSR: FTZ and DAZ). What lies between is a function of its
/// own, which no other arithmetic is moved into.
#define ENTER_PAIRS const unsigned mode = _mm_getcsr(); _mm_setcsr(mode | 0x8040);
#define LEAVE_PAIRS _mm_setcsr(mode);
#else
#define ENTER_PAIRS
#define LEAVE_PAIRS
#endif

/// The sums of one panel, `width` wide, for a chunk of rows: stretches of the chain, then tiles.
#define DEFINE_CHAINS(name, kind, number, stretch, tile_rows)                                                                     \
    static __attribute__((noinline)) void name(const number *x, ptrdiff_t x_stride, ptrdiff_t chunk, const number *w,             \
                                               ptrdiff_t width, ptrdiff_t total, int first, float *sums) {                        \
        const ptrdiff_t tiles = (chunk + tile_rows - 1) / tile_rows;                                                              \
        for (ptrdiff_t k = 0; k < total; k += stretch) {                                                                          \
            const ptrdiff_t steps = smaller(total - k, stretch);                                                                  \
            for (ptrdiff_t t = 0; t < tiles; t++) {                                                                               \
                const ptrdiff_t r = t * chunk / tiles, rows = (t + 1) * chunk / tiles - r;                                        \
                for (ptrdiff_t j = 0; j < width;) {                                                                               \
                    const int wide = j + TILE_VECTORS * LANES <= width;                                                           \
                    (wide ? rows_##kind : narrow_##kind)(rows, x + r * x_stride + k, x_stride, w + k * width + j, width, steps,   \
                                                         first && k == 0, sums + r * gfn_panel + j);                              \
                    j += wide ? TILE_VECTORS * LANES : LANES;                                                                     \
                }                                                                                                                 \
            }                                                                                                                     \
        }                                                                                                                         \
    }
DEFINE_CHAINS(chains_fp32, fp32, float, stretch_fp32, TILE_ROWS)
DEFINE_CHAINS(chains_bf16_inner, bf16, uint32_t, stretch_bf16, PAIR_ROWS)
INLINE void chains_bf16(const uint32_t *x, ptrdiff_t x_stride, ptrdiff_t chunk, const uint32_t *w, ptrdiff_t width, ptrdiff_t total,
                        int first, float *sums) {
    ENTER_PAIRS
    chains_bf16_inner(x, x_stride, chunk, w, width, total, first, sums);
    LEAVE_PAIRS
}

/// Panels outermost, so that a panel is read from memory once; then chunks of rows whose sums stay in cache. The low-rank product is added
/// to what was just written.
#define DEFINE_MULTIPLY(kind, number)                                                                                             \
    INLINE void add_low_rank_##kind(const struct gfn_product *job, float *sums, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t panel,   \
                                    ptrdiff_t columns) {                                                                          \
        const struct gfn_low_rank *low = job->low_rank;                                                                           \
        chains_##kind((const number *)low->t + row * low->t_stride, low->t_stride, rows,                                          \
                      (const number *)low->b + panel * gfn_panel * low->steps, (columns + 15) / 16 * 16, low->steps, 1, sums);    \
        finish((struct outcome){job->y, job->y_stride, low->scale, job->y, NULL}, sums, row, rows, panel * gfn_panel, columns);   \
    }                                                                                                                             \
    static void multiply_##kind(const struct gfn_product *job, ptrdiff_t panel, ptrdiff_t panel_end, ptrdiff_t row,               \
                                ptrdiff_t row_end) {                                                                              \
        _Alignas(64) float sums[chunk_rows * gfn_panel];                                                                          \
        const number *x = job->x, *packed = job->w;                                                                               \
        for (; panel < panel_end; panel++) {                                                                                      \
            const ptrdiff_t columns = smaller(job->outputs - panel * gfn_panel, gfn_panel), width = (columns + 15) / 16 * 16;     \
            const number *w = packed + panel * gfn_panel * job->steps;                                                            \
            for (ptrdiff_t m = row; m < row_end; m += chunk_rows) {                                                               \
                const ptrdiff_t chunk = smaller(row_end - m, chunk_rows);                                                         \
                chains_##kind(x + m * job->x_stride, job->x_stride, chunk, w, width, job->steps, 1, sums);                        \
                finish(outcome_of(job), sums, m, chunk, panel * gfn_panel, columns);                                              \
                if (job->low_rank) add_low_rank_##kind(job, sums, m, chunk, panel, columns);                                      \
            }                                                                                                                     \
        }                                                                                                                         \
    }
DEFINE_MULTIPLY(fp32, float)
DEFINE_MULTIPLY(bf16, uint32_t)
