#pragma once
/// Products with weights in codes (`gfn_codes`, not transposed), by integers: x is rounded to 16 bits in groups as the weights are, and
///
///     d = max |x_k| / 32639 over a group      q_k = x_k · (32639 / max), to nearest even      t = d · Σ q_k
///     c ← fma(Σ_k code_k · q_k, scale · d, c), and with offsets c ← fma(t, offset, c)     group by group
///
/// The sum within a group is one of integers below 2³¹, in any order the same on every family, and rounded once, to fp32. Groups follow one
/// another from the first to the last, so an element's bits do not depend on the tile either. So nothing of the weights is lost, and of x
/// less than a hundredth of what bf16 would lose.
///
/// Instructions multiply bytes, so q = 256 · upper + lower, both of them signed (32639 = 127 · 257). VPDPBUSD takes unsigned weights, so codes
/// lie in memory with `zero` added to them, and a sum starts with −zero · Σ q.
///
/// Included with LANES, INTEGER_ROWS and INTEGER_VECTORS for a tile, and `dot4` where the family has an instruction for it.
#include "product.h"

typedef int8_t s16_at __attribute__((vector_size(16), aligned(1), may_alias));
typedef int32_t vi __attribute__((vector_size(LANES * 4)));
typedef int32_t vi_at __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

/// Vectors of a tile of one or two rows: where registers suffice, a whole panel, which is then read from one end to the other.
#define INTEGER_WIDEST (LANES == 16 ? 4 : INTEGER_VECTORS)

enum { integer_chunk = 32 * INTEGER_ROWS, integer_stretch = 256 };

#ifndef OWN_DOT4
/// c + Σ of four products in each lane: unsigned bytes of w, signed ones of x.
INLINE vi dot4(vi c, vi w, int32_t x) {
    UNROLL for (int i = 0; i < 4; i++) c = c + (w >> 8 * i & 255) * (int32_t)(int8_t)(x >> 8 * i);
    return c;
}
#endif

INLINE int32_t four_of(const uint8_t *x) {
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits;
}

/// What a product reads of a row of x: K upper bytes, K lower ones, then a `gfn_integer_group` for each group.
INLINE const struct gfn_integer_group *group_of(const uint8_t *row, ptrdiff_t inputs, ptrdiff_t group) {
    return (const struct gfn_integer_group *)(row + 2 * inputs) + group;
}

/// Rows of x as integers. A group with a number that is none makes all that is computed from it NaN; one in which everything is below 2⁻¹⁰⁰
/// counts as zeros, since the reciprocal of its maximum would overflow.
static void round_integers(const struct gfn_codes *codes, const float *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs,
                           uint8_t *out, ptrdiff_t out_stride) {
    const v16 magic = splat(12582912.0f);  // 1.5·2²³: adding it rounds to an integer, kept in the low bits
    const float integer_limit = 32639;
    for (; rows > 0; rows--, x += x_stride, out += out_stride) {
        struct gfn_integer_group *groups = (struct gfn_integer_group *)(out + 2 * inputs);
        for (ptrdiff_t k = 0; k < inputs; k += codes->group, groups++) {
            i16 largest = {0};
            for (ptrdiff_t j = 0; j < codes->group; j += 16) {
                // Magnitudes are ordered as their bits are, infinity and NaN above all others.
                i16 bits = (i16)load(x + k + j) & 0x7fffffff, above = bits > largest;
                largest = (bits & above) | (largest & ~above);
            }
            int32_t lanes[16];
            memcpy(lanes, &largest, sizeof lanes);
            UNROLL for (int h = 8; h > 0; h /= 2)
                UNROLL for (int i = 0; i < h; i++) lanes[i] = lanes[i] > lanes[i + h] ? lanes[i] : lanes[i + h];
            float maximum;
            memcpy(&maximum, lanes, sizeof maximum);
            const int isFinite = lanes[0] < 0x7f800000;
            const v16 inverse = splat(isFinite && maximum >= 0x1p-100f ? integer_limit / maximum : 0);
            i16 sums = {0};
            for (ptrdiff_t j = 0; j < codes->group; j += 16) {
                i16 q = isFinite ? (i16)(load(x + k + j) * inverse + magic) - (i16)magic : (i16){0};
                const i16 upper = (q + 128) >> 8;
                sums = sums + q;
                *(s16_at *)(out + k + j) = __builtin_convertvector(upper, s16_at);
                *(s16_at *)(out + inputs + k + j) = __builtin_convertvector(q - (upper << 8), s16_at);
            }
            int32_t sum = 0;
            UNROLL for (int i = 0; i < 16; i++) sum += sums[i];
            groups->scale = isFinite ? (maximum >= 0x1p-100f ? maximum / integer_limit : 0) : NAN;
            groups->start = -(codes->bits == 4 ? codes->zero : 128) * sum;
            groups->sum = groups->scale * (float)sum;
        }
    }
}

