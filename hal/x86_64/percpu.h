/* hal/x86_64/percpu.h: what this port keeps of each CPU. GS base points at the CPU's own, so that
 * its number is one load away and belongs to no table that several CPUs write.
 *
 * One lies in the image, for the CPU that booted; the kernel gives the memory for the others
 * (cpu_area_make()). Only its CPU writes it, but for cpu_area_make() before that CPU runs.
 */
#ifndef HAL_X86_64_PERCPU_H
#define HAL_X86_64_PERCPU_H

#include "hal/cpu.h"
#include "hal/x86_64/descriptors.h"

struct percpu {
    struct percpu *self;
    uint64_t try_stack; /* stack pointer inside a running trap_try(), 0: none; trap.S writes it */
    uint32_t index;     /* port.h reads it */
    uint32_t id;        /* of its local APIC */
    bool overflow_expected; /* by the trap_try() that runs, and nothing else */
    struct trap caught;
    hal_paddr_t root, next_root; /* loaded; and what it is, or becomes: see tlb.c */
    uint64_t spurious;
    struct descriptors descriptors;
};
_Static_assert(offsetof(struct percpu, self) == 0, "percpu_self() reads gs:0");
_Static_assert(offsetof(struct percpu, try_stack) == 8, "trap.S writes gs:8");
_Static_assert(offsetof(struct percpu, index) == 16, "port.h reads gs:16");

extern struct percpu percpu_boot; /* of the CPU that booted */

static inline struct percpu *percpu_self(void)
{
    struct percpu *self;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}

/* Make GS base point at it, on the CPU whose own it is. After descriptors_load(), which clears it.
 */
void percpu_load(struct percpu *);

#endif
