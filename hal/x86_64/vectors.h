/* hal/x86_64/vectors.h: the vectors that this port knows by number (Intel SDM vol. 3A, 6.3), and
 * where each of the 256 leads. */
#ifndef HAL_X86_64_VECTORS_H
#define HAL_X86_64_VECTORS_H

#define VECTOR_NMI            2
#define VECTOR_DOUBLE_FAULT   8
#define VECTOR_PAGE_FAULT     14
#define VECTOR_MACHINE_CHECK  18
#define VECTOR_SPURIOUS_PIC_1 0x27 /* of the two 8259 as PC firmware places them */
#define VECTOR_SPURIOUS_PIC_2 0x2F
#define VECTOR_FIRST_INTERRUPT 32u /* below are exceptions */
#define VECTOR_KICK           0xF0 /* from another CPU: cpu_kick() */
#define VECTOR_SPURIOUS_APIC  0xFF /* SDM vol. 3A, 10.9 */

/* trap.S, which reads this too: groups of 32 stubs of 4 bytes each, and two jumps. */
#define VECTOR_STUB  4
#define VECTOR_GROUP 144

#ifndef __ASSEMBLER__
#include "hal/base.h"

extern const unsigned char trap_stubs[];

/* Where the IDT's gate for `vector`, below 256, leads. */
static inline hal_vaddr_t vector_stub(unsigned vector)
{
    return (hal_vaddr_t)(uintptr_t)trap_stubs + vector / 32 * VECTOR_GROUP +
           vector % 32 * VECTOR_STUB;
}
#endif

#endif
