/// The family's table, from everything included before.
#include "ckernels.h"

#define GFN_TABLE                                                                                                          \
    {                                                                                                                      \
        .multiply_fp32 = multiply_fp32, .multiply_bf16 = multiply_bf16, .multiply_codes = multiply_codes,                    \
        .multiply_integers = multiply_integers, .round_integers = round_integers, .outer_product = outer_product,          \
        .round_bf16 = round_bf16, .widen_bf16 = widen_bf16,                                                                \
        .add = add, .add_row = add_row, .maximum_magnitude = maximum_magnitude, .sum_of_squares = sum_of_squares,          \
        .rms_norm = rms_norm, .rms_norm_backward = rms_norm_backward, .rms_norm_gain_gradient = rms_norm_gain_gradient,    \
        .rotate = rotate, .swiglu = swiglu, .swiglu_backward = swiglu_backward, .attention = attention,                    \
        .attention_backward = attention_backward, .gather_log_probabilities = gather_log_probabilities,                    \
        .logit_gradient = logit_gradient, .sample_token = sample_token, .exponential = exponential, .adamw = adamw,        \
        .fixed_point_add_narrow = fixed_point_add_narrow, .fixed_point_add_wide = fixed_point_add_wide,                    \
        .fixed_point_merge_narrow = fixed_point_merge_narrow, .fixed_point_merge_wide = fixed_point_merge_wide,            \
        .fixed_point_write_narrow = fixed_point_write_narrow, .fixed_point_write_wide = fixed_point_write_wide,            \
    }
