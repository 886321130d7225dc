/// SHA-256 (FIPS 180-4).
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The chaining values before the first block.
void gfn_sha256_begin(uint32_t state[_Nonnull 8]);

/// Takes in whole blocks of 64 bytes, by the processor's SHA instructions where it has them.
void gfn_sha256_blocks(uint32_t state[_Nonnull 8], const uint8_t *data, size_t blocks);

/// The same in portable C: what the other one is tested against.
void gfn_sha256_blocks_portable(uint32_t state[_Nonnull 8], const uint8_t *data, size_t blocks);

#pragma clang assume_nonnull end
