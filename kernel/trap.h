/* kernel/trap.h: exceptions. An exception that no cpu_try() expects is reported in full (vector,
 * error code, registers, control registers, backtrace, and what a page fault is about) and ends the
 * boot with "verdict: fail". Vectors 0x27, 0x2F and 0xFF are the spurious ones: counted and
 * ignored. */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include "hal/base.h"

struct trap_seen {
    uint64_t vector, error, cr2, rip;
    vaddr_t frame; /* where the CPU and the stubs had saved the registers */
};

/* The exception that ended the last cpu_try(). */
struct trap_seen trap_last_caught(void);

uint64_t trap_spurious(void);

#endif
