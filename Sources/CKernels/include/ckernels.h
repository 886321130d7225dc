/// The numeric kernels, once per family of instructions. Callers check shapes; nothing here does.
///
/// A family is a table of functions. Every table computes the same bits (see vector.h and product.h for how), so a table is
/// chosen for speed only. All matrices are row-major; a stride is the distance between rows, counted in elements.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum gfn_family { gfn_portable, gfn_avx2, gfn_avx512, gfn_avx512bf16, gfn_family_count };

/// Weights as integer codes: w = code · scale (+ offset), one scale (and offset) for each `group` of consecutive inputs of an output.
///
/// Panels of 64 outputs as in `gfn_product`, their number rounded up to 16 with codes and scales of 0. As they are, a panel is, for each group
/// and each 16 outputs, a record: scales [16] and offsets [16] in fp32, then the codes with `zero` added (128 to those of 8 bits), of four
/// inputs after another [16 outputs][4], the next four in the upper half of the bytes where they have 4 bits. So a record starts on a
/// boundary of 64 bytes.
///
/// Of a transposed matrix, whose groups lie along its outputs and whose inputs are padded to an even number, a panel of a width is, for each
/// pair of inputs, a record: scales [2, width / group], offsets likewise, then a byte for each output (4 bits: the even input's code plus
/// `zero` in the lower half), or the even inputs' bytes and then the odd ones' (8 bits, signed).
struct gfn_codes {
    int bits;              ///< 4 or 8
    int zero;              ///< what 4-bit codes are stored above: 8, or 0 where they are not negative
    int offsets;           ///< whether there are any
    int transposed;
    ptrdiff_t group;       ///< 16 or 32
};

/// Of a row of x and a group of inputs, with the integers that stand for its numbers (integers.h).
struct gfn_integer_group {
    float scale;           ///< d: a number is about d · q
    int32_t start;         ///< −zero · Σ q
    float sum;             ///< d · Σ q
};

/// A product with a matrix of few inputs that is added to another one: + scale · t bᵀ (LoRA).
struct gfn_low_rank {
    const void *t;         ///< [M, r], in the form that a product with `b` reads
    ptrdiff_t t_stride;
    const void *b;         ///< packed panels [N, r], fp32 behind an fp32 product, otherwise bf16
    ptrdiff_t steps;       ///< r, or ⌈r/2⌉
    float scale;
};

/// One matrix product y = (addend +) scale · x wᵀ (+ bias) (+ the low-rank product), each step rounded in this order. Weights lie in
/// panels of 64 outputs (`gfn_panel`), the last one narrower.
struct gfn_product {
    const void *x;         ///< [M, K] fp32, or [M, ⌈K/2⌉] pairs of bf16, or rows of integers (`gfn_integer_group`)
    ptrdiff_t x_stride;    ///< in floats, or in pairs, or in bytes
    const void *w;         ///< packed panels: [panel][K][width] fp32, or [panel][⌈K/2⌉][width] pairs of bf16, or codes
    const struct gfn_codes *_Nullable codes;  ///< what `w` holds, where it is codes
    ptrdiff_t outputs;     ///< N
    ptrdiff_t steps;       ///< K, or ⌈K/2⌉: the length of an element's chain
    float *y;              ///< [M, N]
    ptrdiff_t y_stride;    ///< of the addend, too
    float scale;
    const float *_Nullable addend;  ///< [M, N], which may be y
    const float *_Nullable bias;    ///< [N]
    const struct gfn_low_rank *_Nullable low_rank;
};
enum { gfn_panel = 64 };

/// A sum of outer products over rows: out[t,w] += scale · Σ_m thin[m,t]·wide[m,w]. Give the longer side as the wide one.
struct gfn_outer {
    const float *wide; ptrdiff_t wide_stride;                     ///< [M, width]
    const float *thin; ptrdiff_t thin_stride, height;             ///< [M, height]
    ptrdiff_t rows;                                               ///< M
    float *out; ptrdiff_t wide_step, thin_step;                   ///< distances of out's elements along either side; one of them is 1
    float scale;
};

/// How keys and values of a segment lie in memory: as rows of all heads, `stride` numbers apart; or in blocks, as caches keep them and only
/// a forward pass reads them, each head with room for `stride` positions (a multiple of 32), keys [head][block][C][32 positions] and values
/// [head][position][C, rounded up to 16], in fp32 or bf16. A prefix in blocks has whole blocks only.
enum gfn_key_form { gfn_keys_in_rows, gfn_keys_in_blocks, gfn_keys_in_bf16_blocks };
enum { gfn_key_block = 32 };

