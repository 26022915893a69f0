/* kernel/monitor/monitor_memory.h: the monitor's commands about memory. Each logs its answer, and changes
 * nothing but what it says. Arguments are as the usage lines in kernel/monitor/monitor.c have them, any
 * number is legal. Context: as kernel/boot_info.h, but the allocator's locks are taken. */
#ifndef KERNEL_MONITOR_MONITOR_MEMORY_H
#define KERNEL_MONITOR_MONITOR_MEMORY_H

#include "kernel/monitor/command.h"

void monitor_map(const struct command_call *);   /* each region, its type and owner */
void monitor_zones(const struct command_call *); /* memory_report_zones() */
void monitor_mem(const struct command_call *);   /* a bar a zone */
void monitor_stats(const struct command_call *); /* the counters of pmm_stats() */
void monitor_frag(const struct command_call *);  /* free runs by powers of two; O(runs) */

/* PAGES [KIND]: take pages, at most 32 pieces at a time. ADDRESS [PAGES]: give back those that were
 * taken here (and no others: they have users). Wrong frees are put to the allocator, whose answer
 * is shown. */
void monitor_alloc(const struct command_call *);
void monitor_free(const struct command_call *);

/* [N]: map two pages that need six tables (seven with five levels) into a space of its own, while
 * the source gives N - 1: nothing may change. Without N: 1 to 7 in turn. */
void monitor_oom(const struct command_call *);

#endif
