/* kernel/fault.h: what a page fault is about, for people. */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include "hal/base.h"

/* Bits of a page fault's error code (Intel SDM vol. 3A, 4.7). */
#define FAULT_PRESENT  1u
#define FAULT_WRITE    2u
#define FAULT_USER     4u
#define FAULT_RESERVED 8u
#define FAULT_FETCH    16u

/* What lies at an address: "guard page of the " "boot stack"; "kernel text" "". */
struct fault_place {
    const char *what, *name;
};
struct fault_place fault_place(vaddr_t);

/* Log what the tables say of an address, level by level. False: it is none that the CPU translates.
 */
bool fault_report_path(vaddr_t);

/* Log the access and why it was refused; what the tables say level by level; and last, for it reads
 * most, the place: "kernel text is not writable". */
void fault_report_access(vaddr_t, uint64_t error);
void fault_report_place(vaddr_t, uint64_t error);

#endif