/// A stretch of one panel, from its first group: codes and numbers (scales, offsets) of each column of 16 outputs and each group.
struct integer_weights {
    const uint8_t *codes;
    ptrdiff_t codes_column, codes_group;
    const uint8_t *numbers;
    ptrdiff_t numbers_column, numbers_group;
};

/// sum += a group's products with upper or lower bytes at `q`, of all rows of a tile.
INLINE void group_integers(const int rows, const int vectors, const int group, const uint8_t *q, ptrdiff_t x_stride,
                           const uint8_t *const *codes, vi sum[INTEGER_ROWS][INTEGER_WIDEST]) {
    UNROLL for (int k = 0; k < group; k += 4)
        UNROLL for (int v = 0; v < vectors; v++) {
            const vi w = *(const vi_at *)(codes[v] + 16 * k);
            UNROLL for (int r = 0; r < rows; r++) sum[r][v] = dot4(sum[r][v], w, four_of(q + r * x_stride + k));
        }
}

/// Bytes ahead of which memory is asked for codes: a few groups of a panel. Processors do not foresee that tiles skip the columns of others;
/// with this, few rows take about a fifth less time (Intel). A tile as wide as its panel skips none, and needs less (Zen 4).
enum { codes_ahead = 3840, codes_ahead_of_panels = 1536 };

/// The same with both, into sums of their own, so that each code is read once. `nibbles`: two steps of four inputs lie in the halves of a byte.
INLINE void group_both(const int rows, const int vectors, const int nibbles, const int group, const uint8_t *upper, const uint8_t *lower,
                       ptrdiff_t x_stride, const uint8_t *const *codes, vi uppers[INTEGER_ROWS][INTEGER_WIDEST],
                       vi lowers[INTEGER_ROWS][INTEGER_WIDEST]) {
    UNROLL for (int k = 0; k < group; k += nibbles ? 8 : 4)
        UNROLL for (int v = 0; v < vectors; v++) {
            const uint8_t *line = codes[v] + k * (nibbles ? 8 : 16);
            const vi both = *(const vi_at *)line;
            __builtin_prefetch(line + (vectors * LANES == gfn_panel ? codes_ahead_of_panels : codes_ahead));
            const vi w = nibbles ? both & 0x0f0f0f0f : both, next = both >> 4 & 0x0f0f0f0f;
            UNROLL for (int r = 0; r < rows; r++) {
                uppers[r][v] = dot4(uppers[r][v], w, four_of(upper + r * x_stride + k));
                lowers[r][v] = dot4(lowers[r][v], w, four_of(lower + r * x_stride + k));
                if (!nibbles) continue;
                uppers[r][v] = dot4(uppers[r][v], next, four_of(upper + r * x_stride + k + 4));
                lowers[r][v] = dot4(lowers[r][v], next, four_of(lower + r * x_stride + k + 4));
            }
        }
}

/// Up to so many rows, a tile has registers for the sums of both bytes.
enum { integer_few = INTEGER_ROWS < 4 ? INTEGER_ROWS : 4 };

