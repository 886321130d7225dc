#pragma once
/// The backward of attention.h: probabilities are computed again from log_sum_exp, block by block.
///
///     p_j = e^{s_j − log_sum_exp}   D = Σ_c dO·O   dS_j = scale · p_j (dO·v_j − D)
///     dV_j += p_j dO     dK_j += dS_j q     dQ = Σ_j dS_j k_j
///
/// (Dao et al. 2022, FlashAttention, algorithm 4.) dK and dV are sums over segments, tiles of rows and rows, in that order.
#include "attention.h"


enum { tile_rows = 16 };

INLINE void copy_padded(float *to, const float *from, ptrdiff_t C, ptrdiff_t P) {
    memcpy(to, from, (size_t)C * sizeof(float));
    for (ptrdiff_t c = C; c < P; c++) to[c] = 0;
}
/// y[0..<C] += Σ_r w[r·B] x_r through a padded copy of y.
INLINE void accumulate_rows(float *y, const float *w, const float *x, ptrdiff_t rows, ptrdiff_t C, ptrdiff_t P) {
    for (ptrdiff_t c = 0; c < C; c += 16) {
        v16 sum = load_upto(y + c, C - c);
        for (ptrdiff_t r = 0; r < rows; r++) sum = fma16(splat(w[r * B]), load(x + r * P + c), sum);
        store_upto(y + c, sum, C - c);
    }
}
INLINE void accumulate_rows64(const int keys, float *const *y, const float *w, const float *x, ptrdiff_t rows, ptrdiff_t P) {
    v16 sum[4][4];
    UNROLL for (int k = 0; k < keys; k++)
        UNROLL for (int i = 0; i < 4; i++) sum[k][i] = load(y[k] + 16 * i);
    for (ptrdiff_t r = 0; r < rows; r++) {
        v16 line[4];
        UNROLL for (int i = 0; i < 4; i++) line[i] = load(x + r * P + 16 * i);
        UNROLL for (int k = 0; k < keys; k++)
            UNROLL for (int i = 0; i < 4; i++) sum[k][i] = fma16(splat(w[r * B + k]), line[i], sum[k][i]);
    }
    UNROLL for (int k = 0; k < keys; k++)
        UNROLL for (int i = 0; i < 4; i++) store(y[k] + 16 * i, sum[k][i]);
}
/// The same for `keys` consecutive keys, whatever their size.
static void accumulate_keys(ptrdiff_t keys, float *const *y, const float *w, const float *x, ptrdiff_t rows, ptrdiff_t C, ptrdiff_t P) {
    if (C != 64) {
        for (ptrdiff_t k = 0; k < keys; k++) accumulate_rows(y[k], w + k, x, rows, C, P);
        return;
    }
    for (; keys >= 4; keys -= 4, y += 4, w += 4) accumulate_rows64(4, y, w, x, rows, P);
    for (; keys > 0; keys--, y++, w++) accumulate_rows64(1, y, w, x, rows, P);
}

