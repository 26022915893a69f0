/* kernel/monitor/line.h: a line editor that is fed byte by byte. Pure: any context; O(LINE_MAX) a
 * call.
 *
 * It understands what terminals send (ECMA-48): the arrows, Home, End and Delete, Backspace (8 and
 * 127), Ctrl-A, -B, -C, -D, -E, -F, -K, -N, -P, -U and -W. Bytes that mean nothing are passed over.
 *
 * Whatever bytes are fed:
 *   L1  `text` has `length` <= LINE_MAX printable characters and then a NUL; `cursor` <= `length`
 *   L2  line_feed() never answers LINE_DONE for a line of which something was lost
 */
#ifndef KERNEL_MONITOR_LINE_H
#define KERNEL_MONITOR_LINE_H

#include "hal/base.h"

#define LINE_MAX     72u /* fits into a terminal of 80 columns, with a prompt */
#define LINE_HISTORY 8u  /* lines */

/* The byte to feed when input before it was lost; terminals call it CAN. */
#define LINE_LOST 0x18u

/* Anyone may read `text`, `length` and `cursor`; only line.c uses the rest. */
struct line {
    char text[LINE_MAX + 1];
    uint32_t length, cursor;
    bool lost;                                 /* more came than fits, or the line was broken off */
    uint8_t state, parameter;                  /* of an escape sequence */
    uint32_t entered, back;                    /* lines kept so far; how far back `text` is from */
    char kept[LINE_HISTORY + 1][LINE_MAX + 1]; /* a ring, and behind it the line that was begun */
};

enum line_event {
    LINE_NOTHING,
    LINE_CHANGED, /* text or cursor */
    LINE_DONE,    /* `text` is a whole line, until line_next() */
    LINE_REFUSED, /* the line ended, but something of it was lost */
    LINE_BROKEN,  /* Ctrl-C */
};

/* Take one byte in; any byte is legal. A zeroed struct line is an empty line. After LINE_DONE,
 * LINE_REFUSED or LINE_BROKEN call line_next(). */
enum line_event line_feed(struct line *, unsigned char byte);

/* Begin an empty line. The line before it is remembered, unless it is empty, equals the line
 * remembered last, or has lost something. */
void line_next(struct line *);

#endif