/// `j`: the tile's first output.
INLINE void tile_integers(const int rows, const int vectors, const int nibbles, const int offsets, const int group,
                          const uint8_t *x, ptrdiff_t x_stride, ptrdiff_t inputs, struct integer_weights w, ptrdiff_t j,
                          ptrdiff_t first_group, ptrdiff_t groups, float *sums) {
    vf c[INTEGER_ROWS][INTEGER_WIDEST];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            c[r][v] = first_group == 0 ? (vf){0} : *(const vf_at *)(sums + r * gfn_panel + j + v * LANES);
    const uint8_t *codes[INTEGER_WIDEST], *numbers[INTEGER_WIDEST];
    UNROLL for (int v = 0; v < vectors; v++) {
        const ptrdiff_t column = (j + v * LANES) / 16, lane = (j + v * LANES) % 16;
        codes[v] = w.codes + column * w.codes_column + lane * 4;
        numbers[v] = w.numbers + column * w.numbers_column + lane * 4;
    }
    for (ptrdiff_t g = 0; g < groups; g++) {
        const uint8_t *upper = x + (first_group + g) * group, *lower = upper + inputs;
        vi sum[INTEGER_ROWS][INTEGER_WIDEST], lowers[INTEGER_ROWS][INTEGER_WIDEST], start[INTEGER_ROWS];
        UNROLL for (int r = 0; r < rows; r++) {
            start[r] = group_of(x + r * x_stride, inputs, first_group + g)->start - (vi){0};
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[r][v] = (vi){0};
                lowers[r][v] = start[r];
            }
        }
        if (rows <= integer_few) {
            group_both(rows, vectors, nibbles, group, upper, lower, x_stride, codes, sum, lowers);
            UNROLL for (int r = 0; r < rows; r++)
                UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = (sum[r][v] << 8) + lowers[r][v];
        } else {
            group_integers(rows, vectors, group, upper, x_stride, codes, sum);
            UNROLL for (int r = 0; r < rows; r++)
                UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = (sum[r][v] << 8) + start[r];
            group_integers(rows, vectors, group, lower, x_stride, codes, sum);
        }
        UNROLL for (int v = 0; v < vectors; v++) {
            const vf scale = *(const vf_at *)numbers[v], offset = offsets ? *(const vf_at *)(numbers[v] + 64) : (vf){0};
            UNROLL for (int r = 0; r < rows; r++) {
                const struct gfn_integer_group *of_x = group_of(x + r * x_stride, inputs, first_group + g);
                c[r][v] = __builtin_elementwise_fma(__builtin_convertvector(sum[r][v], vf), scale * of_x->scale, c[r][v]);
                if (offsets) c[r][v] = __builtin_elementwise_fma(splat_fp32(of_x->sum), offset, c[r][v]);
            }
            codes[v] += w.codes_group;
            numbers[v] += w.numbers_group;
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) *(vf_at *)(sums + r * gfn_panel + j + v * LANES) = c[r][v];
}

#define INTEGER_ROWS_CASE(rows, vectors) \
    case rows: tile_integers(rows, vectors, nibbles, offsets, group, x, x_stride, inputs, w, j, first_group, groups, sums); break;
#if INTEGER_ROWS == 6
#define INTEGER_ROWS_SWITCH(vectors)                                                                            \
    switch (rows) {                                                                                             \
        INTEGER_ROWS_CASE(1, vectors) INTEGER_ROWS_CASE(2, vectors) INTEGER_ROWS_CASE(3, vectors)               \
        INTEGER_ROWS_CASE(4, vectors) INTEGER_ROWS_CASE(5, vectors) INTEGER_ROWS_CASE(6, vectors)               \
    }
#else
#define INTEGER_ROWS_SWITCH(vectors) switch (rows) { INTEGER_ROWS_CASE(1, vectors) INTEGER_ROWS_CASE(2, vectors) }
#endif

/// All tiles of some rows and a stretch of groups.
INLINE void tiles_integers(const int nibbles, const int offsets, const int group, ptrdiff_t rows, const uint8_t *x,
                           ptrdiff_t x_stride, ptrdiff_t inputs, struct integer_weights w, ptrdiff_t width, ptrdiff_t first_group,
                           ptrdiff_t groups, float *sums) {
    if (rows <= 2 && width == INTEGER_WIDEST * LANES) {
        const ptrdiff_t j = 0;
        switch (rows) { INTEGER_ROWS_CASE(1, INTEGER_WIDEST) INTEGER_ROWS_CASE(2, INTEGER_WIDEST) }
        return;
    }
    for (ptrdiff_t j = 0; j < width;) {
        const int wide = j + INTEGER_VECTORS * LANES <= width;
        if (wide) { INTEGER_ROWS_SWITCH(INTEGER_VECTORS) } else { INTEGER_ROWS_SWITCH(1) }
        j += wide ? INTEGER_VECTORS * LANES : LANES;
    }
}

