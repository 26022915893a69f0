/* kernel/machine/clock.h: how fast hal_cycles() counts, by the best source of this machine.
 * Context: as kernel/boot_info.h, after memory_use_space() (registers are reached by
 * kernel/machine/device.h). */
#ifndef KERNEL_MACHINE_CLOCK_H
#define KERNEL_MACHINE_CLOCK_H

#include "kernel/machine/acpi_facts.h"
#include "kernel/boot_info.h"

/* Find the rate, log it with its source, and let the log's stamps go on at it. The machine's own
 * sources come first, in the order of machine_rate() (hal/machine.h), then the loader's measurement
 * (boot->tsc_hz). Where the firmware's Stall (boot->stall_hz) is more than four times off, that is
 * said. `boot->tsc_hz` is set, and stays as it was when nothing works. Takes as long as
 * machine_rate() for each source that is asked. */
void clock_find(struct boot_info *boot, const struct acpi *);

/* Ticks of hal_cycles() a second; 0: not known. */
extern uint64_t clock_hertz;

#endif
