/* kernel/screen/canvas.h: the picture in RAM, a byte a pixel, of which the screen gets the lines that have
 * changed. Rectangles are in pixels (the grid's squares), text in character cells, both below 2^24;
 * what lies outside is left out. Colours are those of enum screen_colour. No memory but the
 * caller's; each call is O(pixels it touches). Context: as kernel/boot_info.h.
 *
 *   C1  no byte outside `pixels` is written
 *   C2  what was drawn since the last canvas_show() is told as changed
 */
#ifndef KERNEL_SCREEN_CANVAS_H
#define KERNEL_SCREEN_CANVAS_H

#include "kernel/screen/screen.h"

#define CANVAS_FLAGS 128u

/* Members are for the module. */
struct canvas {
    uint8_t *pixels; /* grid.width * grid.height bytes */
    struct screen_grid grid;
    uint32_t group;             /* lines of which one flag below tells */
    bool changed[CANVAS_FLAGS]; /* the screen does not have them yet */
};

/* `pixels` is the caller's, of grid->width * grid->height bytes, and need not be clear: it is made
 * black, all of it changed. It and the grid's font stay while the canvas is used. */
void canvas_init(struct canvas *, const struct screen_grid *, uint8_t *pixels);

/* A rectangle of one colour. */
void canvas_fill(struct canvas *, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                 uint8_t colour);
/* `length` characters from a cell on, cut at the end of the row. Fonts are open (kernel/screen/font.h). */
void canvas_text(struct canvas *, uint32_t column, uint32_t row, const char *text, size_t length,
                 uint8_t ink, uint8_t paper);

/* Fill rows [row, row + rows). */
void canvas_clear(struct canvas *, uint32_t row, uint32_t rows, uint8_t colour);

/* Bring the screen up to date: the groups of lines that have changed, by screen_put(). */
void canvas_show(struct canvas *);

#endif
