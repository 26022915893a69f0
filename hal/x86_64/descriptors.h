/* hal/x86_64/descriptors.h: GDT, TSS and IDT, and the selectors that other files use (Intel SDM
 * vol. 3A, 3.4.5, 6.14, 7.7). */
#ifndef HAL_X86_64_DESCRIPTORS_H
#define HAL_X86_64_DESCRIPTORS_H

#include "hal/base.h"

struct tss {
    uint32_t words[26];
};
_Static_assert(sizeof(struct tss) == 104, "a 64-bit TSS has 104 bytes (SDM vol. 3A, 7.7)");

/* What each CPU has of its own. */
struct descriptors {
    uint64_t gdt[6];
    struct tss tss;
};

/* Build GDT and TSS of a CPU, with the ends of its trap stacks. They stay where they are. */
void descriptors_build(struct descriptors *, const hal_vaddr_t *trap_stacks);

/* Change the end of trap stack `which` (hal/cpu.h). */
void descriptors_set_stack(struct descriptors *, unsigned which, hal_vaddr_t top);

/* Build the IDT, which all CPUs share and which leads every vector to trap.S. */
void descriptors_build_idt(void);

/* Load all three on this CPU, whose GDT and TSS they are. After this the segment registers hold the
 * kernel's selectors, and GS base is 0. */
void descriptors_load(const struct descriptors *);

#endif
