/* hal/aarch64/percpu.h: what this port keeps of each CPU. TPIDR_EL1 points at the CPU's own, so that its
 * number is one load away and belongs to no table that several CPUs write.
 *
 * One lies in the image, for the CPU that booted; the kernel gives the memory for the others
 * (cpu_area_make()). Only its CPU writes it, but for cpu_area_make() before that CPU runs.
 */
#ifndef HAL_AARCH64_PERCPU_H
#define HAL_AARCH64_PERCPU_H

#include "hal/cpu.h"

struct percpu {
    uint32_t index;         /* port.h reads it */
    bool overflow_expected; /* by the trap_try() that runs, and nothing else */
    uint64_t try_stack; /* stack pointer inside a running trap_try(), 0: none; trap.S writes it */
    hal_vaddr_t trap_stack; /* its end */
    struct trap caught;
    uint64_t spurious;
    volatile uint32_t *redistributor; /* of a GICv3, NULL: none found */
};
_Static_assert(offsetof(struct percpu, index) == 0, "port.h reads it");
_Static_assert(offsetof(struct percpu, try_stack) == 8, "trap.S writes it");

extern struct percpu percpu_boot; /* of the CPU that booted */

struct percpu *percpu_self(void);

/* Make TPIDR_EL1 point at it, on the CPU whose own it is. */
void percpu_load(struct percpu *);

#endif
