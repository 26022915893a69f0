/* kernel/monitor/keyboard.h: turns the scan codes of a PC keyboard into the bytes that a terminal
 * would send (ECMA-48). The codes are those of set 1, to which the i8042 translates; the layout is
 * US. Pure: any context; O(1). */
#ifndef KERNEL_MONITOR_KEYBOARD_H
#define KERNEL_MONITOR_KEYBOARD_H

#include "hal/base.h"

/* When it is zeroed, no key is down. */
struct keyboard {
    uint8_t shifts; /* a bit each for left shift, right shift and Ctrl */
    bool caps, extended;
    uint8_t skip; /* codes of the Pause key still to come */
};

#define KEYBOARD_BYTES 4u

/* Take one scan code in. Returns the number of bytes, 0 to KEYBOARD_BYTES, that it adds, and puts
 * them into `out` (without a NUL). Any code is legal. */
unsigned keyboard_decode(struct keyboard *, uint8_t code, char out[KEYBOARD_BYTES]);

#endif
