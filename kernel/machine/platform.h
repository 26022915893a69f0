/* kernel/machine/platform.h: the machine as its ACPI tables tell it, judged against the memory map.
 * Context: as kernel/boot_info.h. */
#ifndef KERNEL_MACHINE_PLATFORM_H
#define KERNEL_MACHINE_PLATFORM_H

#include "kernel/machine/acpi.h"
#include "kernel/boot_info.h"
#include "kernel/options.h"
#include "mm/memmap.h"

extern struct acpi platform; /* all zero until platform_read(), and where there are no tables */

/* Read the tables and log what they say, one line a fact; then make ready what follows from it:
 * serial console, power, clock (boot->tsc_hz: clock_find()). Only tables in RAM of `map` are read.
 * Once, in the kernel's own space after memory_use_space(), before memory that the firmware gave
 * back is handed out (its tables may lie there). O(bytes of the tables), and the clock's time. */
void platform_read(struct boot_info *, const struct options *, const struct memmap *);

#endif
