/* hal/x86_64/mtrr/mtrr.h: the memory type range registers: read, and made the same on all CPUs
 * (Intel SDM vol. 3A, 11.11; AMD APM vol. 2, 7.7 and 7.9). What they make of an address:
 * hal/x86_64/mtrr/mtrr_type.h. */
#ifndef HAL_X86_64_MTRR_MTRR_H
#define HAL_X86_64_MTRR_MTRR_H

#include "hal/base.h"

#define MTRR_VARIABLES 64u /* registers; CPUs have 16 to 40 */
#define MTRR_FIXEDS    11u

#define MTRR_ON    ((uint64_t)1 << 11) /* of `type` */
#define MTRR_VALID ((uint64_t)1 << 11) /* of a mask */

struct mtrr {
    uint64_t type; /* IA32_MTRR_DEF_TYPE: the default, and whether they are on */
    uint64_t variable[MTRR_VARIABLES]; /* base and mask in turn */
    uint64_t fixed[MTRR_FIXEDS];       /* for the first MiB */
    uint32_t variables, fixeds;        /* registers of each; 0: none */
    hal_paddr_t write_back_end; /* from 4 GiB to here the default is write-back, whatever `type`
                                          says (AMD: SYSCFG and TOM2); 0: nowhere */
};

/* What this CPU has; all zero where it has none. After cpu_detect(), not inside cpu_try(). Before
 * cpu_own(), which brings traps of our own, `write_back_end` is left 0 in a virtual machine. */
void mtrr_read(struct mtrr *);

/* Remember this CPU's. */
void mtrr_save(void);

/* Give this CPU what was saved, where it differs. Interrupts disabled. */
void mtrr_restore(void);

#endif
