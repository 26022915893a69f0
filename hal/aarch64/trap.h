/* hal/aarch64/trap.h: what trap.S leaves on the stack (Arm ARM D1.3). */
#ifndef HAL_AARCH64_TRAP_H
#define HAL_AARCH64_TRAP_H

#include "hal/base.h"

struct trap_frame {
    uint64_t x[31];
    uint64_t sp, pc, spsr, esr, far;
    uint64_t vector; /* which of the sixteen: group * 4 + kind */
    uint64_t unused;
    uint64_t record[2]; /* of a frame of its own: the interrupted x29 and pc */
};
_Static_assert(sizeof(struct trap_frame) == 320, "trap.S builds this frame");
_Static_assert(offsetof(struct trap_frame, sp) == 248 &&
                   offsetof(struct trap_frame, vector) == 288 &&
                   offsetof(struct trap_frame, record) == 304,
               "trap.S builds this frame");

/* Called by trap.S for every exception and interrupt, on the trap stack. When it returns, the frame is
 * what the CPU goes on with. */
void trap_handle(struct trap_frame *);

#endif
