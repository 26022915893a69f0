/* kernel/monitor/console.h: a dialogue on serial, screen and a PS/2 keyboard (an i8042 at ports 60h and
 * 64h), all polled. Context: as kernel/boot_info.h. */
#ifndef KERNEL_MONITOR_CONSOLE_H
#define KERNEL_MONITOR_CONSOLE_H

#include "hal/base.h"

/* Make the keyboard controller ready, and log whether there is one. Every wait is bounded, nine of
 * 100000 port reads at most (10 ms or more each, some 100 ms on a PC): where there is no
 * controller, or a dead one, serial alone counts. Once; then it does nothing. */
void console_start(void);

/* Show the prompt and wait for a line, without end; the answer, at most LINE_MAX (kernel/monitor/line.h)
 * printable characters and a NUL, is valid until the next call. A line that broke off or of which
 * something was lost is said to be so, and "" is answered. Before console_start() serial alone is
 * asked. */
const char *console_line(const char *prompt);

/* Has Ctrl-C been pressed? All that was typed by now is lost, Ctrl-C or not; 1024 bytes a call at
 * most. False before console_start(). */
bool console_broken(void);

#endif
