/* kernel/machine/hmat/hmat.h: reads from the HMAT how long CPUs wait for memory, and which memory is
 * attached to which CPUs. Pure, as kernel/machine/acpi.h.
 *
 * Source: ACPI 6.5, 5.2.27; of revision 1, ACPI 6.2, 5.2.27.
 *
 *   H1  a latency counts only if the table tells it: neither 0, which is "not told", nor 0xFFFF,
 *       "cannot be reached"; of the memory itself and not of a cache before it; without conditions (a
 *       least size of a transfer, an order of accesses)
 *   H2  an initiator counts only with its valid flag, and in revision 1 with that of the memory too
 *   H3  all that counts is listed, in the order of the table, or nothing when there is no memory for it
 */
#ifndef KERNEL_MACHINE_HMAT_HMAT_H
#define KERNEL_MACHINE_HMAT_HMAT_H

#include "kernel/machine/acpi_table.h"

/* Take a sound table, fill `a->latency` and `a->attached` in memory of the view's take(), and tell the listener
 * what is wrong with its structures; one of no sound length ends the table. O(its bytes). */
void acpi_hmat(struct acpi *a, const struct acpi_table *, const struct acpi_reader *);

#endif
