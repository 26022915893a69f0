/* kernel/machine/spcr.h: the serial console that the firmware's SPCR names.
 *
 * Source: Microsoft, "Serial Port Console Redirection Table", revision 4, and the types of port in
 * "Debug Port Table 2": 0 and 1 are a 16550, 0x12 one with its registers as the address says.
 */
#ifndef KERNEL_MACHINE_SPCR_H
#define KERNEL_MACHINE_SPCR_H

#include "hal/machine.h"
#include "kernel/machine/acpi.h"
#include "kernel/options.h"

/* NULL when this kernel can drive the console that `*a` names (which it does), and how: its access
 * width and divisor, and `first` still to be reached. Else a constant sentence: why not. Pure. O(1). */
const char *spcr_refuse(const struct acpi *a, struct serial_port *);

/* Let the log go on at the console that the tables name, whole, unless the user has named one; where
 * nothing answers there, it stays where it is. Says what it does. Context: as kernel/boot_info.h, after
 * memory_use_space(). Takes the time that the log takes on serial. */
void spcr_use(const struct acpi *, const struct options *);

#endif
