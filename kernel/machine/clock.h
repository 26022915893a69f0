/* kernel/machine/clock.h: how fast the time stamp counter runs, from the best source of this machine.
 * Context: as kernel/boot_info.h, after memory_use_space() (registers are reached by
 * kernel/memory/device.h).
 *
 * Sources: CPUID leaf 15h, Intel SDM vol. 2A; the HPET's registers, Intel, "IA-PC HPET
 * Specification" 1.0a; the PM timer, 3579545 Hz, ACPI 6.5, 4.8.3.3; the PIT, an 8254 at 1193182 Hz
 * behind ports 42h, 43h and 61h.
 */
#ifndef KERNEL_MACHINE_CLOCK_H
#define KERNEL_MACHINE_CLOCK_H

#include "kernel/machine/acpi.h"
#include "kernel/boot_info.h"

/* Find the rate, log it with its source, and let the log's stamps go on at it. In this order: what
 * the CPU says (CPUID 15h), the HPET, the ACPI PM timer, the loader's measurement with the
 * firmware's Stall (boot->tsc_hz), the PIT. A source that stands still, runs backwards or gives
 * a rate outside 100 MHz to 20 GHz is passed over; Stall's was judged by the loader. `boot->tsc_hz`
 * is set, and stays as it was when nothing works. Takes 20 ms for a source that runs; a dead one
 * 2^24 ticks, none more than 2^30 or 2^20 reads. The HPET's switch and port 61h are put back. */
void clock_find(struct boot_info *boot, const struct acpi *);

/* Ticks of the time stamp counter a second; 0: not known. */
extern uint64_t clock_hertz;

#endif
