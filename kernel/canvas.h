/* kernel/canvas.h: the picture in RAM, a byte a pixel, of which the screen gets the lines that have
 * changed. Rectangles are in pixels, text in character cells; what lies outside is left out. */
#ifndef KERNEL_CANVAS_H
#define KERNEL_CANVAS_H

#include "kernel/screen.h"

#define CANVAS_FLAGS 128u

struct canvas {
    uint8_t *pixels; /* grid.width * grid.height */
    struct screen_grid grid;
    uint32_t group;            /* lines of which one flag below tells */
    bool changed[CANVAS_FLAGS]; /* the screen does not have them yet */
};

/* `pixels` is the caller's and need not be clear. */
void canvas_init(struct canvas *, const struct screen_grid *, uint8_t *pixels);

void canvas_fill(struct canvas *, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                 uint8_t colour);
void canvas_text(struct canvas *, uint32_t column, uint32_t row, const char *text, size_t length,
                 uint8_t ink, uint8_t paper);

/* Fill rows [row, row + rows). */
void canvas_clear(struct canvas *, uint32_t row, uint32_t rows, uint8_t colour);

/* Bring the screen up to date. */
void canvas_show(struct canvas *);

#endif
