/* kernel/machine/acpi.h: reads what this kernel wants to know out of the firmware's ACPI tables, whose
 * bytes may be anything. Pure: it does no I/O, prints nothing, and sees memory through the caller's view
 * only. Any context.
 *
 * Sources: ACPI 6.5: generic address 5.2.3.2, root pointer 5.2.5.3, table header 5.2.6, RSDT 5.2.7,
 * XSDT 5.2.8, DSDT and SSDT 5.2.11; Microsoft, "Serial Port Console Redirection Table" and "Debug
 * Port Table 2"; Intel, "IA-PC HPET Specification" 1.0a. Those of the larger tables:
 * acpi_topology.h, acpi_power.h, hmat/hmat.h.
 *
 *   A1  whatever the tables say, only bytes that the view gave are read
 *   A2  a table counts only if all of it can be read, its length is sound and its bytes sum to zero.
 *       The length is judged before the sum, and fields beyond the length are taken as absent
 *   A3  time is bounded by the bytes that can be read: each entry is stepped over by its own length,
 *       and an entry too short to hold itself ends its table
 *   A4  the listener hears of everything that is refused, contradicts itself or does not fit, once for
 *       each kind in a table, with the count; nothing else is lost
 */
#ifndef KERNEL_MACHINE_ACPI_H
#define KERNEL_MACHINE_ACPI_H

#include "kernel/machine/acpi_facts.h"

/* Fill `*a`, which need not be clear, from the root pointer at physical `rsdp` (0: there is none).
 * Neither the view nor the listener may be NULL; `ctx` goes to the listener. Returns NULL, or a constant
 * sentence that says why there are no tables at all; `*a` is then all zero.
 * O(bytes of the tables + CPUs * log(CPUs) + ranges * log(ranges) + tables^2). */
const char *acpi_read(struct acpi *, const struct acpi_view *, hal_paddr_t rsdp, acpi_note_fn *,
                      void *ctx);

#endif
