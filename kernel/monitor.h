/* kernel/monitor.h: commands for a person at this machine (kernel/console.h), after the self-test.
 *
 * Nothing that can be typed ends it but what asks for the end: `exit`, `reboot`, `poweroff` and
 * `panic`, which asks again. Memory is freed only if it was taken here. */
#ifndef KERNEL_MONITOR_H
#define KERNEL_MONITOR_H

#include "kernel/options.h"

/* Say the verdict, then carry out commands. Returns what `exit` wants the verdict to be. */
bool monitor_run(const struct options *, bool sound);

#endif
