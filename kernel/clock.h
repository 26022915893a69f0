/* kernel/clock.h: how fast the time stamp counter runs, from the best source of this machine. */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include "kernel/acpi.h"
#include "kernel/boot_info.h"

/* Find the rate, log it with its source, and let the log's stamps go on at it. In this order: what
 * the CPU says (CPUID 15h), the HPET, the ACPI PM timer, the loader's measurement with the
 * firmware's Stall, the PIT. A source that stands still, runs backwards or gives an absurd rate is
 * passed over. `boot->tsc_hz` is set, and stays as it was when nothing works. Takes 20 ms for a
 * source that runs; a dead one 2^24 ticks, none more than 2^30 or 2^20 reads. */
void clock_find(struct boot_info *boot, const struct acpi *);

/* Ticks of the time stamp counter a second; 0: not known. */
extern uint64_t clock_hertz;

#endif
