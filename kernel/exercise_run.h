/* kernel/exercise_run.h: rounds of kernel/exercise.h on this machine's memory, logged. */
#ifndef KERNEL_EXERCISE_RUN_H
#define KERNEL_EXERCISE_RUN_H

#include "hal/base.h"

/* `rounds` rounds, the first with this seed, the others with the numbers after it. Progress and rate
 * go to screen and log, each bad page when it is found and once more before the verdict; Ctrl-C ends
 * it (kernel/console.h). False when memory or the allocator failed. */
bool exercise_run(uint64_t rounds, uint64_t seed);

#endif
