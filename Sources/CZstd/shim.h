#pragma once
#include <zstd.h>
#include <zstd_errors.h>

// A macro of casts, which Swift cannot import: what ZSTD_getFrameContentSize says of a size it does not know.
static inline int gfn_zstd_size_is_known(unsigned long long size) {
    return size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR;
}
