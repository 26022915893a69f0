/* hal/x86_64/mtrr/mtrr_type.h: what the memory type range registers make of physical memory (Intel
 * SDM vol. 3A, 11.11.2 to 11.11.4). Pure; any context. */
#ifndef HAL_X86_64_MTRR_MTRR_TYPE_H
#define HAL_X86_64_MTRR_MTRR_TYPE_H

#include "hal/x86_64/mtrr/mtrr.h"

/* Types as the registers have them. MTRR_MIXED: ranges overlap whose types the manual does not let
 * overlap. */
enum mtrr_type {
    MTRR_UC = 0,
    MTRR_WC = 1,
    MTRR_WT = 4,
    MTRR_WP = 5,
    MTRR_WB = 6,
    MTRR_MIXED = 0x100
};

/* The type at `at`, from 1 MiB on (below, fixed registers may say something else); `*until` is the
 * first address above it for which the answer may be another, UINT64_MAX: none. All is uncached
 * where the registers are off. Any contents are legal, masks with holes too. O(registers * 52). */
uint32_t mtrr_type(const struct mtrr *, hal_paddr_t at, hal_paddr_t *until);

#endif
