#pragma once
/// Operations on each element or each row: normalisation, rotary embedding, SwiGLU, rounding, AdamW.
#include "vector.h"


/// bfloat16 by rounding to nearest even; a NaN stays a (quiet) NaN, numbers below the smallest normal one are kept.
static void round_bf16(const float *x, ptrdiff_t count, uint16_t *out) {
    typedef uint32_t u16v __attribute__((vector_size(64)));
    typedef uint16_t h16 __attribute__((vector_size(32)));
    for (ptrdiff_t i = 0; i < count; i += 16) {
        ptrdiff_t n = count - i;
        v16 v = load_upto(x + i, n);
        u16v bits = (u16v)v;
        u16v rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        u16v nan = (u16v)(v != v);
        u16v chosen = (nan & ((bits >> 16) | 0x40)) | (~nan & rounded);
        h16 half = __builtin_convertvector(chosen, h16);
        if (n >= 16) memcpy(out + i, &half, sizeof half);
        else memcpy(out + i, &half, (size_t)n * sizeof(uint16_t));
    }
}
static void widen_bf16(const uint16_t *x, ptrdiff_t count, float *out) {
    for (ptrdiff_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)x[i] << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
}
static void add(const float *x, float *y, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += 16)
        store_upto(y + i, load_upto(y + i, count - i) + load_upto(x + i, count - i), count - i);
}
static void add_row(const float *bias, float *y, ptrdiff_t rows, ptrdiff_t width, ptrdiff_t stride) {
    for (ptrdiff_t r = 0; r < rows; r++) add(bias, y + r * stride, width);
}
static float maximum_magnitude(const float *x, ptrdiff_t count) {
    v16 largest = splat(0);
    i16 strange = {0};
    for (ptrdiff_t i = 0; i < count; i += 16) {
        v16 a = magnitude(load_upto(x + i, count - i));
        largest = larger(a, largest);
        strange |= ~(a <= FLT_MAX);  // true for infinities and for NaN
    }
    for (int i = 0; i < 16; i++)
        if (strange[i]) return INFINITY;
    return largest_lane(largest);
}
static double sum_of_squares(const float *x, ptrdiff_t count) {
    d8 low = {0}, high = {0};
    for (ptrdiff_t i = 0; i < count; i += 16) {
        v16 v = load_upto(x + i, count - i);
        d8 a = low_half(v), b = high_half(v);
        low += a * a;  // exact: 24 bits times 24 bits
        high += b * b;
    }
    return sum_doubles(low + high);
}
static void exponential(const float *x, ptrdiff_t count, float *y) {
    for (ptrdiff_t i = 0; i < count; i += 16) store_upto(y + i, exp16(load_upto(x + i, count - i)), count - i);
}

/// Σ aᵢbᵢ in four interleaved groups of sixteen lanes.
INLINE float dot_lanes(const float *a, const float *b, ptrdiff_t count) {
    v16 s[4] = {splat(0), splat(0), splat(0), splat(0)};
    ptrdiff_t i = 0;
    for (; i + 64 <= count; i += 64)
        UNROLL for (int j = 0; j < 4; j++) s[j] = fma16(load(a + i + 16 * j), load(b + i + 16 * j), s[j]);
    for (int j = 0; i < count; i += 16, j++) s[j] = fma16(load_upto(a + i, count - i), load_upto(b + i, count - i), s[j]);
    return sum_lanes((s[0] + s[1]) + (s[2] + s[3]));
}

/// y = gain · (x · r),  r = 1/√(mean x² + ε)                       x, y: [N, D]   gain: [D]   r: [N]
static void rms_norm(const float *x, ptrdiff_t rows, ptrdiff_t width, const float *gain, float epsilon, float *y,
                     float *inverse) {
    for (ptrdiff_t row = 0; row < rows; row++, x += width, y += width) {
        float r = 1.0f / sqrtf(dot_lanes(x, x, width) / (float)width + epsilon);
        for (ptrdiff_t i = 0; i < width; i += 16)
            store_upto(y + i, load_upto(gain + i, width - i) * (load_upto(x + i, width - i) * r), width - i);
        if (inverse) inverse[row] = r;
    }
}
/// dx += r·g·dy − x·r³/D · Σ g·dy·x
static void rms_norm_backward(const float *dy, const float *x, const float *gain, const float *inverse, ptrdiff_t rows,
                              ptrdiff_t width, float *dx) {
    for (ptrdiff_t row = 0; row < rows; row++, x += width, dy += width, dx += width) {
        float r = inverse[row];
        v16 sum = splat(0);
        for (ptrdiff_t i = 0; i < width; i += 16)
            sum = fma16(load_upto(gain + i, width - i) * load_upto(dy + i, width - i), load_upto(x + i, width - i), sum);
        float c = sum_lanes(sum) / (float)width * r * r * r;
        for (ptrdiff_t i = 0; i < width; i += 16) {
            v16 direct = load_upto(gain + i, width - i) * load_upto(dy + i, width - i) * r;
            v16 slope = fma16(load_upto(x + i, width - i), splat(-c), direct);
            store_upto(dx + i, load_upto(dx + i, width - i) + slope, width - i);
        }
    }
}
/// dgain += Σ_rows dy · x · r, row after row
static void rms_norm_gain_gradient(const float *dy, const float *x, const float *inverse, ptrdiff_t rows, ptrdiff_t width,
                                   float *d_gain) {
    for (ptrdiff_t i = 0; i < width; i += 16) {
        v16 sum = load_upto(d_gain + i, width - i);
        for (ptrdiff_t row = 0; row < rows; row++)
            sum = fma16(load_upto(dy + row * width + i, width - i), load_upto(x + row * width + i, width - i) * inverse[row], sum);
        store_upto(d_gain + i, sum, width - i);
    }
}

