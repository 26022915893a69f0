/* hal/x86_64/descriptors.h: GDT, TSS and IDT, and the selectors that other files use (Intel SDM vol. 3A,
 * 3.4.5, 6.14, 7.7). */
#ifndef HAL_X86_64_DESCRIPTORS_H
#define HAL_X86_64_DESCRIPTORS_H

#include "hal/base.h"

/* Build all three and load them. The IDT leads every vector to trap.S. After this the segment registers
 * hold the kernel's selectors. */
void descriptors_load(void);

#endif
