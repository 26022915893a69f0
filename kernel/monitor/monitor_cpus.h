/* kernel/monitor/monitor_cpus.h: the monitor's command on CPUs. */
#ifndef KERNEL_MONITOR_MONITOR_CPUS_H
#define KERNEL_MONITOR_MONITOR_CPUS_H

#include "kernel/monitor/command.h"

/* Log a line for each CPU that was to run: its index, its id and node in the firmware's tables,
 * whether it runs; and one on shootdowns. Any CPU, interrupts on. */
void monitor_cpus(const struct command_call *);

#endif
