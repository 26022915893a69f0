/* kernel/serial/spcr.h: uses the serial console that the firmware's SPCR names.
 *
 * Source: Microsoft, "Serial Port Console Redirection Table", revision 4, and the types of port in
 * "Debug Port Table 2": 0 and 1 are a 16550, 0x12 is a 16550 whose access size the address gives, 3 is
 * a PL011, 0xd and 0xe are the generic UART of the SBSA.
 */
#ifndef KERNEL_SERIAL_SPCR_H
#define KERNEL_SERIAL_SPCR_H

#include "hal/machine.h"
#include "kernel/machine/acpi_facts.h"
#include "kernel/options.h"

/* `*a` names a console (its address is not 0). If this kernel can drive it, set the access width and the
 * divisor of `*port` (`first` is still to be reached) and return NULL; else return a constant sentence
 * that says why not. Pure. O(1). */
const char *spcr_refuse(const struct acpi *a, struct serial_port *);

/* Bytes of registers that such a port has. Pure. O(1). */
uint64_t spcr_bytes(const struct serial_port *);

/* Where the console in memory lies that the log went to before the tables were read; 0: there was
 * none. It counts as long as serial_works(). */
extern hal_paddr_t spcr_early;

/* If the tables name a console and the user has not named another, send the log there, from its
 * beginning; if that is spcr_early, it goes there already. If nothing answers there, the log stays
 * where it was. Each case is said in the log. Context: as kernel/boot_info.h, after
 * memory_use_space(). Takes as long as the log takes on serial. */
void spcr_use(const struct acpi *, const struct options *);

#endif