/// One function for each way in which weights are kept.
#define DEFINE_INTEGERS(name, nibbles, offsets, group)                                                                        \
    static __attribute__((noinline)) void name(ptrdiff_t rows, const uint8_t *x, ptrdiff_t x_stride, ptrdiff_t inputs,        \
                                               struct integer_weights w, ptrdiff_t width, ptrdiff_t first_group,              \
                                               ptrdiff_t groups, float *sums) {                                               \
        tiles_integers(nibbles, offsets, group, rows, x, x_stride, inputs, w, width, first_group, groups, sums);              \
    }
DEFINE_INTEGERS(integers_nibbles, 1, 0, 32)
DEFINE_INTEGERS(integers_nibbles_offsets, 1, 1, 32)
DEFINE_INTEGERS(integers_bytes, 0, 0, 32)
DEFINE_INTEGERS(integers_bytes_offsets, 0, 1, 32)
DEFINE_INTEGERS(integers_bytes16, 0, 0, 16)

/// Both halves of each byte as bytes, for products with many rows: [group][column][16 · 32].
INLINE struct integer_weights without_nibbles(struct integer_weights w, ptrdiff_t columns, ptrdiff_t groups, uint8_t *out) {
    for (ptrdiff_t g = 0; g < groups; g++)
        for (ptrdiff_t column = 0; column < columns; column++)
            UNROLL for (int k = 0; k < 4; k++) {
                const i16 both = *(const i16 *)__builtin_assume_aligned(w.codes + g * w.codes_group + column * w.codes_column + k * 64, 64);
                i16 *line = (i16 *)__builtin_assume_aligned(out + (g * columns + column) * 512 + k * 128, 64);
                line[0] = both & 0x0f0f0f0f;
                line[1] = both >> 4 & 0x0f0f0f0f;
            }
    w.codes = out;
    w.codes_column = 512;
    w.codes_group = columns * 512;
    return w;
}

/// Panels outermost, then chunks of rows whose sums stay in cache, then stretches of groups, then tiles, as in product.h.
static __attribute__((noinline)) void multiply_integers(const struct gfn_product *job, ptrdiff_t panel, ptrdiff_t panel_end,
                                                        ptrdiff_t row, ptrdiff_t row_end) {
    _Alignas(64) float sums[integer_chunk * gfn_panel];
    _Alignas(64) uint8_t bytes[integer_stretch * gfn_panel];
    const struct gfn_codes c = *job->codes;
    const ptrdiff_t numbers = 64 * (1 + (c.offsets != 0)), record = numbers + 16 * c.group * c.bits / 8;
    const ptrdiff_t groups = job->steps * 2 / c.group, stretch = integer_stretch / c.group;
    for (; panel < panel_end; panel++) {
        const ptrdiff_t outputs = smaller(job->outputs - panel * gfn_panel, gfn_panel), columns = (outputs + 15) / 16;
        const uint8_t *start = (const uint8_t *)job->w + panel * (gfn_panel / 16) * record * groups;
        for (ptrdiff_t m = row; m < row_end; m += integer_chunk) {
            const ptrdiff_t chunk = smaller(row_end - m, integer_chunk), tiles = (chunk + INTEGER_ROWS - 1) / INTEGER_ROWS;
            for (ptrdiff_t g = 0; g < groups; g += stretch) {
                const ptrdiff_t count = smaller(groups - g, stretch);
                const uint8_t *at = start + g * columns * record;
                struct integer_weights w = {at + numbers, record, columns * record, at, record, columns * record};
                const int nibbles = c.bits == 4 && chunk <= integer_few;
                if (c.bits == 4 && !nibbles) w = without_nibbles(w, columns, count, bytes);
                for (ptrdiff_t t = 0; t < tiles; t++) {
                    const ptrdiff_t r = t * chunk / tiles, rows = (t + 1) * chunk / tiles - r;
                    (nibbles ? c.offsets ? integers_nibbles_offsets : integers_nibbles
                     : c.offsets ? integers_bytes_offsets
                     : c.group == 32 ? integers_bytes : integers_bytes16)(
                        rows, (const uint8_t *)job->x + (m + r) * job->x_stride, job->x_stride, job->steps * 2, w, columns * 16, g, count,
                        sums + r * gfn_panel);
                }
            }
            finish(outcome_of(job), sums, m, chunk, panel * gfn_panel, outputs);
            if (job->low_rank) add_low_rank_bf16(job, sums, m, chunk, panel, outputs);
        }
    }
}
