/* kernel/serial/early_console.h: the serial console of a machine that has none at a fixed place,
 * found while the firmware's page tables are still in use, so that a panic is heard there from the
 * first line on. kernel/serial/spcr.h, which comes later, leaves it as it is. */
#ifndef KERNEL_SERIAL_EARLY_CONSOLE_H
#define KERNEL_SERIAL_EARLY_CONSOLE_H

#include "kernel/boot_info.h"
#include "kernel/options.h"

/* If the tables (ACPI's, else the device tree) name a UART in memory, the firmware maps it, it
 * answers, and the user has named no other: send the log there, from its beginning, and set
 * spcr_early. Only what the map calls memory and the CPU says that it maps (cpu_maps()) is read, so
 * this does nothing where a CPU cannot say. Context: as kernel/boot_info.h, after cpu_own(), on the
 * firmware's identity map. O(bytes of the tables * entries of the map / 4096), and the time that
 * the log takes on serial. */
void early_console_open(const struct boot_info *, const struct options *);

#endif
