/* kernel/cpus/shootdown.h: what hal_tlb_shootdown() of hal/hal.h has done; kernel/cpus/shootdown.c supplies
 * it for machines whose CPUs do not drop each other's translations by themselves. */
#ifndef KERNEL_CPUS_SHOOTDOWN_H
#define KERNEL_CPUS_SHOOTDOWN_H

#include "hal/base.h"

/* Since the start: calls that asked another CPU, the CPUs that were asked in all of them, and how
 * long these calls took, in ticks of hal_cycles(): together, and the longest. */
struct shootdown_stats {
    uint64_t rounds, asked, ticks, longest;
};
struct shootdown_stats shootdown_stats(void);

#endif
