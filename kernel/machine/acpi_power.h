/* kernel/machine/acpi_power.h: reads from the FADT and from _S5 which registers restart the machine and
 * switch it off, and how. Pure, as kernel/machine/acpi.h.
 *
 * Sources: ACPI 6.5: FADT 5.2.9, _S5 7.4.2, AML 20.2.
 */
#ifndef KERNEL_MACHINE_ACPI_POWER_H
#define KERNEL_MACHINE_ACPI_POWER_H

#include "kernel/machine/acpi_facts.h"

/* Fill the FADT's part of `*a` (acpi_facts.h) from the ACPI_FIELDS bytes that acpi_fields() made. O(1). */
void acpi_fadt(struct acpi *a, const unsigned char *fields);

/* Look for _S5 in `size` bytes of AML: its name, then a package of numbers below 8. If it is there, put
 * the sleep types for PM1a and PM1b into `type` and return true; else leave `type` alone. Any bytes are
 * legal. O(size). */
bool acpi_find_s5(const unsigned char *aml, uint64_t size, uint8_t type[2]);

#endif
