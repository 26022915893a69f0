/* kernel/machine/tree/cpu_list.h: the list of CPUs of acpi_facts.h, which ACPI tables and device trees fill.
 * Pure: any context. */
#ifndef KERNEL_MACHINE_TREE_CPU_LIST_H
#define KERNEL_MACHINE_TREE_CPU_LIST_H

#include "kernel/machine/acpi_facts.h"

/* The list is filled, in any order, `node` being 1 for an x2APIC entry and 0 for any other: sort it by id, keep
 * each id once, by its APIC entry where there are both, count those, and take nodes as not told.
 * O(CPUs * log(CPUs)). */
void cpu_list_close(struct acpi *);

/* Sort it again: by `uid`, or by id, as it is else. O(CPUs * log(CPUs)). */
void cpu_list_sort(struct acpi *, bool by_uid);

/* The CPU with that id, the list being sorted by id; or with that `uid`, it being sorted by these; or NULL.
 * O(log(CPUs)). */
struct acpi_cpu *cpu_list_find(struct acpi *, uint32_t id);
struct acpi_cpu *cpu_list_find_uid(struct acpi *, uint32_t uid);

/* The id of an Arm CPU: the affinities of its MPIDR, 3 to 0, a byte each. */
uint32_t cpu_list_id(uint64_t mpidr);

#endif
