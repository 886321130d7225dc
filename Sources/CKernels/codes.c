/// Packing weights in codes: see `gfn_codes` for where everything lies.
#include <string.h>

#include "ckernels.h"

enum { lanes = 16 };

static ptrdiff_t padded(ptrdiff_t outputs) { return (outputs + lanes - 1) / lanes * lanes; }

static ptrdiff_t panel_width(ptrdiff_t outputs, ptrdiff_t panel) {
    const ptrdiff_t columns = outputs - panel * gfn_panel;
    return columns >= gfn_panel ? gfn_panel : padded(columns);
}

/// Scales of a record.
static ptrdiff_t scale_count(const struct gfn_codes *codes, ptrdiff_t width) {
    return codes->transposed ? 2 * (width / codes->group) : lanes;
}

/// Scales and offsets of a record.
static ptrdiff_t number_count(const struct gfn_codes *codes, ptrdiff_t width) {
    return scale_count(codes, width) * (codes->offsets ? 2 : 1);
}

/// Bytes of a record, of a panel of a width.
static ptrdiff_t record_size(const struct gfn_codes *codes, ptrdiff_t width) {
    return number_count(codes, width) * (ptrdiff_t)sizeof(float) + (codes->transposed ? 2 * width : lanes * codes->group) * codes->bits / 8;
}

/// Records of a panel of a width.
static ptrdiff_t record_count(const struct gfn_codes *codes, ptrdiff_t inputs, ptrdiff_t width) {
    return codes->transposed ? (inputs + 1) / 2 : inputs / codes->group * (width / lanes);
}

ptrdiff_t gfn_codes_size(const struct gfn_codes *codes, ptrdiff_t outputs, ptrdiff_t inputs) {
    const ptrdiff_t panels = (outputs + gfn_panel - 1) / gfn_panel, last = panel_width(outputs, panels - 1);
    return (panels - 1) * record_count(codes, inputs, gfn_panel) * record_size(codes, gfn_panel) +
           record_count(codes, inputs, last) * record_size(codes, last);
}

int gfn_codes_are_finite(const struct gfn_codes *codes, const void *packed, ptrdiff_t outputs, ptrdiff_t inputs) {
    const ptrdiff_t panels = (outputs + gfn_panel - 1) / gfn_panel;
    const uint8_t *record = packed;
    for (ptrdiff_t panel = 0; panel < panels; panel++) {
        const ptrdiff_t width = panel_width(outputs, panel), numbers = number_count(codes, width);
        for (ptrdiff_t r = record_count(codes, inputs, width); r > 0; r--, record += record_size(codes, width))
            for (ptrdiff_t i = 0; i < numbers; i++) {
                uint32_t bits;
                memcpy(&bits, record + 4 * i, sizeof bits);
                if ((bits & 0x7f800000) == 0x7f800000) return 0;
            }
    }
    return 1;
}

static void put_nibble(uint8_t *byte, int upper, int code) {
    *byte = (uint8_t)((*byte & (upper ? 0x0f : 0xf0)) | code << (upper ? 4 : 0));
}

/// The group `g` of an output, in the record of its 16 outputs.
static void pack_group(const struct gfn_codes *format, uint8_t *packed, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t output, ptrdiff_t g,
                       const int8_t *codes, const float *scale, const float *offset) {
    const ptrdiff_t panel = output / gfn_panel, width = panel_width(outputs, panel), lane = output % lanes;
    const ptrdiff_t before = g * (width / lanes) + output % gfn_panel / lanes;
    uint8_t *record = packed + (panel * record_count(format, inputs, gfn_panel) + before) * record_size(format, width);
    memcpy(record + lane * 4, scale, sizeof(float));
    if (offset) memcpy(record + (lanes + lane) * 4, offset, sizeof(float));
    uint8_t *places = record + number_count(format, width) * 4;
    for (ptrdiff_t i = 0; i < format->group; i++)
        if (format->bits == 4) put_nibble(places + i / 8 * 64 + lane * 4 + i % 4, i / 4 % 2, codes[i] + format->zero);
        else places[i / 4 * 64 + lane * 4 + i % 4] = (uint8_t)(codes[i] + 128);
}

/// A group of consecutive outputs, from `output`, of one input, in the record of its pair.
static void pack_transposed_group(const struct gfn_codes *format, uint8_t *packed, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t input,
                                  ptrdiff_t output, const int8_t *codes, const float *scale, const float *offset) {
    const ptrdiff_t panel = output / gfn_panel, width = panel_width(outputs, panel), column = output % gfn_panel, odd = input % 2;
    uint8_t *record = packed + panel * record_count(format, inputs, gfn_panel) * record_size(format, gfn_panel) +
                      input / 2 * record_size(format, width);
    const ptrdiff_t number = odd * (width / format->group) + column / format->group;
    memcpy(record + number * 4, scale, sizeof(float));
    if (offset) memcpy(record + (scale_count(format, width) + number) * 4, offset, sizeof(float));
    uint8_t *pairs = record + number_count(format, width) * 4 + column;
    for (ptrdiff_t i = 0; i < format->group; i++)
        if (format->bits == 4) put_nibble(pairs + i, (int)odd, codes[i] + format->zero);
        else pairs[odd * width + i] = (uint8_t)codes[i];
}

void gfn_pack_codes(const struct gfn_codes *format, void *packed, ptrdiff_t outputs, ptrdiff_t inputs, ptrdiff_t first, ptrdiff_t end,
                    const int8_t *codes, const float *scales, const float *offsets) {
    const ptrdiff_t length = format->transposed ? outputs : inputs, groups = length / format->group;
    for (ptrdiff_t row = first; row < end; row++)
        for (ptrdiff_t g = 0; g < groups; g++, codes += format->group, scales++, offsets = offsets ? offsets + 1 : offsets)
            if (format->transposed) pack_transposed_group(format, packed, outputs, inputs, row, g * format->group, codes, scales, offsets);
            else pack_group(format, packed, outputs, inputs, row, g, codes, scales, offsets);
}
