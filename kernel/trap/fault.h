/* kernel/trap/fault.h: what a page fault is about, for people. Context: as kernel/boot_info.h, from
 * traps too. Before memory_read_map() and space_make() the answers are those of an empty machine.
 */
#ifndef KERNEL_TRAP_FAULT_H
#define KERNEL_TRAP_FAULT_H

#include "hal/base.h"

/* Bits of a page fault's error code (Intel SDM vol. 3A, 4.7). */
#define FAULT_PRESENT  1u /* clear: not mapped; set: mapped, but not for this */
#define FAULT_WRITE    2u
#define FAULT_USER     4u
#define FAULT_RESERVED 8u
#define FAULT_FETCH    16u

/* What lies at an address, in two parts that are neither NULL: "guard page of the " "boot stack";
 * "kernel text" "". Any address. In the direct map the allocator is walked, with its locks:
 * O(runs). */
struct fault_place {
    const char *what, *name;
};
struct fault_place fault_place(vaddr_t);

/* Log what the loaded tables say of an address, a line a level. False, and nothing logged: it is
 * none that the CPU translates. */
bool fault_report_path(vaddr_t);

/* For an address (CR2) and an error code. The first logs the access and why it was refused, and
 * reads nothing; the second what the tables say level by level and then, for it reads most, the
 * place: "kernel text is not writable". A trap that may have come inside the allocator sets
 * hal_locks_are_void before the second. */
void fault_report_access(vaddr_t, uint64_t error);
void fault_report_place(vaddr_t, uint64_t error);

#endif
