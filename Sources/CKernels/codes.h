#pragma once
/// Products with the transpose of weights in codes (`gfn_codes`, transposed), for the backward: weights are unpacked a stretch at a time,
/// rounded to bf16, and multiplied with as if they lay in memory so (product.h). A gradient is small numbers beside large ones, which
/// integers with one scale for 32 of them would lose.
#include "product.h"

typedef uint32_t u16 __attribute__((vector_size(64)));
typedef uint32_t u16_at __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint8_t b16_at __attribute__((vector_size(16), aligned(1), may_alias));
typedef int8_t s16_at __attribute__((vector_size(16), aligned(1), may_alias));

/// What is unpacked at a time stays in the smallest cache, and serves many rows.
enum { stretch_codes = 64, chunk_rows_codes = 32 * TILE_ROWS };

#ifndef OWN_CODES
/// Both rounded to bf16, to nearest even: the even one in the lower half.
INLINE u16 pairs_of(v16 even, v16 odd) {
    u16 a = (u16)even, b = (u16)odd;
    a = (a + 0x7fffu + (a >> 16 & 1u)) >> 16;
    b = (b + 0x7fffu + (b >> 16 & 1u)) & 0xffff0000u;
    return a | b;
}
/// Of the lower four bits.
INLINE v16 nibble_of(i16 codes, const int zero) { return __builtin_convertvector((codes & 15) - zero, v16); }
#endif

/// Weights `step..<step + steps` of a panel, which is `width` wide, as pairs of bf16 [steps][width].
INLINE void unpack(const int bits, const int zero, const int offsets, const ptrdiff_t group, const uint8_t *panel, ptrdiff_t width,
                   ptrdiff_t step, ptrdiff_t steps, uint32_t *out) {
    const ptrdiff_t numbers = 2 * (width / group), head = numbers * 4 * (1 + offsets), record_size = head + width * (bits == 4 ? 1 : 2);
    const uint8_t *record = panel + step * record_size;
    for (ptrdiff_t s = 0; s < steps; s++, record += record_size, out += width)
        for (ptrdiff_t j = 0; j < width; j += 16) {
            const float *even_scale = (const float *)record + j / group, *odd_scale = even_scale + width / group;
            const uint8_t *codes = record + head + j;
            v16 even, odd;
            if (bits == 4) {
                i16 both = __builtin_convertvector(*(const b16_at *)codes, i16);
                even = nibble_of(both, zero) * *even_scale;
                odd = nibble_of(both >> 4, zero) * *odd_scale;
            } else {
                even = __builtin_convertvector(__builtin_convertvector(*(const s16_at *)codes, i16), v16) * *even_scale;
                odd = __builtin_convertvector(__builtin_convertvector(*(const s16_at *)(codes + width), i16), v16) * *odd_scale;
            }
            if (offsets) {
                even = even + even_scale[numbers];
                odd = odd + odd_scale[numbers];
            }
            *(u16_at *)(out + j) = pairs_of(even, odd);
        }
}

/// In a mode of the processor in which nothing is flushed, and so before the product.
static __attribute__((noinline)) void unpack_codes(const struct gfn_codes *c, ptrdiff_t total, const uint8_t *codes, ptrdiff_t panel,
                                                   ptrdiff_t width, ptrdiff_t step, ptrdiff_t steps, uint32_t *out) {
    const ptrdiff_t numbers = 2 * (gfn_panel / c->group) * (1 + (c->offsets != 0));
    const ptrdiff_t record_size = numbers * 4 + gfn_panel * (c->bits == 4 ? 1 : 2);
    const uint8_t *start = codes + panel * record_size * total;
    // Nearly all panels are full, and then everything about the loops is known.
#define UNPACK(bits, zero, offsets, group)                                                                  \
    if (width == gfn_panel) unpack(bits, zero, offsets, group, start, gfn_panel, step, steps, out);         \
    else unpack(bits, zero, offsets, group, start, width, step, steps, out)
    if (c->bits == 4 && !c->offsets) { UNPACK(4, 8, 0, 32); }
    else if (c->bits == 4) { UNPACK(4, 0, 1, 32); }
    else if (c->offsets) { UNPACK(8, 0, 1, 32); }
    else if (c->group == 32) { UNPACK(8, 0, 0, 32); }
    else { UNPACK(8, 0, 0, 16); }
#undef UNPACK
}

static __attribute__((noinline)) void multiply_codes(const struct gfn_product *job, ptrdiff_t panel, ptrdiff_t panel_end, ptrdiff_t row,
                                                     ptrdiff_t row_end) {
    _Alignas(64) float sums[chunk_rows_codes * gfn_panel];
    _Alignas(64) uint32_t w[stretch_codes * gfn_panel];
    const uint32_t *x = job->x;
    for (; panel < panel_end; panel++) {
        const ptrdiff_t columns = smaller(job->outputs - panel * gfn_panel, gfn_panel), width = (columns + 15) / 16 * 16;
        for (ptrdiff_t m = row; m < row_end; m += chunk_rows_codes) {
            const ptrdiff_t chunk = smaller(row_end - m, chunk_rows_codes);
            for (ptrdiff_t k = 0; k < job->steps; k += stretch_codes) {
                const ptrdiff_t steps = smaller(job->steps - k, stretch_codes);
                unpack_codes(job->codes, job->steps, job->w, panel, width, k, steps, w);
                chains_bf16(x + m * job->x_stride + k, job->x_stride, chunk, w, width, steps, k == 0, sums);
            }
            finish(outcome_of(job), sums, m, chunk, panel * gfn_panel, columns);
            if (job->low_rank) add_low_rank_bf16(job, sums, m, chunk, panel, columns);
        }
    }
}
