#pragma once
/// Causal attention over ragged segments, forward and backward, with grouped queries.
///
///     s_j = scale · q·k_j      p_j = e^{s_j − m}      o = Σ p_j v_j / Σ p_j      log_sum_exp = m + log Σ p_j
///
/// A query row (one position, one head) meets its keys in blocks of 32 that are counted from position 0, and within a block in
/// an order fixed by the key's position. So its bits depend neither on the other rows nor on where a key is stored.
/// q·k is a chain over the head's components: keys are transposed, so that a lane is a key. Keys and values in bf16 are widened block by
/// block, which gives the bits of the same numbers in fp32.
///
///     R rows of this unit · G query heads per key head · C head size, P the same rounded up to 16 · B = 32 keys
#include "vector.h"


enum { B = 32 };

/// The key of a position, from one of its heads on. (fp32)
INLINE const float *key_at(const struct gfn_segment *s, ptrdiff_t position, ptrdiff_t offset) {
    return position < s->prefix_length ? (const float *)s->prefix_keys + position * s->prefix_stride + offset
                                       : (const float *)s->own_keys + (position - s->prefix_length) * s->own_stride + offset;
}
INLINE const float *value_at(const struct gfn_segment *s, ptrdiff_t position, ptrdiff_t offset) {
    return position < s->prefix_length ? (const float *)s->prefix_values + position * s->prefix_stride + offset
                                       : (const float *)s->own_values + (position - s->prefix_length) * s->own_stride + offset;
}

/// C numbers in bf16, which is exact.
INLINE void widen_row(float *to, const void *from, ptrdiff_t at, ptrdiff_t C) {
    const uint16_t *bits = (const uint16_t *)from + at;
    for (ptrdiff_t c = 0; c < C; c++) {
        const uint32_t wide = (uint32_t)bits[c] << 16;
        memcpy(to + c, &wide, sizeof wide);
    }
}
/// The key and the value of a position in bf16, widened.
INLINE void widen_position(const struct gfn_segment *s, ptrdiff_t position, ptrdiff_t offset, ptrdiff_t C, float *key, float *value) {
    const int isPrefix = position < s->prefix_length;
    const ptrdiff_t at = (isPrefix ? position * s->prefix_stride : (position - s->prefix_length) * s->own_stride) + offset;
    widen_row(key, isPrefix ? s->prefix_keys : s->own_keys, at, C);
    widen_row(value, isPrefix ? s->prefix_values : s->own_values, at, C);
}

