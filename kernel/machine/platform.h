/* kernel/machine/platform.h: the machine as its ACPI tables describe it, judged against the memory map.
 * Context: as kernel/boot_info.h, in the kernel's own space, after memory_use_space(). */
#ifndef KERNEL_MACHINE_PLATFORM_H
#define KERNEL_MACHINE_PLATFORM_H

#include "kernel/machine/acpi_facts.h"
#include "kernel/boot_info.h"
#include "kernel/machine/nodes.h"

extern struct acpi platform; /* all zero until platform_read(), and where there are no tables */
extern struct nodes platform_nodes; /* not to be used before platform_read() */

/* Read the ACPI tables, or where there are none the device tree, wherever they lie
 * (kernel/machine/firmware.h); memory that the tree reserves is withheld, and where memory may be added the map
 * gets windows (kernel/memory/window.h). Log what they say, a line for each
 * fact, and what is refused, with the reason. Call it once, before any memory is handed out, for tables may
 * lie in memory that the firmware gave back. O(bytes of the tables). */
void platform_read(const struct boot_info *, const struct memmap *);

/* The machine as the page allocator has to know it, for that many CPUs: at least 1. Its arrays stay, one of
 * them in memory of the map. After platform_read(). O(CPUs * nodes). */
struct pmm_machine platform_machine(uint32_t cpus, struct memmap *);

/* The node of the CPU with that number in the tables; 0 where they do not say. O(CPUs). */
uint32_t platform_node_of(uint32_t id);

#endif
