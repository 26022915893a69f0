/* kernel/monitor/monitor_memory.h: the monitor's commands about memory. Each logs its answer and
 * changes nothing but what is said here. The usage lines in kernel/monitor/monitor.c give the
 * arguments; any number is legal. Context: as kernel/boot_info.h, but the allocator's locks are
 * taken. */
#ifndef KERNEL_MONITOR_MONITOR_MEMORY_H
#define KERNEL_MONITOR_MONITOR_MEMORY_H

#include "kernel/monitor/command.h"

void monitor_map(const struct command_call *);   /* each region, its type and owner */
void monitor_zones(const struct command_call *); /* account_report_zones() */
void monitor_mem(const struct command_call *);   /* a bar for each zone */
void monitor_stats(const struct command_call *); /* the counters of pmm_stats() */
void monitor_frag(const struct command_call *);  /* free runs by powers of two; O(runs) */

/* PAGES [KIND]: take pages. At most 32 runs can be held at a time. */
void monitor_alloc(const struct command_call *);

/* ADDRESS [PAGES]: give back pages that monitor_alloc() took. Other memory in use is refused here,
 * since it has users. Every other wrong free is put to the allocator, and its answer is logged. */
void monitor_free(const struct command_call *);

/* [N]: map two pages into a space of their own, which takes six tables (seven with five levels),
 * while the source gives only N - 1. A call that fails must change nothing. Without N: 1 to 7 in
 * turn. */
void monitor_oom(const struct command_call *);

#endif
