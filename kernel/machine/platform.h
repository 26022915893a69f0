/* kernel/machine/platform.h: the machine as its ACPI tables tell it, judged against the memory map.
 * Context: as kernel/boot_info.h, in the kernel's own space, after memory_use_space(). */
#ifndef KERNEL_MACHINE_PLATFORM_H
#define KERNEL_MACHINE_PLATFORM_H

#include "kernel/machine/acpi.h"
#include "kernel/boot_info.h"
#include "kernel/machine/nodes.h"
#include "kernel/options.h"

extern struct acpi platform; /* all zero until platform_read(), and where there are no tables */
extern struct nodes platform_nodes; /* not to be used before platform_read() */

/* Read the tables, wherever they lie (kernel/machine/firmware.h), and log what they say, one line a
 * fact, and what is refused with the reason. Once, before any memory is handed
 * out: tables may lie in memory that the firmware gave back. O(bytes of the tables). */
void platform_read(const struct boot_info *, const struct memmap *);

/* Make ready what follows from the tables: serial console, power, clock (boot->tsc_hz:
 * clock_find()). Once, after platform_read(). Takes the clock's time. */
void platform_use(struct boot_info *, const struct options *);

#endif
