/* kernel/screen/canvas.h: a picture in RAM with a byte for each pixel. canvas_show() writes those
 * of its lines to the screen that have changed. Rectangles are given in pixels (the grid's
 * squares), text in character cells, both below 2^24. What lies outside is left out. Colours are
 * those of enum screen_colour. The caller supplies all memory. Each call is O(pixels it touches).
 * Context: as kernel/boot_info.h.
 *
 *   C1  no byte outside `pixels` is written
 *   C2  every line that was drawn on since the last canvas_show() has its flag in `changed`
 */
#ifndef KERNEL_SCREEN_CANVAS_H
#define KERNEL_SCREEN_CANVAS_H

#include "kernel/screen/screen.h"

#define CANVAS_FLAGS 128u

/* Only canvas.c uses the members. */
struct canvas {
    uint8_t *pixels; /* grid.width * grid.height bytes */
    struct screen_grid grid;
    uint32_t group;             /* lines that share one flag of `changed` */
    bool changed[CANVAS_FLAGS]; /* the screen does not show these lines yet */
};

/* Make a black canvas, all of it changed. `pixels` has grid->width * grid->height bytes of any
 * contents. `pixels` and the grid's font must stay while the canvas is used. */
void canvas_init(struct canvas *, const struct screen_grid *, uint8_t *pixels);

/* Fill a rectangle with one colour. */
void canvas_fill(struct canvas *, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                 uint8_t colour);
/* Write `length` characters from a cell on; what does not fit into the row is cut off. */
void canvas_text(struct canvas *, uint32_t column, uint32_t row, const char *text, size_t length,
                 uint8_t ink, uint8_t paper);

/* Fill the character rows [row, row + rows). */
void canvas_clear(struct canvas *, uint32_t row, uint32_t rows, uint8_t colour);

/* Bring the screen up to date: write the groups of lines that have changed, by screen_put(). */
void canvas_show(struct canvas *);

#endif
