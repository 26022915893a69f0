/* kernel/machine/tree/device_tree.h: reads out of a device tree what the ACPI tables would tell,
 * where there are none. Pure, as kernel/machine/acpi.h; the tree's bytes may be anything.
 *
 * Sources: Devicetree Specification 0.4: properties 2.3, /aliases 3.3, /memory 3.4, /reserved-memory 3.5,
 * /chosen 3.6, /cpus 3.7; and the bindings that Linux keeps below Documentation/devicetree/bindings:
 * arm/cpus.yaml, arm/psci.yaml, interrupt-controller/arm,gic*.yaml, numa.txt, serial/pl011.yaml.
 */
#ifndef KERNEL_MACHINE_TREE_DEVICE_TREE_H
#define KERNEL_MACHINE_TREE_DEVICE_TREE_H

#include "kernel/machine/acpi_facts.h"

#define DEVICE_TREE_MAX ((uint32_t)16 << 20) /* bytes; a larger one is not believed */

/* What the reader asks of its caller. take(): memory of `size` bytes, aligned to 8, that stays, or NULL;
 * called three times at most, for CPUs, ranges and distances, after every reserve(). reserve(): these
 * bytes are nobody's to use; `size` is not 0. */
struct device_tree_view {
    void *(*take)(const void *ctx, uint64_t size);
    void (*reserve)(const void *ctx, hal_paddr_t base, uint64_t size);
    const void *ctx;
};

/* Fill `*a` (acpi_facts.h) from the `size` bytes: CPUs and nodes, their memory and distances as if
 * they were those of an SRAT and a SLIT, GIC, PSCI and serial console. NULL, or a constant sentence
 * whose subject is "it": it cannot be read, and `*a` is all zero; or its end cannot be read, and
 * what came before counts; or its distances are left out, or there is no memory for those or its
 * ranges. O(bytes * log(CPUs)). */
const char *device_tree_read(struct acpi *a, const struct device_tree_view *,
                             const unsigned char *bytes, uint32_t size);

#endif
