/* kernel/monitor/console.h: a dialogue on serial, screen and a PS/2 keyboard (an i8042 at ports 60h
 * and 64h), all polled. Context: as kernel/boot_info.h. */
#ifndef KERNEL_MONITOR_CONSOLE_H
#define KERNEL_MONITOR_CONSOLE_H

#include "hal/base.h"

/* Make the keyboard controller ready, and log whether there is one. Every wait is bounded: nine of
 * them, each of 100000 port reads at most (10 ms or more, some 100 ms on a PC). When there is no
 * controller, or a dead one, only serial is read. Calling it again does nothing. */
void console_start(void);

/* Show the prompt and wait for a line, for as long as it takes. Returns the line, at most LINE_MAX
 * (kernel/monitor/line.h) printable characters and a NUL, valid until the next call. When the line
 * was broken off, or something of it was lost, that is said and "" is returned. Before
 * console_start() only serial is read. */
const char *console_line(const char *prompt);

/* Has Ctrl-C been pressed? Everything typed so far is read and lost, whether it has a Ctrl-C or
 * not; a call reads 1024 bytes at most. False before console_start(). */
bool console_broken(void);

#endif
