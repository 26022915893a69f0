/* kernel/monitor/exercise_run.h: rounds of kernel/monitor/exercise.h on this machine's memory, logged. Context: as
 * kernel/boot_info.h, but the allocator's locks are taken. */
#ifndef KERNEL_MONITOR_EXERCISE_RUN_H
#define KERNEL_MONITOR_EXERCISE_RUN_H

#include "hal/base.h"

/* `rounds` rounds, 0 too, the first with this seed, the others with the numbers after it. Progress
 * and rate go to screen and log (there every 2 s), each bad page when it is found and once more
 * before the verdict; Ctrl-C ends it after console_start(). False when memory or the allocator
 * failed, which ends it too if it was the allocator. O(rounds * pages). */
bool exercise_run(uint64_t rounds, uint64_t seed);

#endif
