/* kernel/console.h: a dialogue on serial, screen and a PS/2 keyboard, all polled. One CPU. */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include "hal/base.h"

/* Make the keyboard controller (i8042) ready, and log whether there is one. Every wait is bounded:
 * where there is no controller, or a dead one, serial alone counts. Once; then it does nothing. */
void console_start(void);

/* Show the prompt and wait for a line; the answer is valid until the next call. A line that broke off
 * or of which something was lost is said to be so, and "" is answered. */
const char *console_line(const char *prompt);

/* Has Ctrl-C been pressed? What was typed before it is lost. False before console_start(). */
bool console_broken(void);

#endif
