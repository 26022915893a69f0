/* kernel/monitor_memory.h: the monitor's commands about memory. Each logs its answer, and changes
 * nothing but what it says. */
#ifndef KERNEL_MONITOR_MEMORY_H
#define KERNEL_MONITOR_MEMORY_H

#include "kernel/command.h"

void monitor_map(const struct command_call *);
void monitor_zones(const struct command_call *);
void monitor_mem(const struct command_call *);
void monitor_stats(const struct command_call *);
void monitor_frag(const struct command_call *);

/* Take pages, and give back those that were taken here (and no others: they have users). Wrong
 * frees are put to the allocator, whose answer is shown. */
void monitor_alloc(const struct command_call *);
void monitor_free(const struct command_call *);

/* Map two pages that need six tables into a space of its own, while the source of tables gives one
 * too few: nothing may change. */
void monitor_oom(const struct command_call *);

#endif
