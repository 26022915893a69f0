/* kernel/machine/acpi_topology.h: reads from MADT, SRAT and SLIT which CPUs there are, and which of them
 * and which memory lie near each other. Pure, as kernel/machine/acpi.h.
 *
 * Sources: ACPI 6.5: MADT 5.2.12, SRAT 5.2.16, SLIT 5.2.17.
 *
 * Each function takes a sound table, fills its part of `*a` (acpi_facts.h), and tells the listener what is
 * wrong with the entries. acpi_srat() gives nodes to the CPUs that acpi_madt() has found, so call it
 * after that one.
 */
#ifndef KERNEL_MACHINE_ACPI_TOPOLOGY_H
#define KERNEL_MACHINE_ACPI_TOPOLOGY_H

#include "kernel/machine/acpi_table.h"

/* The list of CPUs lies in memory of the view's take(). O(entries * log(CPUs)). */
void acpi_madt(struct acpi *a, const struct acpi_table *, const struct acpi_reader *);

/* The list of ranges too. O(entries * (log(CPUs) + log(ranges))). */
void acpi_srat(struct acpi *a, const struct acpi_table *, const struct acpi_reader *);

/* The list of distances too. A matrix that is cut off or contradicts itself is not used, and the listener
 * hears why. O(its bytes). */
void acpi_slit(struct acpi *a, const struct acpi_table *, const struct acpi_reader *);

#endif
