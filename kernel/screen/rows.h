/* kernel/screen/rows.h: breaks a stream of text into rows of equal width. '\n' ends a line, '\r'
 * is passed over, '\b' takes back the last character of its row. A line that is too long goes on
 * in the next row. Every other character takes one place. Pure. */
#ifndef KERNEL_SCREEN_ROWS_H
#define KERNEL_SCREEN_ROWS_H

#include "hal/base.h"

#define ROWS_COLUMNS_MAX 512u

/* The characters at positions [from, to) of the stream; read(position) gives each of them. */
struct rows {
    char (*read)(uint64_t position);
    uint64_t from, to;
    uint32_t columns; /* 1 to ROWS_COLUMNS_MAX */
};

/* Is a screen of so many columns and rows large enough for text, and not too wide? */
bool rows_fit(uint32_t columns, uint32_t rows);

/* Take the next row off the front, into `text` (without a NUL) and `*length`, at most `columns`.
 * False when there is none. O(characters taken). */
bool rows_next(struct rows *, char text[ROWS_COLUMNS_MAX], uint32_t *length);

/* Drop rows from the front until at most `rows` are left. Returns how many. O(to - from). */
uint32_t rows_keep_last(struct rows *, uint32_t rows);

#endif
