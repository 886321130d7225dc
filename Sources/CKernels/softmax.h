#pragma once
/// The output head: log-probabilities and entropy of rows of logits, their gradient, and the draw of a token.
///
/// Exponentials are single precision (2 ulp); their sums are kept in sixteen lanes of double, so that log-probabilities close to
/// zero keep their relative accuracy.
#include "vector.h"


INLINE float largest_logit(const float *z, ptrdiff_t V) {
    v16 m = splat(-INFINITY);
    ptrdiff_t i = 0;
    for (; i + 16 <= V; i += 16) m = larger(load(z + i), m);
    float largest = largest_lane(m);
    for (; i < V; i++) largest = z[i] > largest ? z[i] : largest;
    return largest;
}
/// Up to sixteen weights e^{(z−m)/T}; lanes past the end are 0.
INLINE v16 weights16(const float *z, ptrdiff_t n, float m, float temperature) {
    float t[16];
    if (n < 16) {
        for (int i = 0; i < 16; i++) t[i] = i < n ? z[i] : -INFINITY;
        z = t;
    }
    return exp16((load(z) - m) / temperature);
}

/// e^{z−m} with the bits that it has in the sum over the vocabulary.
INLINE double set_weight(float z, float m) { return z == m ? 1 : (double)exp16(splat(z) - m)[0]; }
/// The probability of a set of tokens: e^largest · sum, but for the normaliser. A set of one has sum 1.
struct set_mass { float largest; double sum; };
INLINE struct set_mass mass_of_set(const float *z, struct gfn_token_set set) {
    struct set_mass mass = {-INFINITY, 0};
    for (ptrdiff_t k = 0; k < set.count; k++) mass.largest = z[set.tokens[k]] > mass.largest ? z[set.tokens[k]] : mass.largest;
    for (ptrdiff_t k = 0; k < set.count; k++) mass.sum += set_weight(z[set.tokens[k]], mass.largest);
    return mass;
}
static void gather_log_probabilities(const float *logits, ptrdiff_t rows, ptrdiff_t V, const int32_t *tokens,
                                     struct gfn_token_set stops, float *token_log, float *stop_log, float *entropy, float *log_sum_exp) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float *z = logits + row * V;
        float m = largest_logit(z, V);
        d8 low = {0}, high = {0}, first_low = {0}, first_high = {0};
        for (ptrdiff_t i = 0; i < V; i += 16) {
            float t[16];
            const float *p = z + i;
            if (V - i < 16) {
                for (int j = 0; j < 16; j++) t[j] = j < V - i ? p[j] : -INFINITY;
                p = t;
            }
            v16 shifted = load(p) - m, e = exp16(shifted);
            low += low_half(e);
            high += high_half(e);
            if (entropy) {
                v16 moment = choose(e > 0.0f, e * shifted, splat(0));  // 0·log 0 = 0
                first_low += low_half(moment);
                first_high += high_half(moment);
            }
        }
        double sum = sum_doubles(low + high), log_sum = gfn_log(sum);
        token_log[row] = tokens[row] < 0 ? 0.0f : (float)(((double)z[tokens[row]] - m) - log_sum);
        stop_log[row] = 0;
        if (stops.count > 0) {
            const struct set_mass mass = mass_of_set(z, stops);
            double log_mass = (((double)mass.largest - m) + gfn_log(mass.sum)) - log_sum;
            // The set's few weights and those of all were added in different orders.
            stop_log[row] = (float)(log_mass < 0 || log_mass != log_mass ? log_mass : 0);
        }
        if (entropy) entropy[row] = (float)(log_sum - sum_doubles(first_low + first_high) / sum);
        if (log_sum_exp) log_sum_exp[row] = (float)((double)m + log_sum);
    }
}

static void logit_gradient(float *logits, ptrdiff_t rows, ptrdiff_t V, const int32_t *tokens, struct gfn_token_set stops,
                           const float *token_weights, const float *stop_weights, const float *log_sum_exp) {
    for (ptrdiff_t row = 0; row < rows; row++) {
        float *z = logits + row * V;
        float token_weight = tokens[row] < 0 ? 0.0f : token_weights[row], stop_weight = stops.count == 0 ? 0.0f : stop_weights[row];
        float shares[gfn_token_set_limit];  // of the set's probability, times the weight
        const struct set_mass mass = mass_of_set(z, stops);
        for (ptrdiff_t k = 0; k < stops.count; k++)
            shares[k] = (float)((double)stop_weight * (set_weight(z[stops.tokens[k]], mass.largest) / mass.sum));
        v16 total = splat(-(token_weight + stop_weight));
        for (ptrdiff_t i = 0; i < V; i += 16)
            store_upto(z + i, exp16(load_upto(z + i, V - i) - log_sum_exp[row]) * total, V - i);
        if (tokens[row] >= 0) z[tokens[row]] += token_weight;
        for (ptrdiff_t k = 0; k < stops.count; k++) z[stops.tokens[k]] += shares[k];
    }
}

/// Inverse of the cumulative distribution of softmax(z/T): the first token at which the running sum exceeds uniform · total.
/// Sums go by blocks first, then by token inside the block found, always in the same order.
static int32_t sample_token(const float *z, ptrdiff_t V, float temperature, float uniform) {
    enum { block = 256 };
    float m = largest_logit(z, V);
    ptrdiff_t best = 0;
    while (best < V - 1 && z[best] != m) best++;
    if (!(temperature > 0) || !(fabsf(m) <= FLT_MAX)) return (int32_t)(z[best] == m ? best : 0);
    ptrdiff_t blocks = (V + block - 1) / block;
    double *sums = gfn_scratch(gfn_scratch_sampler, (size_t)blocks * sizeof(double)), total = 0;
    for (ptrdiff_t b = 0; b < blocks; b++) {
        d8 low = {0}, high = {0};
        for (ptrdiff_t i = b * block; i < V && i < (b + 1) * block; i += 16) {
            v16 w = weights16(z + i, V - i, m, temperature);
            low += low_half(w);
            high += high_half(w);
        }
        sums[b] = sum_doubles(low + high);
        total += sums[b];
    }
    double target = (double)uniform * total, reached = 0;
    ptrdiff_t b = 0, last = 0;  // last: the last block with any probability
    for (; b < blocks; b++) {
        if (!(sums[b] > 0)) continue;
        last = b;
        if (reached + sums[b] > target) break;
        reached += sums[b];
    }
    if (b == blocks) {  // rounding left the target just above the sum
        b = last;
        reached = -INFINITY;  // take the block's last possible token
    }
    ptrdiff_t found = best;
    for (ptrdiff_t i = b * block; i < V && i < (b + 1) * block; i += 16) {
        v16 w = weights16(z + i, V - i, m, temperature);
        for (int j = 0; j < 16; j++) {
            if (!(w[j] > 0)) continue;
            found = i + j;
            reached += (double)w[j];
            if (reached > target) return (int32_t)found;
        }
    }
    return (int32_t)found;
}

