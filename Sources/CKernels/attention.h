#pragma once
/// Causal attention over ragged segments, forward and backward, with grouped queries.
///
///     s_j = scale · q·k_j      p_j = e^{s_j − m}      o = Σ p_j v_j / Σ p_j      log_sum_exp = m + log Σ p_j
///
/// A query row (one position, one head) meets its keys in blocks of 32 that are counted from position 0, and within a block in
/// an order fixed by the key's position. So its bits depend neither on the other rows nor on where a key is stored.
/// q·k is a chain over the head's components: keys are transposed, so that a lane is a key; in caches they lie so (`gfn_key_form`). What is
/// there in bf16 is widened block by block, which gives the bits of the same numbers in fp32.
///
///     R rows of this unit · G query heads per key head · C head size, P the same rounded up to 16 · B = 32 keys
#include "vector.h"


enum { B = gfn_key_block };

/// The key of a position, from one of its heads on, where keys lie in rows.
INLINE const float *key_at(const struct gfn_segment *s, ptrdiff_t position, ptrdiff_t offset) {
    return position < s->prefix_length ? (const float *)s->prefix_keys + position * s->prefix_stride + offset
                                       : (const float *)s->own_keys + (position - s->prefix_length) * s->own_stride + offset;
}
INLINE const float *value_at(const struct gfn_segment *s, ptrdiff_t position, ptrdiff_t offset) {
    return position < s->prefix_length ? (const float *)s->prefix_values + position * s->prefix_stride + offset
                                       : (const float *)s->own_values + (position - s->prefix_length) * s->own_stride + offset;
}

typedef uint16_t h16_at __attribute__((vector_size(32), aligned(2), may_alias));
typedef uint32_t w16 __attribute__((vector_size(64)));

/// Numbers in bf16, a multiple of 16, which is exact.
INLINE void widen_numbers(float *to, const uint16_t *from, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += 16) store(to + i, (v16)(__builtin_convertvector(*(const h16_at *)(from + i), w16) << 16));
}

/// A block of a cache: its columns, and where its first `count` values lie. `columns` and `rows` are memory for what is widened.
INLINE const float *cached_block(const struct gfn_segment *s, ptrdiff_t block, ptrdiff_t kv_head, ptrdiff_t C, ptrdiff_t P,
                                 ptrdiff_t count, float *columns, float *rows, const float **values) {
    const int isPrefix = block * B < s->prefix_length;
    const void *keys = isPrefix ? s->prefix_keys : s->own_keys, *all_values = isPrefix ? s->prefix_values : s->own_values;
    const ptrdiff_t at = isPrefix ? kv_head * s->prefix_stride + block * B : kv_head * s->own_stride + block * B - s->prefix_length;
    const float *first = (const float *)all_values + at * P;
    if (s->key_form == gfn_keys_in_bf16_blocks) {
        widen_numbers(columns, (const uint16_t *)keys + at * C, C * B);
        widen_numbers(rows, (const uint16_t *)all_values + at * P, count * P);
        first = rows;
    }
    for (ptrdiff_t j = 0; j < count; j++) values[j] = first + j * P;
    return s->key_form == gfn_keys_in_bf16_blocks ? columns : (const float *)keys + at * C;
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

/// y_r[0..<P] += Σ_j w_rj x_j for `rows` ≤ 4 rows: each component is a chain over j. `vectors` vectors of each row stay in registers.
INLINE void weighted_rows_part(const int rows, const int vectors, float *const *y, const float *const *w, const float *const *x,
                               ptrdiff_t count, ptrdiff_t at) {
    v16 sum[4][4];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int i = 0; i < vectors; i++) sum[r][i] = load(y[r] + at + 16 * i);
    for (ptrdiff_t j = 0; j < count; j++) {
        v16 line[4];
        UNROLL for (int i = 0; i < vectors; i++) line[i] = load(x[j] + at + 16 * i);
        UNROLL for (int r = 0; r < rows; r++) {
            v16 a = splat(w[r][j]);
            UNROLL for (int i = 0; i < vectors; i++) sum[r][i] = fma16(a, line[i], sum[r][i]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int i = 0; i < vectors; i++) store(y[r] + at + 16 * i, sum[r][i]);
}
INLINE void weighted_rows_of(const int rows, float *const *y, const float *const *w, const float *const *x, ptrdiff_t count, ptrdiff_t P) {
    ptrdiff_t at = 0;
    for (; at + 64 <= P; at += 64) weighted_rows_part(rows, 4, y, w, x, count, at);
    if (at + 32 <= P) weighted_rows_part(rows, 2, y, w, x, count, at), at += 32;
    if (at < P) weighted_rows_part(rows, 1, y, w, x, count, at);
}
static void weighted_rows(ptrdiff_t rows, float *const *y, const float *const *w, const float *const *x, ptrdiff_t count, ptrdiff_t P) {
    if (rows == 4) weighted_rows_of(4, y, w, x, count, P);
    else if (rows == 3) weighted_rows_of(3, y, w, x, count, P);
    else if (rows == 2) weighted_rows_of(2, y, w, x, count, P);
    else weighted_rows_of(1, y, w, x, count, P);
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
        ptrdiff_t visibles[4];
        float *rows[4];
        for (int r = 0; r < n; r++) {
            struct query *row = &queries[which[r]];
            float *o = rows[r] = sums + which[r] * P;
            const ptrdiff_t visible = visibles[r] = smaller(row->keys - first_key, B);
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
        }
        // Rows that see equally many keys of the block share the reading of values.
        for (int r = 0, next; r < n; r = next) {
            for (next = r + 1; next < n && visibles[next] == visibles[r]; next++) {}
            weighted_rows(next - r, rows + r, (const float *const *)out + r, values, visibles[r], P);
        }
    }
}

static void attention(const struct gfn_segment *segments, struct gfn_attention_unit unit, const struct gfn_attention_shape *shape,
                      ptrdiff_t kv_head) {
    const ptrdiff_t C = shape->head_size, P = (C + 15) / 16 * 16, G = shape->heads / shape->key_value_heads;
    const ptrdiff_t total = unit.rows * G, offset = kv_head * C;
    float *columns = gfn_scratch(gfn_scratch_attention,
                                 (size_t)(P * B + B * P + total * P) * sizeof(float) + (size_t)total * sizeof(struct query) + 64);
    float *padded = columns + P * B, *sums = padded + B * P;
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
            const float *block = columns;
            if (s->key_form != gfn_keys_in_rows) {
                block = cached_block(s, b, kv_head, C, P, count, columns, padded, values);
            } else {
                for (ptrdiff_t j = 0; j < count; j++) {
                    keys[j] = key_at(s, b * B + j, offset);
                    values[j] = value_at(s, b * B + j, offset);
                    if (P == C) continue;
                    memcpy(padded + j * P, values[j], (size_t)C * sizeof(float));
                    values[j] = padded + j * P;
                }
                transpose_block(keys, count, C, columns);
            }
            int all = b < shared_blocks;
            meet_block(queries + at, sums + at * P, all ? total : rows * G, b * B, block, values, C, P, shape->scale);
        }
        at += rows * G;
    }
    for (ptrdiff_t i = 0; i < total; i++) {
        float sum = sum_lanes(queries[i].sum);
        for (ptrdiff_t c = 0; c < C; c += 16) store_upto(queries[i].out + c, load(sums + i * P + c) / sum, C - c);
        if (queries[i].log_sum_exp) *queries[i].log_sum_exp = (float)((double)queries[i].largest + gfn_log((double)sum));
    }
}

