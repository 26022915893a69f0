/* kernel/monitor/exercise_run.h: runs rounds of kernel/monitor/exercise.h on this machine and logs
 * them. Context: as kernel/boot_info.h, but the allocator's locks are taken. */
#ifndef KERNEL_MONITOR_EXERCISE_RUN_H
#define KERNEL_MONITOR_EXERCISE_RUN_H

#include "hal/base.h"

/* Run `rounds` rounds (0 or more), the first with `seed`, the others with the numbers that follow
 * it, and the patterns in turn. Progress and rate go to the screen, and every 2 s to the log. A bad
 * page is logged when it is found and once more before the verdict. Ctrl-C ends it, once
 * console_start() has been called. An allocator that fails ends it too. False when memory or the
 * allocator failed. O(rounds * pages). */
bool exercise_run(uint64_t rounds, uint64_t seed);

#endif
