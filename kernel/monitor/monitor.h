/* kernel/monitor/monitor.h: carries out the commands of a person at this machine, after the
 * self-test. They come from kernel/monitor/console.h.
 *
 * Only four commands end it: `exit`, `reboot`, `poweroff`, and `panic`, which asks again. `free`
 * frees only memory that `alloc` took. Context: as kernel/boot_info.h, but the allocator's locks
 * are taken. */
#ifndef KERNEL_MONITOR_MONITOR_H
#define KERNEL_MONITOR_MONITOR_H

#include "kernel/options.h"

/* Say the verdict `sound`, then carry out commands until `exit`. Returns the verdict that `exit`
 * named; when it named none, true if `sound` is and no test that was run here has failed. Once. */
bool monitor_run(const struct options *, bool sound);

#endif