/// What attention reads and writes for one segment: see `AttentionSegment` in Swift for the meaning.
struct gfn_segment {
    const float *queries; ptrdiff_t query_stride;
    float *_Nullable outputs; ptrdiff_t output_stride;
    ptrdiff_t rows, start;
    const void *_Nullable prefix_keys; const void *_Nullable prefix_values; ptrdiff_t prefix_length, prefix_stride;
    const void *own_keys; const void *own_values; ptrdiff_t own_stride;
    enum gfn_key_form key_form;
    float *_Nullable log_sum_exp;
    const float *_Nullable d_outputs; float *_Nullable d_queries;
    float *_Nullable d_own_keys; float *_Nullable d_own_values;
    float *_Nullable d_prefix_keys; float *_Nullable d_prefix_values;
};
/// `rows` consecutive query rows that start at row `row` of segment `segment` and may run on into the next segments,
/// all of which then have the same prefix.
struct gfn_attention_unit { ptrdiff_t segment, row, rows; };
enum { gfn_attention_rows = 64 };
struct gfn_attention_shape { ptrdiff_t heads, key_value_heads, head_size; float scale; };

/// The tokens that end a response: different ones, in ascending order.
struct gfn_token_set { const int32_t *_Nullable tokens; ptrdiff_t count; };
enum { gfn_token_set_limit = 64 };

struct gfn_adamw {
    float rate, beta1, beta2, epsilon, decay, correction1, correction2, gradient_scale;
};

struct gfn_kernels {
    void (*multiply_fp32)(const struct gfn_product *, ptrdiff_t panel, ptrdiff_t panel_end, ptrdiff_t row, ptrdiff_t row_end);
    void (*multiply_bf16)(const struct gfn_product *, ptrdiff_t panel, ptrdiff_t panel_end, ptrdiff_t row, ptrdiff_t row_end);
    void (*multiply_codes)(const struct gfn_product *, ptrdiff_t panel, ptrdiff_t panel_end, ptrdiff_t row, ptrdiff_t row_end);
    void (*multiply_integers)(const struct gfn_product *, ptrdiff_t panel, ptrdiff_t panel_end, ptrdiff_t row, ptrdiff_t row_end);
    /// Rows of K upper and K lower bytes and then a `gfn_integer_group` for each group, `out_stride` bytes apart.
    void (*round_integers)(const struct gfn_codes *, const float *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs, uint8_t *out,
                           ptrdiff_t out_stride);
    void (*outer_product)(const struct gfn_outer *, ptrdiff_t column, ptrdiff_t column_end);  ///< columns of the wide side
    void (*round_bf16)(const float *x, ptrdiff_t count, uint16_t *out);
    void (*widen_bf16)(const uint16_t *x, ptrdiff_t count, float *out);
    void (*add)(const float *x, float *y, ptrdiff_t count);
    void (*add_row)(const float *bias, float *y, ptrdiff_t rows, ptrdiff_t width, ptrdiff_t stride);
    float (*maximum_magnitude)(const float *x, ptrdiff_t count);
    double (*sum_of_squares)(const float *x, ptrdiff_t count);
    void (*rms_norm)(const float *x, ptrdiff_t rows, ptrdiff_t width, const float *gain, float epsilon, float *y,
                     float *_Nullable inverse);
    void (*rms_norm_backward)(const float *dy, const float *x, const float *gain, const float *inverse, ptrdiff_t rows,
                              ptrdiff_t width, float *dx);
    void (*rms_norm_gain_gradient)(const float *dy, const float *x, const float *inverse, ptrdiff_t rows, ptrdiff_t width,
                                   float *d_gain);
    void (*rotate)(float *x, ptrdiff_t rows, ptrdiff_t stride, ptrdiff_t heads, ptrdiff_t head_size, const int32_t *positions,
                   const float *cosines, const float *sines, int inverse);
    void (*swiglu)(const float *gate, const float *up, ptrdiff_t count, float *y);
    void (*swiglu_backward)(const float *dy, const float *gate, const float *up, ptrdiff_t count, float *d_gate, float *d_up);
    void (*attention)(const struct gfn_segment *, struct gfn_attention_unit, const struct gfn_attention_shape *, ptrdiff_t kv_head);
    void (*attention_backward)(const struct gfn_segment *, ptrdiff_t segments, const struct gfn_attention_shape *,
                               ptrdiff_t kv_head);
    void (*gather_log_probabilities)(const float *logits, ptrdiff_t rows, ptrdiff_t vocabulary, const int32_t *tokens,
                                     struct gfn_token_set stops, float *token_log, float *stop_log, float *_Nullable entropy,
                                     float *_Nullable log_sum_exp);
    void (*logit_gradient)(float *logits, ptrdiff_t rows, ptrdiff_t vocabulary, const int32_t *tokens, struct gfn_token_set stops,
                           const float *token_weights, const float *stop_weights, const float *log_sum_exp);
    int32_t (*sample_token)(const float *logits, ptrdiff_t vocabulary, float temperature, float uniform);
    void (*exponential)(const float *x, ptrdiff_t count, float *y);
    void (*adamw)(float *parameters, const float *gradient, float *m, float *v, ptrdiff_t count, const struct gfn_adamw *);
    void (*fixed_point_add_narrow)(const float *x, ptrdiff_t count, int32_t *coarse, int64_t *fine);
    void (*fixed_point_add_wide)(const float *x, ptrdiff_t count, int64_t *coarse, int64_t *fine);
    void (*fixed_point_merge_narrow)(const int32_t *coarse, const int64_t *fine, ptrdiff_t count, int32_t *sum_coarse, int64_t *sum_fine);
    void (*fixed_point_merge_wide)(const int64_t *coarse, const int64_t *fine, ptrdiff_t count, int64_t *sum_coarse, int64_t *sum_fine);
    void (*fixed_point_write_narrow)(const int32_t *coarse, const int64_t *fine, const int32_t *more_coarse, const int64_t *more_fine,
                                     ptrdiff_t count, float *out);
    void (*fixed_point_write_wide)(const int64_t *coarse, const int64_t *fine, const int64_t *more_coarse, const int64_t *more_fine,
                                   ptrdiff_t count, float *out);
};

