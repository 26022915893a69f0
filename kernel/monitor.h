/* kernel/monitor.h: commands for a person at this machine (kernel/console.h), after the self-test.
 *
 * Nothing that can be typed ends it but what asks for the end: `exit`, `reboot`, `poweroff` and
 * `panic`, which asks again. Memory is freed only if it was taken here. */
#ifndef KERNEL_MONITOR_H
#define KERNEL_MONITOR_H

#include "kernel/options.h"

/* Say the verdict, then carry out commands until `exit`. Returns the verdict that it named; without one
 * that of the boot and of all that was tested here. */
bool monitor_run(const struct options *, bool sound);

#endif
