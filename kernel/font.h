/* kernel/font.h: Spleen in two sizes, characters 32 to 126; what is outside is shown as '?'.
 *
 * The glyphs come packed (kernel/font.py makes them while building) and are unpacked by font_open()
 * into static memory: 6 KiB. Pure but for that; any context.
 */
#ifndef KERNEL_FONT_H
#define KERNEL_FONT_H

#include "hal/base.h"

struct font {
    uint32_t width, height;      /* pixels of a character cell */
    const unsigned char *glyphs; /* (width + 7) / 8 bytes a line, the leftmost pixel in bit 7 */
};

#define FONT_COUNT 2u
#define FONT_FIRST 32u
#define FONT_LAST  126u

/* From small to large: 8x16, 12x24. All blank before font_open(). */
extern const struct font fonts[FONT_COUNT];

/* NULL, or a constant: what is wrong with the packed data (then the fonts must not be used). May be
 * called again. Not reentrant (kernel/unpack.h). */
const char *font_open(void);

/* Line `y` of `length` characters side by side: width * length bytes at `out`, each `ink` or
 * `paper`. y < height. O(width * length). */
void font_row(const struct font *, uint32_t y, const char *text, size_t length, uint8_t ink,
              uint8_t paper, uint8_t *out);

/* What kernel/font.py makes; the size is bytes. */
extern const unsigned char font_packed[];
extern const uint32_t font_packed_size;

#endif