/// The table of a family, or null when this processor (or this build) does not have it.
const struct gfn_kernels *_Nullable gfn_kernels_of(enum gfn_family family);

/// Puts rows of keys and values, `stride` floats apart, into one head's blocks from `position` on; bf16 by rounding to nearest even.
void gfn_store_keys(void *keys, void *values, enum gfn_key_form form, ptrdiff_t head_size, ptrdiff_t position, const float *key_rows,
                    const float *value_rows, ptrdiff_t stride, ptrdiff_t rows);

/// Copies rows of W (`first..<end` of N, K long) into the panels; bf16 when `pairs` is not 0.
void gfn_pack(void *packed, int pairs, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first, ptrdiff_t end, const float *rows,
              ptrdiff_t stride);
/// The same from rows of Wᵀ (`first..<end` of K, N long).
void gfn_pack_transposed(void *packed, int pairs, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first, ptrdiff_t end,
                         const float *rows, ptrdiff_t stride);
/// Bytes of N outputs of K inputs in codes.
ptrdiff_t gfn_codes_size(const struct gfn_codes *, ptrdiff_t outputs, ptrdiff_t inputs);
/// Puts rows (`first..<end` of N) into the panels. `codes`: [rows, K]; `scales` and, where there are any, `offsets`: [rows, K / group].
/// Of a transposed matrix the rows are inputs (`first..<end` of K, from an even one to an even one or the last) and N the length of each.
void gfn_pack_codes(const struct gfn_codes *, void *packed, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first, ptrdiff_t end,
                    const int8_t *codes, const float *scales, const float *_Nullable offsets);
/// Whether all scales and offsets are numbers.
int gfn_codes_are_finite(const struct gfn_codes *, const void *packed, ptrdiff_t outputs, ptrdiff_t inputs);
/// Rounds [rows, K] to pairs of bf16 with a zero after an odd K: [rows, ⌈K/2⌉].
void gfn_round_rows(const struct gfn_kernels *, const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t inputs, void *pairs);
/// cos and sin of position · frequency, each [positions, half].
void gfn_rotary_table(const float *frequencies, ptrdiff_t half, ptrdiff_t positions, double factor, float *cosines, float *sines);
/// eˣ and log x within an ulp, with equal bits on every processor (see elementary.c).
double gfn_exp(double x);
double gfn_log(double x);
/// The same for |x| up to 1.6 million; larger arguments lose accuracy, not equality.
void gfn_sine_cosine(double x, double *sine, double *cosine);
/// This thread's scratch memory number `slot`: at least `bytes` long, 64-byte aligned, valid until the next call for the slot.
void *gfn_scratch(int slot, size_t bytes);
enum { gfn_scratch_inputs, gfn_scratch_attention, gfn_scratch_sampler, gfn_scratch_outer, gfn_scratch_count };

/// Operations that this thread asked kernels for so far, by `Work` in Swift.
struct gfn_work { int64_t products, gradients, attention; };
struct gfn_work *gfn_own_work(void);

/// Instructions that bound a product's speed: VDPBF16PS, the fused multiply-add of fp32, VPDPBUSD.
enum gfn_peak { gfn_peak_bf16, gfn_peak_fp32, gfn_peak_bytes };
/// Runs independent instructions on registers alone. Returns the operations of one round, where a product and its sum are two; 0, and nothing
/// is run, where the processor lacks the instruction.
ptrdiff_t gfn_peak_run(enum gfn_peak kind, ptrdiff_t rounds);
/// Reads words once; their XOR.
uint64_t gfn_read(const uint64_t *words, ptrdiff_t count);
/// left + factor · right, which do not overlap with the sums: two numbers are read for each one that is written.
void gfn_triad(float *sums, const float *left, const float *right, float factor, ptrdiff_t count);

/// Calls the body once for each part 0..<parts, on this thread and up to `threads` − 1 helpers, in any order; returns when all are
/// done. Inside a region, and beside another caller's, everything runs on the calling thread.
void gfn_parallel(int threads, ptrdiff_t parts, void (*body)(void *_Nullable context, ptrdiff_t part), void *_Nullable context);

#pragma clang assume_nonnull end
