/* hal/unaligned.h: numbers out of bytes. Firmware's tables and file headers are little-endian, and
 * their fields lie at any address.
 *
 * Each function reads that many bytes from `at` on, all of which the caller has. Pure; any context;
 * O(1). Only bytes are read, so neither the alignment nor the byte order of the CPU matters; a
 * compiler makes one load of it where the CPU has one.
 */
#ifndef HAL_UNALIGNED_H
#define HAL_UNALIGNED_H

#include "hal/base.h"

static inline uint16_t load16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t load32(const uint8_t *at)
{
    return load16(at) | (uint32_t)load16(at + 2) << 16;
}

static inline uint64_t load64(const uint8_t *at)
{
    return load32(at) | (uint64_t)load32(at + 4) << 32;
}

#endif
