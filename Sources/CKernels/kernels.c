/// What does not depend on the family: choosing it, packing, scratch memory, the rotary table.
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"

extern const struct gfn_kernels gfn_kernels_portable;
#if defined(__x86_64__)
extern const struct gfn_kernels gfn_kernels_avx2, gfn_kernels_avx512, gfn_kernels_avx512bf16;
#endif

const struct gfn_kernels *gfn_kernels_of(enum gfn_family family) {
    if (family == gfn_portable) return &gfn_kernels_portable;
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (family == gfn_avx2 && avx2) return &gfn_kernels_avx2;
    if (family == gfn_avx512 && avx512) return &gfn_kernels_avx512;
    if (family == gfn_avx512bf16 && avx512 && __builtin_cpu_supports("avx512bf16") &&
        __builtin_cpu_supports("avx512vnni"))
        return &gfn_kernels_avx512bf16;
#endif
    return NULL;
}

static uint16_t rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(x != x ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
/// Two consecutive inputs of an output as they lie in memory.
static uint32_t pair_of(float even, float odd) { return rounded(even) | (uint32_t)rounded(odd) << 16; }
enum { line = 16 };

static ptrdiff_t panel_width(ptrdiff_t outputs, ptrdiff_t panel) {
    ptrdiff_t columns = outputs - panel * gfn_panel;
    return columns >= gfn_panel ? gfn_panel : (columns + 15) / 16 * 16;
}

void gfn_pack(void *packed, int pairs, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first, ptrdiff_t end, const float *rows,
              ptrdiff_t stride) {
    const ptrdiff_t steps = pairs ? (inputs + 1) / 2 : inputs;
    for (ptrdiff_t n = first; n < end;) {
        const ptrdiff_t panel = n / gfn_panel, column = n % gfn_panel, width = panel_width(outputs, panel);
        const ptrdiff_t count = end - n < gfn_panel - column ? end - n : gfn_panel - column;
        const float *source = rows + (n - first) * stride;
        // Blocks of a cache line by a cache line: whole columns would meet in few sets of the cache when the stride is even.
        for (ptrdiff_t block = 0; block < steps; block += line)
            for (ptrdiff_t j = 0; j < count; j += line) {
                const ptrdiff_t lines = count - j < line ? count - j : line, last = steps - block < line ? steps : block + line;
                const float *corner = source + j * stride;
                const ptrdiff_t at = panel * gfn_panel * steps + column + j;
                for (ptrdiff_t i = block; i < last; i++)
                    if (!pairs) {
                        for (ptrdiff_t l = 0; l < lines; l++) ((float *)packed)[at + i * width + l] = corner[l * stride + i];
                    } else if (2 * i + 1 < inputs) {
                        for (ptrdiff_t l = 0; l < lines; l++)
                            ((uint32_t *)packed)[at + i * width + l] =
                                pair_of(corner[l * stride + 2 * i], corner[l * stride + 2 * i + 1]);
                    } else {
                        for (ptrdiff_t l = 0; l < lines; l++)
                            ((uint32_t *)packed)[at + i * width + l] = pair_of(corner[l * stride + 2 * i], 0);
                    }
            }
        n += count;
    }
}

void gfn_pack_transposed(void *packed, int pairs, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first, ptrdiff_t end,
                         const float *rows, ptrdiff_t stride) {
    const ptrdiff_t steps = pairs ? (inputs + 1) / 2 : inputs;
    for (ptrdiff_t k = first; k < end; k++, rows += stride) {
        const int both = pairs && k % 2 == 0 && k + 1 < end;  // two rows of Wᵀ make the pairs of a step
        for (ptrdiff_t n = 0; n < outputs; n += gfn_panel) {
            const ptrdiff_t panel = n / gfn_panel, width = panel_width(outputs, panel);
            const ptrdiff_t count = outputs - n < gfn_panel ? outputs - n : gfn_panel;
            if (both) {
                uint32_t *w = (uint32_t *)packed + panel * gfn_panel * steps + k / 2 * width;
                for (ptrdiff_t j = 0; j < count; j++) w[j] = pair_of(rows[n + j], rows[stride + n + j]);
            } else if (pairs) {
                uint16_t *w = (uint16_t *)packed + 2 * (panel * gfn_panel * steps + k / 2 * width) + k % 2;
                for (ptrdiff_t j = 0; j < count; j++) w[2 * j] = rounded(rows[n + j]);
            } else {
                memcpy((float *)packed + panel * gfn_panel * steps + k * width, rows + n, (size_t)count * sizeof(float));
            }
        }
        if (both) {
            k++;
            rows += stride;
        }
    }
}

void gfn_store_keys(void *keys, void *values, enum gfn_key_form form, ptrdiff_t head_size, ptrdiff_t position, const float *key_rows,
                    const float *value_rows, ptrdiff_t stride, ptrdiff_t rows) {
    const ptrdiff_t padded = (head_size + 15) / 16 * 16;
    for (ptrdiff_t r = 0; r < rows; r++, position++, key_rows += stride, value_rows += stride) {
        const ptrdiff_t key = position / gfn_key_block * gfn_key_block * head_size + position % gfn_key_block, value = position * padded;
        if (form == gfn_keys_in_bf16_blocks) {
            for (ptrdiff_t c = 0; c < head_size; c++) ((uint16_t *)keys)[key + c * gfn_key_block] = rounded(key_rows[c]);
            for (ptrdiff_t c = 0; c < padded; c++) ((uint16_t *)values)[value + c] = c < head_size ? rounded(value_rows[c]) : 0;
        } else {
            for (ptrdiff_t c = 0; c < head_size; c++) ((float *)keys)[key + c * gfn_key_block] = key_rows[c];
            for (ptrdiff_t c = 0; c < padded; c++) ((float *)values)[value + c] = c < head_size ? value_rows[c] : 0;
        }
    }
}

void gfn_round_rows(const struct gfn_kernels *kernels, const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t inputs,
                    void *pairs) {
    uint16_t *out = pairs;
    const ptrdiff_t length = (inputs + 1) / 2 * 2;
    for (ptrdiff_t r = 0; r < rows; r++, x += stride, out += length) {
        kernels->round_bf16(x, inputs, out);
        if (inputs % 2) out[inputs] = 0;
    }
}

void gfn_rotary_table(const float *frequencies, ptrdiff_t half, ptrdiff_t positions, double factor, float *cosines, float *sines) {
    for (ptrdiff_t t = 0; t < positions; t++)
        for (ptrdiff_t i = 0; i < half; i++) {
            const float angle = (float)t * frequencies[i];
            double sine, cosine;
            gfn_sine_cosine((double)angle, &sine, &cosine);
            cosines[t * half + i] = (float)(cosine * factor);
            sines[t * half + i] = (float)(sine * factor);
        }
}

/// Memory stays with its thread and grows to the largest request: a step allocates nothing once warm.
void *gfn_scratch(int slot, size_t bytes) {
    static _Thread_local struct { void *memory; size_t bytes; } scratch[gfn_scratch_count];
    if (scratch[slot].bytes < bytes) {
        free(scratch[slot].memory);
        size_t rounded_up = (bytes + bytes / 4 + 4095) / 4096 * 4096;
        scratch[slot].memory = aligned_alloc(64, rounded_up);
        if (!scratch[slot].memory) abort();
        scratch[slot].bytes = rounded_up;
    }
    return scratch[slot].memory;
}

struct gfn_work *gfn_own_work(void) {
    static _Thread_local struct gfn_work work;
    return &work;
}
