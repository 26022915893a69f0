/* kernel/screen/screen.h: the framebuffer. It is written and never read.
 *
 * Callers draw in colours of a palette, which are turned into the screen's own pixels on the way
 * out. Every pixel can be drawn as a square of `scale` by `scale`, so that text keeps its size on a
 * panel of any density. Colours are below INK_COUNT, scales 1 or more. Without a screen nothing is
 * written. Any context, one CPU; no memory is taken; O(pixels written).
 */
#ifndef KERNEL_SCREEN_SCREEN_H
#define KERNEL_SCREEN_SCREEN_H

#include "kernel/boot_info.h"
#include "kernel/screen/font.h"

/* Okabe and Ito's eight colours, which people with any colour vision can tell apart, and greys. */
enum screen_colour {
    INK_BLACK,
    INK_TEXT,
    INK_GREY,
    INK_BLUE,
    INK_GREEN,
    INK_SKY,
    INK_YELLOW,
    INK_ORANGE,
    INK_VERMILION,
    INK_PURPLE,
    INK_WHITE,
    INK_SHADE,
    INK_COUNT
};

/* A screen as rows of characters. */
struct screen_grid {
    const struct font *font;
    uint32_t scale;
    uint32_t width, height; /* in squares of `scale` */
    uint32_t columns, rows;
};

/* NULL when the description can be used, else a constant that says what is wrong with it. `limit`
 * is the first address beyond the physical address width. Any numbers are legal. Pure. O(1). */
const char *screen_refuse(const struct boot_framebuffer *, uint64_t limit);

/* Use this framebuffer, which screen_refuse() has let pass, at the virtual address `at`; with 0,
 * and before the first call, there is no screen. The description is copied. */
void screen_use(const struct boot_framebuffer *, hal_vaddr_t at);
bool screen_usable(void);

/* The grid with the largest characters of which `columns` by `rows` (1 or more each) fit, else with
 * the smallest that there are. O(1). */
struct screen_grid screen_grid(uint32_t columns, uint32_t rows);

/* Fill the screen. */
void screen_clear(uint8_t colour);

/* Write `count` pixels of the palette at (x, y), in squares of `scale`. What lies outside the
 * screen is left out. */
void screen_put(uint32_t scale, uint32_t x, uint32_t y, const uint8_t *colours, uint32_t count);

/* Write a row of `length` characters straight to the screen, by way of a static buffer. The rest of
 * the row is filled with `paper`. Squares from the 4096th of a line on are left alone. */
void screen_text(const struct screen_grid *, uint32_t row, const char *text, size_t length,
                 uint8_t ink, uint8_t paper);

#endif
