/* hal/x86_64/serial.h: a 16550 at an I/O port, polled, that is believed to exist only after it
 * has proved so, and given up the first time it does not keep up, until something comes in there.
 * Any context, one CPU; no lock. Registers: National Semiconductor, PC16550D. */
#ifndef HAL_X86_64_SERIAL_H
#define HAL_X86_64_SERIAL_H

#include "hal/base.h"

/* The rate that serial_init() sets, as a part of 115200 baud (1 by default); 0: leave it alone. */
void serial_set_divisor(uint8_t of_115200);

/* Probe the port and set it to its rate, 8N1. False: nothing there that behaves like a 16550, and
 * there is no port from then on. */
bool serial_init(uint16_t port);

/* Send a byte; waits for room for 100000 port reads at most (10 ms or more, some 100 ms on a PC),
 * then gives the port up. Nothing without one. */
void serial_put(char c);

/* The next byte that came in, or -1. Input is taken in while output waits for room, too, 512 bytes
 * ahead at most; what did not fit, or came in damaged, is replaced by SERIAL_LOST. */
#define SERIAL_LOST 0x18
int serial_get(void);

/* A port was found and still works. */
bool serial_works(void);

#endif
