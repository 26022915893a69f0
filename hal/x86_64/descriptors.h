/* hal/x86_64/descriptors.h: GDT, TSS and IDT, and the selectors that other files use (Intel SDM vol. 3A,
 * 3.4.5, 6.14, 7.7). */
#ifndef HAL_X86_64_DESCRIPTORS_H
#define HAL_X86_64_DESCRIPTORS_H

#include "hal/x86_64/percpu.h"

/* Build GDT and TSS of a CPU, with the ends of its trap stacks. */
void descriptors_build(struct percpu *, const vaddr_t *trap_stacks);

/* Build the IDT, which all CPUs share and which leads every vector to trap.S. */
void descriptors_build_idt(void);

/* Load all three on this CPU, whose GDT and TSS they are. After this the segment registers hold the
 * kernel's selectors, and GS base is 0. */
void descriptors_load(struct percpu *);

#endif
