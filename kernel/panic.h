/* kernel/panic.h: the ways a boot ends. Each writes the verdict as the last line of the log. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "hal/base.h"

/* Where the image lies and how a boot ends; before anything can go wrong. */
void panic_setup(vaddr_t image_base, uint64_t image_size, bool exit_at_end);

/* Write "verdict: pass" or "verdict: fail", show it on the screen where there is one, and leave by
 * the debug-exit port if asked for (0x10 pass, 0x11 fail: QEMU's status is 33 or 35), else halt. */
_Noreturn void verdict(bool pass);

/* Only the line and the screen. */
void verdict_say(bool pass);

#endif
