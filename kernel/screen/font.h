/* kernel/screen/font.h: the font Spleen in two sizes, characters 32 to 126. Any other character
 * shows as '?'. kernel/screen/font.py makes the glyphs during the build. Pure; any context.
 */
#ifndef KERNEL_SCREEN_FONT_H
#define KERNEL_SCREEN_FONT_H

#include "hal/base.h"

struct font {
    uint32_t width, height;      /* pixels of a character cell */
    const unsigned char *glyphs; /* (width + 7) / 8 bytes a line, the leftmost pixel in bit 7 */
};

#define FONT_COUNT 2u
#define FONT_FIRST 32u
#define FONT_LAST  126u

/* From small to large: 8x16, 12x24. */
extern const struct font fonts[FONT_COUNT];

/* Write pixel line `y` of `length` characters that stand side by side: width * length bytes to
 * `out`, each of them `ink` or `paper`. y < height. O(width * length). */
void font_row(const struct font *, uint32_t y, const char *text, size_t length, uint8_t ink,
              uint8_t paper, uint8_t *out);

/* Made by kernel/screen/font.py: the characters in order, each from its top line to its last. */
extern const unsigned char font_8x16[(FONT_LAST - FONT_FIRST + 1) * 16];
extern const unsigned char font_12x24[(FONT_LAST - FONT_FIRST + 1) * 24 * 2];

#endif
