/* hal/x86_64/trap.h: what trap.S leaves on the stack (Intel SDM vol. 3A, 6.12, 6.14). */
#ifndef HAL_X86_64_TRAP_H
#define HAL_X86_64_TRAP_H

#include "hal/base.h"

/* What the CPU and the stubs in trap.S leave on the stack, in this order. */
struct trap_frame {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct trap_frame) == 22 * 8, "trap.S builds this frame");
_Static_assert(offsetof(struct trap_frame, vector) == 120 &&
                   offsetof(struct trap_frame, rip) == 136,
               "trap.S clears the vector's sign there, and the CPU has pushed rip to ss");

/* Called by trap.S for every exception and interrupt, on the interrupted stack or a trap stack.
 * When it returns, the frame is what the CPU goes on with. */
void trap_handle(struct trap_frame *);

#endif
