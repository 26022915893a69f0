/* kernel/trap/fault.h: what a page fault is about, for people. Context: as kernel/boot_info.h, from
 * traps too. Before memory_read_map() and space_make() the answers are those of an empty machine.
 */
#ifndef KERNEL_TRAP_FAULT_H
#define KERNEL_TRAP_FAULT_H

#include "hal/base.h"

struct trap;

/* What lies at an address, in two parts that are neither NULL: "guard page of the " "boot stack";
 * "kernel text" "". Any address. In the direct map the allocator is walked, with its locks:
 * O(runs). */
struct fault_place {
    const char *what, *name;
};
struct fault_place fault_place(hal_vaddr_t);

/* Log what the kernel's page tables say about an address, a line for each level. False, and nothing
 * is logged, when the CPU translates no such address, when it lies in the lower half of another
 * address space that is loaded, and before space_make(). */
bool fault_report_path(hal_vaddr_t);

/* For a TRAP_ACCESS (hal/cpu.h), and the second for a TRAP_OVERFLOW too. The first logs the access
 * and why it was refused, and reads nothing; the second what the tables say level by level and
 * then, for it reads most, the place: "kernel text is not writable". A trap that may have come
 * inside the allocator sets hal_locks_are_void before the second. */
void fault_report_access(const struct trap *);
void fault_report_place(const struct trap *);

#endif
