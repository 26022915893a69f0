/* kernel/trap.h: exceptions. An exception that no cpu_try() expects is reported in full (vector,
 * error code, registers, CR2, control registers, image base, backtrace) and ends the boot with
 * "verdict: fail". Vectors 0x27, 0x2F and 0xFF are the spurious ones: counted and ignored. */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include "hal/base.h"

struct trap_seen {
    uint64_t vector, error, cr2, rip;
};

/* The exception that ended the last cpu_try(). */
struct trap_seen trap_last_caught(void);

uint64_t trap_spurious(void);

#endif
