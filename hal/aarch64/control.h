/* hal/aarch64/control.h: taking a CPU over, whichever it is. */
#ifndef HAL_AARCH64_CONTROL_H
#define HAL_AARCH64_CONTROL_H

#include "hal/base.h"

struct percpu;

/* TCR_EL1 as it is while page tables of our own are loaded, both halves. */
uint64_t control_translation(void);

/* SCTLR_EL1 as it is while the kernel runs. */
#define CONTROL_SYSTEM 0x30D0198Du

/* What cpu_own() promises, at EL1, on the CPU whose `p` is: its registers, its vectors, SP_EL0 in use as
 * the stack. */
void control_own(struct percpu *p);

/* start.S: go over to SP_EL0, and make `top` the end of the stack of SP_EL1. */
void control_set_trap_stack(hal_vaddr_t top);

/* CNTVOFF_EL2 as the firmware has left it, for the other CPUs; 0 where it is not ours. */
uint64_t control_counter_offset(void);

#endif
