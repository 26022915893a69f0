/* kernel/cpus/mailbox.h: start CPUs that their firmware has left waiting in a mailbox (MADT type 16, ACPI
 * 6.5, 5.2.12.19), where start-up IPIs are not to be sent.
 *
 *   M1  what a CPU finds with the command is complete: its id and where it begins
 *   M2  the mailbox holds one command at a time; one that nobody takes stays in it, and then it is of no
 *       use for the other CPUs either
 */
#ifndef KERNEL_CPUS_MAILBOX_H
#define KERNEL_CPUS_MAILBOX_H

#include "hal/cpu.h"

/* Tell CPU `id` to begin at physical `vector`, and wait until it has taken the order: `ticks` of
 * hal_cycles() at most, for this one and for an order that is still in the mailbox. False: nobody has.
 * One CPU at a time. */
bool mailbox_order(volatile struct cpu_mailbox *, uint32_t id, hal_paddr_t vector, uint64_t ticks);

#endif
