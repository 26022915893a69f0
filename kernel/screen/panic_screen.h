/* kernel/screen/panic_screen.h: what the screen shows when the kernel stops: why, the state of the
 * machine, and the log from there on. It is drawn straight to the screen and takes no memory, so it
 * can be shown at any time. Any context, traps included.
 */
#ifndef KERNEL_SCREEN_PANIC_SCREEN_H
#define KERNEL_SCREEN_PANIC_SCREEN_H

#include "hal/base.h"

/* Say what the boot is doing, for the day when it stops there. `what` is a constant. O(1). */
void panic_screen_step(const char *what);

/* Take note of a panic, before its first line is logged. panic_screen_show() will show `what` (a
 * constant) and the log from here on. Only the first call counts. O(1). */
void panic_screen_begin(const char *what);

/* Show it, if panic_screen_begin() was called, and if there is a screen with room for it. False
 * when it was not called. Drawing may itself fault: it is begun once. O(pixels). */
bool panic_screen_show(void);

#endif
