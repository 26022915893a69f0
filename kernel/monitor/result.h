/* kernel/monitor/result.h: the end of a boot for a script: the verdict and all counters in one line, and what the
 * machine does then. Context: as kernel/boot_info.h, and the allocator's locks are taken. */
#ifndef KERNEL_MONITOR_RESULT_H
#define KERNEL_MONITOR_RESULT_H

#include "kernel/options.h"

/* Log "result: {...}", one JSON object (tests/boot/GRAMMAR.md). Pages are counted again for it. The kept log has
 * the line, and so the report of the next start. O(pages of blocks in use). */
void result_log(bool sound);

/* From now on do what the option then= asks after the verdict, of a panic too. Once kernel/machine/power.h knows
 * the machine's ways. */
void result_then(const struct options *);

#endif
