/* kernel/trap/trap.h: exceptions. An exception that no cpu_try() expects is reported in full (vector,
 * error code, registers, control registers, backtrace, and what a page fault is about) and ends the
 * boot with "verdict: fail"; one more while that is written, in a line. Vectors 0x27, 0x2F and 0xFF
 * are the spurious ones (of the two 8259 as PC firmware places them, of the local APIC: Intel SDM
 * vol. 3A, 10.9): counted and ignored. trap_handle() itself is declared in hal/x86_64/cpu.h. */
#ifndef KERNEL_TRAP_TRAP_H
#define KERNEL_TRAP_TRAP_H

#include "hal/base.h"

struct trap_seen {
    uint64_t vector, error, cr2, rip; /* cr2 tells something of a page fault (vector 14) only */
    vaddr_t frame;                    /* where the CPU and the stubs had saved the registers */
};

/* The exception that ended the last cpu_try(); all zero before the first. */
struct trap_seen trap_last_caught(void);

/* Spurious interrupts since the start. */
uint64_t trap_spurious(void);

#endif
