/* kernel/monitor/line.h: a line editor, byte by byte. Pure: any context; O(LINE_MAX) a call.
 *
 * It understands what terminals send (ECMA-48): the arrows, Home, End and Delete, Backspace (8 and
 * 127), Ctrl-A, -B, -C, -D, -E, -F, -K, -N, -P, -U and -W. Bytes that mean nothing are passed over.
 *
 * Invariants, whatever was fed:
 *   L1  `text` has `length` <= LINE_MAX printable characters and then a NUL; `cursor` <= `length`
 *   L2  a line of which something was lost is never answered with LINE_DONE
 */
#ifndef KERNEL_MONITOR_LINE_H
#define KERNEL_MONITOR_LINE_H

#include "hal/base.h"

#define LINE_MAX     72u /* with a prompt, less than a terminal has columns */
#define LINE_HISTORY 8u  /* lines */

/* Fed as a byte: input before it was lost. Terminals call it CAN. */
#define LINE_LOST 0x18u

/* `text`, `length` and `cursor` are for all to read, the rest is the module's. */
struct line {
    char text[LINE_MAX + 1];
    uint32_t length, cursor;
    bool lost;                                 /* more came than fits, or it was broken off */
    uint8_t state, parameter;                  /* of an escape sequence */
    uint32_t entered, back;                    /* lines ever kept; how far back we look, 0: not */
    char kept[LINE_HISTORY + 1][LINE_MAX + 1]; /* a ring, and last the line begun before looking */
};

enum line_event {
    LINE_NOTHING,
    LINE_CHANGED, /* text or cursor */
    LINE_DONE,    /* `text` is a whole line, until line_next() */
    LINE_REFUSED, /* it ended, and something of it was lost */
    LINE_BROKEN,  /* Ctrl-C */
};

/* Take one byte in; any is legal. A zeroed struct line is an empty one. After LINE_DONE,
 * LINE_REFUSED and LINE_BROKEN line_next() is to come. */
enum line_event line_feed(struct line *, unsigned char byte);

/* Begin an empty line; the one before is remembered, unless it is empty, was the last one, too, or
 * something of it was lost. */
void line_next(struct line *);

#endif
