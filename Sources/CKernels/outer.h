#pragma once
/// Sums of outer products over rows: gradients of low-rank matrices. Each out[t,w] is ONE chain over the rows in their order,
///
///     c ← fma(thin[m,t], wide[m,w], c),   m = 0, 1, …, M−1
///
/// whatever the tile, so the bits are those of every family, thread count and processor.
///
/// The wide side lies in vectors and the thin one is spread over their lanes. A stretch of rows is used whole before the next,
/// as rows are read from far away; between stretches the sums rest in memory, which is exact. Included after product.h.

enum { outer_stretch = 64, outer_block = 64, outer_width = 1024 };

INLINE void tile_outer(const int rows, const int vectors, const float *thin, ptrdiff_t thin_stride, const float *wide,
                       ptrdiff_t wide_stride, ptrdiff_t steps, int first, float *sums, ptrdiff_t width) {
    vf c[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) c[r][v] = first ? (vf){0} : *(const vf_at *)(sums + r * width + v * LANES);
    for (ptrdiff_t m = 0; m < steps; m++, wide += wide_stride, thin += thin_stride) {
        vf line[TILE_VECTORS];
        // The next columns of this row are a page away from those of the next row: no hardware foresees them.
        UNROLL for (int l = 0; l < vectors * LANES; l += 16) __builtin_prefetch(wide + vectors * LANES + l);
        UNROLL for (int v = 0; v < vectors; v++) line[v] = *(const vf_at *)(wide + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            vf a = splat_fp32(thin[r]);
            UNROLL for (int v = 0; v < vectors; v++) c[r][v] = __builtin_elementwise_fma(a, line[v], c[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) *(vf_at *)(sums + r * width + v * LANES) = c[r][v];
}

#define OUTER_CASE(rows, vectors) \
    case rows: tile_outer(rows, vectors, thin, thin_stride, wide, wide_stride, steps, first, sums, width); break;
#if TILE_ROWS == 6
#define OUTER_SWITCH(vectors)                                                        \
    switch (rows) {                                                                  \
        OUTER_CASE(1, vectors) OUTER_CASE(2, vectors) OUTER_CASE(3, vectors)         \
        OUTER_CASE(4, vectors) OUTER_CASE(5, vectors) OUTER_CASE(6, vectors)         \
    }
#else
#define OUTER_SWITCH(vectors) switch (rows) { OUTER_CASE(1, vectors) OUTER_CASE(2, vectors) }
#endif
static void outer_rows(ptrdiff_t rows, const float *thin, ptrdiff_t thin_stride, const float *wide, ptrdiff_t wide_stride,
                       ptrdiff_t steps, int first, float *sums, ptrdiff_t width) {
    OUTER_SWITCH(TILE_VECTORS)
}
static void outer_narrow(ptrdiff_t rows, const float *thin, ptrdiff_t thin_stride, const float *wide, ptrdiff_t wide_stride,
                         ptrdiff_t steps, int first, float *sums, ptrdiff_t width) {
    OUTER_SWITCH(1)
}

/// out ← out + scale · sums, for `height` of the thin side.
static void outer_finish(const struct gfn_outer *job, const float *sums, ptrdiff_t width, ptrdiff_t t, ptrdiff_t height,
                         ptrdiff_t column, ptrdiff_t columns) {
    if (job->wide_step == 1) {
        for (ptrdiff_t i = 0; i < height; i++) {
            float *y = job->out + (t + i) * job->thin_step + column;
            for (ptrdiff_t j = 0; j < columns; j += 16)
                store_upto(y + j, load_upto(y + j, columns - j) + load(sums + i * width + j) * job->scale, columns - j);
        }
        return;
    }
    // Squares of sixteen by sixteen, so that both sides are read by the line.
    for (ptrdiff_t j = 0; j < columns; j += 16) {
        const ptrdiff_t count = smaller(columns - j, 16);
        for (ptrdiff_t first = 0; first < height; first += 16) {
            const ptrdiff_t side = smaller(height - first, 16);
            float square[16][16];
            for (ptrdiff_t i = 0; i < side; i++)
                for (ptrdiff_t l = 0; l < 16; l++) square[l][i] = sums[(first + i) * width + j + l];
            for (ptrdiff_t l = 0; l < count; l++) {
                float *y = job->out + (column + j + l) * job->wide_step + t + first;
                if (side == 16) store(y, load(y) + load(square[l]) * job->scale);
                else
                    for (ptrdiff_t i = 0; i < side; i++) y[i] = y[i] + square[l][i] * job->scale;
            }
        }
    }
}

/// The last columns of a stretch of rows, copied, with zeros behind them.
INLINE void outer_pack(const float *wide, ptrdiff_t stride, ptrdiff_t steps, ptrdiff_t columns, ptrdiff_t width, float *packed) {
    for (ptrdiff_t k = 0; k < steps; k++)
        for (ptrdiff_t j = 0; j < width; j += LANES)
            if (columns - j >= LANES) {
                *(vf_at *)(packed + k * width + j) = *(const vf_at *)(wide + k * stride + j);
            } else {
                memset(packed + k * width + j, 0, LANES * sizeof(float));
                if (columns > j) memcpy(packed + k * width + j, wide + k * stride + j, (size_t)(columns - j) * sizeof(float));
            }
}

static void outer_columns(const struct gfn_outer *job, ptrdiff_t column, ptrdiff_t column_end) {
    enum { panel = TILE_VECTORS * LANES };
    const ptrdiff_t columns = column_end - column, width = (columns + 15) / 16 * 16;
    float *sums = gfn_scratch(gfn_scratch_outer, (size_t)(outer_block * width) * sizeof(float));
    _Alignas(64) float packed[outer_stretch * panel];
    for (ptrdiff_t t = 0; t < job->height; t += outer_block) {
        const ptrdiff_t height = smaller(job->height - t, outer_block), tiles = (height + TILE_ROWS - 1) / TILE_ROWS;
        for (ptrdiff_t m = 0; m < job->rows; m += outer_stretch) {
            const ptrdiff_t steps = smaller(job->rows - m, outer_stretch);
            const float *wide = job->wide + m * job->wide_stride + column, *thin = job->thin + m * job->thin_stride + t;
            for (ptrdiff_t j = 0; j < width;) {
                const int is_full = j + panel <= width;
                const ptrdiff_t count = is_full ? panel : LANES;
                // Nothing is read behind the end of a row.
                const int is_packed = columns - j < count;
                const float *lines = is_packed ? packed : wide + j;
                if (is_packed) outer_pack(wide + j, job->wide_stride, steps, columns - j, count, packed);
                for (ptrdiff_t i = 0; i < tiles; i++) {
                    const ptrdiff_t r = i * height / tiles, rows = (i + 1) * height / tiles - r;
                    (is_full ? outer_rows : outer_narrow)(rows, thin + r, job->thin_stride, lines,
                                                          is_packed ? count : job->wide_stride, steps, m == 0,
                                                          sums + r * width + j, width);
                }
                j += count;
            }
        }
        outer_finish(job, sums, width, t, height, column, columns);
    }
}

/// By blocks of columns whose sums stay in cache while the rows go by.
static void outer_product(const struct gfn_outer *job, ptrdiff_t column, ptrdiff_t column_end) {
    for (; column < column_end; column += outer_width) outer_columns(job, column, smaller(column_end, column + outer_width));
}