static void attention_backward_segment(const struct gfn_segment *s, const struct gfn_attention_shape *shape, ptrdiff_t kv_head) {
    const ptrdiff_t C = shape->head_size, P = (C + 15) / 16 * 16, G = shape->heads / shape->key_value_heads;
    const ptrdiff_t offset = kv_head * C, length = s->start + s->rows, blocks = (length + B - 1) / B;
    // Per tile: q, dO, dQ [16][P]; D, log_sum_exp [16]; p, dS [16][B]. Per segment: kᵀ, vᵀ [blocks][P][B], and k [blocks·B][P].
    float *q = gfn_scratch(gfn_scratch_attention,
                           (size_t)(tile_rows * (3 * P + 2 * B + 2) + blocks * P * B * 3) * sizeof(float));
    float *d_out = q + tile_rows * P, *d_q = d_out + tile_rows * P, *p = d_q + tile_rows * P, *d_s = p + tile_rows * B;
    float *row_dot = d_s + tile_rows * B, *lse = row_dot + tile_rows;
    float *key_columns = lse + tile_rows, *value_columns = key_columns + blocks * P * B, *key_rows = value_columns + blocks * P * B;
    for (ptrdiff_t b = 0; b < blocks; b++) {
        const float *keys[B], *values[B];
        ptrdiff_t count = smaller(length - b * B, B);
        for (ptrdiff_t j = 0; j < count; j++) {
            keys[j] = key_at(s, b * B + j, offset);
            values[j] = value_at(s, b * B + j, offset);
            copy_padded(key_rows + (b * B + j) * P, keys[j], C, P);
        }
        transpose_block(keys, count, C, key_columns + b * P * B);
        transpose_block(values, count, C, value_columns + b * P * B);
    }

    const float *q_row[tile_rows], *d_out_row[tile_rows];
    float *p_row[tile_rows], *d_s_row[tile_rows], *d_q_row[tile_rows];
    for (int r = 0; r < tile_rows; r++) {
        q_row[r] = q + r * P;
        d_out_row[r] = d_out + r * P;
        p_row[r] = p + r * B;
        d_s_row[r] = d_s + r * B;
        d_q_row[r] = d_q + r * P;
    }
    for (ptrdiff_t first = 0; first < s->rows * G; first += tile_rows) {  // query rows in the order (position, head)
        const ptrdiff_t rows = smaller(s->rows * G - first, tile_rows);
        ptrdiff_t seen[tile_rows], last = 0;
        for (ptrdiff_t r = 0; r < rows; r++) {
            ptrdiff_t row = (first + r) / G, head = kv_head * G + (first + r) % G;
            copy_padded(q + r * P, s->queries + row * s->query_stride + head * C, C, P);
            copy_padded(d_out + r * P, s->d_outputs + row * s->output_stride + head * C, C, P);
            const float *out = s->outputs + row * s->output_stride + head * C;
            v16 sum = splat(0);
            for (ptrdiff_t c = 0; c < C; c += 16) sum = fma16(load(d_out + r * P + c), load_upto(out + c, C - c), sum);
            row_dot[r] = sum_lanes(sum);
            lse[r] = s->log_sum_exp[row * shape->heads + head];
            seen[r] = last = s->start + row + 1;
        }
        memset(d_q, 0, (size_t)(rows * P) * sizeof(float));
        for (ptrdiff_t b = 0; b * B < last; b++) {
            ptrdiff_t skipped = 0;  // rows before the block
            while (skipped < rows && seen[skipped] <= b * B) skipped++;
            const ptrdiff_t active = rows - skipped, count = smaller(last - b * B, B);
            products(active, q_row + skipped, key_columns + b * P * B, C, p_row + skipped);
            products(active, d_out_row + skipped, value_columns + b * P * B, C, d_s_row + skipped);
            const float *k_row[B];
            for (ptrdiff_t j = 0; j < count; j++) k_row[j] = key_rows + (b * B + j) * P;
            for (ptrdiff_t r = skipped; r < rows; r++) {
                ptrdiff_t visible = smaller(seen[r] - b * B, B);
                for (ptrdiff_t j = visible; j < B; j++) p_row[r][j] = -INFINITY, d_s_row[r][j] = 0;
                for (int h = 0; h < B; h += 16) {
                    v16 score = load(p_row[r] + h);
                    score = choose(score > -INFINITY, score * shape->scale, score);
                    v16 probability = exp16(score - lse[r]);
                    store(p_row[r] + h, probability);
                    store(d_s_row[r] + h, probability * (load(d_s_row[r] + h) - row_dot[r]) * shape->scale);
                }
            }
            for (ptrdiff_t r = skipped, next; r < rows; r = next) {
                for (next = r + 1; next < rows && next < r + 4 && seen[next] == seen[r]; next++) {}
                weighted_rows(next - r, d_q_row + r, (const float *const *)d_s_row + r, k_row, smaller(seen[r] - b * B, B), P);
            }
            float *d_key[B], *d_value[B];
            for (ptrdiff_t j = 0; j < count; j++) {
                const ptrdiff_t key = b * B + j, own = key - s->prefix_length;
                const ptrdiff_t at = (own < 0 ? key * s->prefix_stride : own * s->own_stride) + offset;
                d_key[j] = (own < 0 ? s->d_prefix_keys : s->d_own_keys) + at;
                d_value[j] = (own < 0 ? s->d_prefix_values : s->d_own_values) + at;
            }
            accumulate_keys(count, d_value, p + skipped * B, d_out + skipped * P, active, C, P);
            accumulate_keys(count, d_key, d_s + skipped * B, q + skipped * P, active, C, P);
        }
        for (ptrdiff_t r = 0; r < rows; r++) {
            ptrdiff_t row = (first + r) / G, head = kv_head * G + (first + r) % G;
            memcpy(s->d_queries + row * s->query_stride + head * C, d_q + r * P, (size_t)C * sizeof(float));
        }
    }
}
static void attention_backward(const struct gfn_segment *segments, ptrdiff_t count, const struct gfn_attention_shape *shape,
                               ptrdiff_t kv_head) {
    for (ptrdiff_t i = 0; i < count; i++) attention_backward_segment(segments + i, shape, kv_head);
}