/// (a, b) ← (a·cos − b·sin, b·cos + a·sin) for a = x[i], b = x[i + head_size/2] of each head; the sign of sin flips backward.
/// Products are rounded before the sum, as PyTorch does it.
static void rotate(float *x, ptrdiff_t rows, ptrdiff_t stride, ptrdiff_t heads, ptrdiff_t head_size, const int32_t *positions,
                   const float *cosines, const float *sines, int inverse) {
    ptrdiff_t half = head_size / 2;
    v16 sign = splat(inverse ? -1.0f : 1.0f);
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float *c = cosines + positions[row] * half, *s = sines + positions[row] * half;
        for (ptrdiff_t h = 0; h < heads; h++) {
            float *p = x + row * stride + h * head_size;
            for (ptrdiff_t i = 0; i < half; i += 16) {
                ptrdiff_t n = half - i;
                v16 a = load_upto(p + i, n), b = load_upto(p + half + i, n);
                v16 cosine = load_upto(c + i, n), sine = load_upto(s + i, n) * sign;
                store_upto(p + i, a * cosine - b * sine, n);
                store_upto(p + half + i, b * cosine + a * sine, n);
            }
        }
    }
}

/// y = gate · σ(gate) · up
static void swiglu(const float *gate, const float *up, ptrdiff_t count, float *y) {
    for (ptrdiff_t i = 0; i < count; i += 16) {
        v16 g = load_upto(gate + i, count - i);
        store_upto(y + i, g / (exp16(-g) + 1.0f) * load_upto(up + i, count - i), count - i);
    }
}
/// dgate = dy·up·σ·(1 + gate·(1 − σ)),  dup = dy·gate·σ
static void swiglu_backward(const float *dy, const float *gate, const float *up, ptrdiff_t count, float *d_gate, float *d_up) {
    for (ptrdiff_t i = 0; i < count; i += 16) {
        ptrdiff_t n = count - i;
        v16 g = load_upto(gate + i, n), d = load_upto(dy + i, n), u = load_upto(up + i, n);
        v16 sigma = splat(1.0f) / (exp16(-g) + 1.0f);
        store_upto(d_gate + i, d * u * sigma * (g * (1.0f - sigma) + 1.0f), n);
        store_upto(d_up + i, d * g * sigma, n);
    }
}

/// Decoupled decay first, then the step, in the order of torch.optim.AdamW (Loshchilov & Hutter 2019, algorithm 2).
static void adamw(float *parameters, const float *gradient, float *m, float *v, ptrdiff_t count, const struct gfn_adamw *o) {
    const float keep = 1.0f - o->rate * o->decay, step = o->rate / o->correction1, root = sqrtf(o->correction2);
    const float rest1 = 1.0f - o->beta1, rest2 = 1.0f - o->beta2;
    for (ptrdiff_t i = 0; i < count; i += 16) {
        ptrdiff_t n = count - i;
        v16 g = load_upto(gradient + i, n) * o->gradient_scale;
        v16 first = load_upto(m + i, n) * o->beta1 + g * rest1;
        v16 second = load_upto(v + i, n) * o->beta2 + g * g * rest2;
        float roots[16];
        store(roots, second);
        for (int j = 0; j < 16; j++) roots[j] = sqrtf(roots[j]);
        v16 w = load_upto(parameters + i, n) * keep;
        w = w - first / (load(roots) / root + o->epsilon) * step;
        store_upto(m + i, first, n);
        store_upto(v + i, second, n);
        store_upto(parameters + i, w, n);
    }
}

