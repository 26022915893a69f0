/* kernel/monitor/keyboard.h: a PC keyboard's scan codes (set 1, which the i8042 translates to), US layout,
 * as the bytes that a terminal would send (ECMA-48). Pure: any context; O(1). */
#ifndef KERNEL_MONITOR_KEYBOARD_H
#define KERNEL_MONITOR_KEYBOARD_H

#include "hal/base.h"

/* A zeroed one has no key down. */
struct keyboard {
    uint8_t shifts; /* a bit each: left and right shift, Ctrl */
    bool caps, extended;
    uint8_t skip; /* codes left of the Pause key */
};

#define KEYBOARD_BYTES 4u

/* The number of bytes, 0 to KEYBOARD_BYTES, that scan code `code` adds, and these in `out` (no
 * NUL). Any code is legal. */
unsigned keyboard_decode(struct keyboard *, uint8_t code, char out[KEYBOARD_BYTES]);

#endif