/// 16 rows of 16 floats → columns `out[c·stride]`. Only moves numbers.
INLINE void transpose16(const v16 *in, float *out, ptrdiff_t stride) {
    v16 a[16], b[16];
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
    UNROLL for (int i = 0; i < 8; i++) {  // interleave row i with row i+8, four times over: a perfect shuffle transposes
        a[2 * i] = SHUFFLE(in[i], in[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        a[2 * i + 1] = SHUFFLE(in[i], in[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    UNROLL for (int i = 0; i < 8; i++) {
        b[2 * i] = SHUFFLE(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        b[2 * i + 1] = SHUFFLE(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    UNROLL for (int i = 0; i < 8; i++) {
        a[2 * i] = SHUFFLE(b[i], b[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        a[2 * i + 1] = SHUFFLE(b[i], b[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    UNROLL for (int i = 0; i < 8; i++) {
        store(out + 2 * i * stride, SHUFFLE(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
        store(out + (2 * i + 1) * stride, SHUFFLE(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
    }
#undef SHUFFLE
}

/// Transposes rows `row[0..<count]` (count ≤ 32, C floats each) into out[c][32], P components; zeros where there is no row.
INLINE void transpose_block(const float *const *row, ptrdiff_t count, ptrdiff_t C, float *out) {
    for (ptrdiff_t half = 0; half < B; half += 16)
        for (ptrdiff_t c = 0; c < C; c += 16) {
            v16 lines[16];
            for (int j = 0; j < 16; j++) lines[j] = half + j < count ? load_upto(row[half + j] + c, C - c) : splat(0);
            transpose16(lines, out + c * B + half, B);
        }
}

/// out[r][0..<32] = a_r · columns, for `rows` ≤ 4 rows: each number is one chain over the C components.
INLINE void block_products(const int rows, const float *const *a, const float *columns, ptrdiff_t C, float *const *out) {
    v16 s[4][2];
    UNROLL for (int r = 0; r < rows; r++) s[r][0] = s[r][1] = splat(0);
    for (ptrdiff_t c = 0; c < C; c++) {
        v16 low = load(columns + c * B), high = load(columns + c * B + 16);
        UNROLL for (int r = 0; r < rows; r++) {
            v16 x = splat(a[r][c]);
            s[r][0] = fma16(x, low, s[r][0]);
            s[r][1] = fma16(x, high, s[r][1]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        store(out[r], s[r][0]);
        store(out[r] + 16, s[r][1]);
    }
}
static void products(ptrdiff_t rows, const float *const *a, const float *columns, ptrdiff_t C, float *const *out) {
    for (; rows >= 4; rows -= 4, a += 4, out += 4) block_products(4, a, columns, C, out);
    if (rows == 3) block_products(3, a, columns, C, out);
    else if (rows == 2) block_products(2, a, columns, C, out);
    else if (rows == 1) block_products(1, a, columns, C, out);
}

/// y[0..<P] += Σ_j w_j x_j, a chain over j for each component. N16 vectors at a time stay in registers.
INLINE void weighted_rows_part(const int vectors, float *y, const float *w, const float *const *x, ptrdiff_t count, ptrdiff_t at) {
    v16 sum[4];
    UNROLL for (int i = 0; i < vectors; i++) sum[i] = load(y + at + 16 * i);
    for (ptrdiff_t j = 0; j < count; j++) {
        v16 a = splat(w[j]);
        UNROLL for (int i = 0; i < vectors; i++) sum[i] = fma16(a, load(x[j] + at + 16 * i), sum[i]);
    }
    UNROLL for (int i = 0; i < vectors; i++) store(y + at + 16 * i, sum[i]);
}
INLINE void weighted_rows(float *y, const float *w, const float *const *x, ptrdiff_t count, ptrdiff_t P) {
    ptrdiff_t at = 0;
    for (; at + 64 <= P; at += 64) weighted_rows_part(4, y, w, x, count, at);
    if (at + 32 <= P) weighted_rows_part(2, y, w, x, count, at), at += 32;
    if (at < P) weighted_rows_part(1, y, w, x, count, at);
}

/// One query row of one head while its keys are met.
struct query {
    const float *q;
    float *out;          // where the finished row goes
    float *log_sum_exp;
    ptrdiff_t keys;      // it sees positions 0..<keys
    float largest;       // m
    v16 sum;             // Σ p, by key mod 16
};

/// Meets one block with some rows: scores, the new maximum, and the block's share of the sums.
static void meet_block(struct query *queries, float *sums, ptrdiff_t count, ptrdiff_t first_key, const float *columns,
                       const float *const *values, ptrdiff_t C, ptrdiff_t P, float scale) {
    const float *q[4];
    float scores[4][B], *out[4] = {scores[0], scores[1], scores[2], scores[3]};
    for (ptrdiff_t i = 0; i < count;) {
        int n = 0;
        ptrdiff_t which[4];
        for (; i < count && n < 4; i++)
            if (queries[i].keys > first_key) q[n] = queries[i].q, which[n++] = i;
        products(n, q, columns, C, out);
        for (int r = 0; r < n; r++) {
            struct query *row = &queries[which[r]];
            float *o = sums + which[r] * P;
            ptrdiff_t visible = smaller(row->keys - first_key, B);
            for (ptrdiff_t j = visible; j < B; j++) scores[r][j] = -INFINITY;
            v16 low = load(scores[r]), high = load(scores[r] + 16);
            low = choose(low > -INFINITY, low * scale, low);
            high = choose(high > -INFINITY, high * scale, high);
            float m = largest_lane(larger(low, high));
            if (m > row->largest) {
                v16 shrink = exp16(splat(row->largest - m));
                row->sum = row->sum * shrink;
                for (ptrdiff_t c = 0; c < P; c += 16) store(o + c, load(o + c) * shrink);
                row->largest = m;
            }
            v16 p_low = exp16(low - row->largest), p_high = exp16(high - row->largest);
            row->sum = row->sum + (p_low + p_high);
            store(scores[r], p_low);
            store(scores[r] + 16, p_high);
            weighted_rows(o, scores[r], values, visible, P);
        }
    }
}

static void attention(const struct gfn_segment *segments, struct gfn_attention_unit unit, const struct gfn_attention_shape *shape,
                      ptrdiff_t kv_head) {
    const ptrdiff_t C = shape->head_size, P = (C + 15) / 16 * 16, G = shape->heads / shape->key_value_heads;
    const ptrdiff_t total = unit.rows * G, offset = kv_head * C;
    float *columns = gfn_scratch(gfn_scratch_attention,
                                 (size_t)(P * B + 2 * B * P + total * P) * sizeof(float) + (size_t)total * sizeof(struct query) + 64);
    float *wide_keys = columns + P * B, *padded = wide_keys + B * P, *sums = padded + B * P;
    struct query *queries = (struct query *)(sums + total * P);
    memset(padded, 0, (size_t)(B * P) * sizeof(float));
    memset(sums, 0, (size_t)(total * P) * sizeof(float));

    const struct gfn_segment *first = segments + unit.segment;
    ptrdiff_t at = 0, row = unit.row, shared = PTRDIFF_MAX;
    for (const struct gfn_segment *s = first; at < total; s++, row = 0)
        for (; row < s->rows && at < total; row++) {
            ptrdiff_t keys = s->start + row + 1;
            shared = smaller(shared, smaller(keys, s->prefix_length));
            for (ptrdiff_t g = 0; g < G; g++, at++) {
                ptrdiff_t head = kv_head * G + g;
                queries[at] = (struct query){s->queries + row * s->query_stride + head * C,
                                             s->outputs + row * s->output_stride + head * C,
                                             s->log_sum_exp ? s->log_sum_exp + row * shape->heads + head : NULL, keys, -INFINITY,
                                             splat(0)};
            }
        }

    // Blocks that lie in the prefix of all rows are transposed once for all of them; then each segment has its own.
    const float *keys[B], *values[B];
    ptrdiff_t shared_blocks = shared / B;
    at = 0;
    row = unit.row;
    for (const struct gfn_segment *s = first; at < total; s++, row = 0) {
        ptrdiff_t rows = smaller(s->rows - row, unit.rows - at / G), last = s->start + row + rows;
        for (ptrdiff_t b = at == 0 ? 0 : shared_blocks; b * B < last; b++) {
            ptrdiff_t count = smaller(last - b * B, B);
            for (ptrdiff_t j = 0; j < count; j++) {
                if (s->keys_in_bf16) {
                    widen_position(s, b * B + j, offset, C, wide_keys + j * P, padded + j * P);
                    keys[j] = wide_keys + j * P;
                    values[j] = padded + j * P;
                    continue;
                }
                keys[j] = key_at(s, b * B + j, offset);
                values[j] = value_at(s, b * B + j, offset);
                if (P != C) {
                    memcpy(padded + j * P, values[j], (size_t)C * sizeof(float));
                    values[j] = padded + j * P;
                }
            }
            transpose_block(keys, count, C, columns);
            int all = b < shared_blocks;
            meet_block(queries + at, sums + at * P, all ? total : rows * G, b * B, columns, values, C, P, shape->scale);
        }
        at += rows * G;
    }
    for (ptrdiff_t i = 0; i < total; i++) {
        float sum = sum_lanes(queries[i].sum);
        for (ptrdiff_t c = 0; c < C; c += 16) store_upto(queries[i].out + c, load(sums + i * P + c) / sum, C - c);
        if (queries[i].log_sum_exp) *queries[i].log_sum_exp = (float)((double)queries[i].largest + gfn_log((double)sum));
    }
}

