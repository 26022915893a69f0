/* kernel/screen/rows.h: a stream of text broken into rows of a fixed number of columns. '\n' ends a line,
 * '\r' is nothing, '\b' takes a character of its row back, a longer line goes on in the next row.
 * Every other character takes a place of its own. Pure. */
#ifndef KERNEL_SCREEN_ROWS_H
#define KERNEL_SCREEN_ROWS_H

#include "hal/base.h"

#define ROWS_COLUMNS_MAX 512u

/* Positions [from, to) of the stream, which read(position) gives. */
struct rows {
    char (*read)(uint64_t position);
    uint64_t from, to;
    uint32_t columns; /* 1 to ROWS_COLUMNS_MAX */
};

/* Take the next row off the front, into `text` (no NUL); its length, at most `columns`. False when
 * there is none. O(characters taken). */
bool rows_next(struct rows *, char text[ROWS_COLUMNS_MAX], uint32_t *length);

/* Drop rows from the front until at most `rows` are left; how many are left. O(to - from). */
uint32_t rows_keep_last(struct rows *, uint32_t rows);

#endif
