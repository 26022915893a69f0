/* hal/x86_64/mtrr.h: the memory type range registers, which must be the same on all CPUs (Intel SDM vol.
 * 3A, 11.11). */
#ifndef HAL_X86_64_MTRR_H
#define HAL_X86_64_MTRR_H

#include "hal/base.h"

/* Remember this CPU's. */
void mtrr_save(void);

/* Give this CPU what was saved, where it differs. Interrupts disabled. */
void mtrr_restore(void);

#endif
