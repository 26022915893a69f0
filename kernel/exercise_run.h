/* kernel/exercise_run.h: rounds of kernel/exercise.h on this machine's memory, logged. */
#ifndef KERNEL_EXERCISE_RUN_H
#define KERNEL_EXERCISE_RUN_H

#include "hal/base.h"

/* `rounds` rounds, the first with this seed. Progress and rate go to screen and log; Ctrl-C ends it
 * (kernel/console.h). False when memory or the allocator failed; the log names the pages. */
bool exercise_run(uint64_t rounds, uint64_t seed);

#endif
