/* kernel/platform.h: the machine as its ACPI tables tell it, judged against the memory map. */
#ifndef KERNEL_PLATFORM_H
#define KERNEL_PLATFORM_H

#include "kernel/acpi.h"
#include "kernel/boot_info.h"
#include "kernel/options.h"
#include "mm/memmap.h"

extern struct acpi platform; /* all zero until platform_read(), and where there are no tables */

/* Read the tables and log what they say, one line a fact; then make ready what follows from it:
 * serial console, power, clock. In the kernel's own space, before memory that the firmware gave
 * back is handed out (its tables may lie there). */
void platform_read(struct boot_info *, const struct options *, const struct memmap *);

#endif
