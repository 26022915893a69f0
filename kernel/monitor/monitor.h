/* kernel/monitor/monitor.h: commands for a person at this machine (kernel/monitor/console.h), after the self-test.
 *
 * Nothing that can be typed ends it but what asks for the end: `exit`, `reboot`, `poweroff` and
 * `panic`, which asks again. Memory is freed only if it was taken here. Context: as
 * kernel/boot_info.h, but the allocator's locks are taken. */
#ifndef KERNEL_MONITOR_MONITOR_H
#define KERNEL_MONITOR_MONITOR_H

#include "kernel/options.h"

/* Say the verdict `sound`, then carry out commands until `exit`, for as long as it takes. Returns
 * the verdict that `exit` named; without one `sound` and that of all that was tested here. Once. */
bool monitor_run(const struct options *, bool sound);

#endif
