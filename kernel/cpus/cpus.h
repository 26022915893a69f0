/* kernel/cpus/cpus.h: all CPUs of this machine: started, counted, and given work.
 *
 * The firmware's tables name them (kernel/machine/acpi.h). CPU 0 is the one that booted; the others get
 * their index in the order in which they come. Each has a boot stack and trap stacks of its own between
 * guard pages, idles with interrupts on, and runs what cpus_run() hands it.
 *
 *   K1  a CPU that does not come in time is named in the log, held again, and gets nothing to do;
 *       whatever it does later does no harm: it answers no call, and nobody asks it
 *   K2  a CPU that cpus_is_running() names answers calls (kernel/cpus/calls.h) from then on
 *   K3  after cpus_hold() no CPU runs the firmware's code any more, but those that the tables call
 *       disabled: boot services memory may be used
 */
#ifndef KERNEL_CPUS_CPUS_H
#define KERNEL_CPUS_CPUS_H

#include "kernel/boot_info.h"
#include "kernel/options.h"

/* How many CPUs may run here, at least 1: those that the tables enable and whose ids can be named, as far
 * as the option cpus=N allows, or 1 where none can be started. All use ids of 32 bits from then on where
 * the tables have some above 254. On CPU 0, once, after memory_use_space() and platform_read(). O(CPUs). */
uint32_t cpus_plan(const struct boot_info *, const struct options *);

/* Hold all others (K3), but those that wait in a mailbox: that is in memory which the firmware keeps. On
 * CPU 0, once, after cpus_plan(), before boot services memory is used. O(CPUs). */
void cpus_hold(void);

/* Start them, and log how it went: a line in all, and a line for each that did not come. Memory and
 * table pages come from the page allocator; when there is not enough, fewer are started, and that
 * is said. On CPU 0, once, after cpus_hold() and parts_use(), which finds the clock. Waits at most
 * a second for the last one; 10 ms when all come. Interrupts are enabled afterwards. `plant`: of
 * CPU_LOST, CPU_LATE, CPU_FAULT and CPU_MAILBOX what it says is done on purpose. */
void cpus_start(enum plant);

/* Indices are below cpus_count(), which is what cpus_plan() said, or fewer when there was no memory for all;
 * how many of them run; does this one? Any context. */
uint32_t cpus_count(void);
uint32_t cpus_running(void);
bool cpus_is_running(uint32_t cpu);

/* May this CPU, an index, hold translations made through `root`? cpu_area_may_hold() of hal/cpu.h. */
bool cpus_may_hold(uint32_t cpu, hal_paddr_t root);

/* The number that the tables give it, and the node that it belongs to there (ACPI_NO_NODE: they do not
 * say). */
uint32_t cpus_id(uint32_t cpu);
uint32_t cpus_node(uint32_t cpu);

/* Run fn(arg) on every CPU that runs, this one too, and wait until it has returned everywhere. Interrupts
 * are on where it runs, so that calls are answered meanwhile. On CPU 0, interrupts on; not nested. */
void cpus_run(void (*fn)(void *), void *arg);

/* Run it on one CPU that runs, and wait. On CPU 0, interrupts on; not nested. False: no such CPU. */
bool cpus_run_on(uint32_t cpu, void (*fn)(void *), void *arg);

/* A panic or an unexpected trap stops all other CPUs, whatever they do, waits 100 ms at most for that, and
 * logs where each was and what was in its registers (panic_others of kernel/trap/panic.h; in place from
 * cpus_start() on). The CPU that reports first goes on; any other that would report meanwhile stops. */

#endif
