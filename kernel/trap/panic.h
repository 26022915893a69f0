/* kernel/trap/panic.h: the ways a boot ends. Each writes the verdict as the last line of the log.
 * Any context, traps included; no lock is taken. hal_panic() of hal/hal.h is supplied here, too: it
 * logs the sentence and a backtrace, and ends with verdict(false). */
#ifndef KERNEL_TRAP_PANIC_H
#define KERNEL_TRAP_PANIC_H

#include "hal/base.h"

/* Where the image runs, its bytes, and whether to leave by the debug-exit port; before anything can
 * go wrong, and again when the image has moved. */
void panic_setup(hal_vaddr_t image_base, uint64_t image_size, bool exit_at_end);

/* The other CPUs, for whoever reports the end of this machine: stop them all, and log where each was. All
 * zero at first: there are no others. kernel/cpus/cpus.h. */
struct panic_others {
    void (*stop)(void);
    void (*tell)(void);
};
extern struct panic_others panic_others;

/* Log registers, four a line. */
struct cpu_register;
void panic_log_registers(const char *topic, const struct cpu_register *, size_t count);

/* What follows the verdict, if it is not halting (kernel/options.h, `then=`). It is called once, on one CPU, with
 * interrupts off, and does not return. NULL: nothing does. `panic_end` is what the log says of it before the
 * verdict, a constant sentence. */
extern void (*panic_after)(void);
extern const char *panic_end;

/* A report begins: no other CPU runs from here on, and locks are void. May be called again. */
void panic_begin(void);

/* Write "verdict: pass" or "verdict: fail", show it on the screen where there is one, and leave by
 * the debug-exit port if asked for (0x10 pass, 0x11 fail: QEMU's status is twice that and one, 33
 * or 35), else, or where there is no such port, do what panic_after() does, or halt. */
_Noreturn void verdict(bool pass);

/* Only the line and the screen. */
void verdict_say(bool pass);

#endif
