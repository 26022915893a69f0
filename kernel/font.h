/* kernel/font.h: Spleen in two sizes, characters 32 to 126; what is outside is shown as '?'.
 *
 * The glyphs come packed (kernel/font.py makes them while building) and are unpacked by font_open()
 * into static memory: 6 KiB. Pure but for that.
 */
#ifndef KERNEL_FONT_H
#define KERNEL_FONT_H

#include "hal/base.h"

struct font {
    uint32_t width, height; /* pixels of a character cell */
    const unsigned char *glyphs;
};

#define FONT_COUNT 2u
#define FONT_FIRST 32u
#define FONT_LAST  126u

/* From small to large: 8x16, 12x24. All blank before font_open(). */
extern const struct font fonts[FONT_COUNT];

/* NULL, or what is wrong with the packed data (then the fonts must not be used). */
const char *font_open(void);

/* Row `y` of `length` characters side by side: width * length bytes at `out`, each `ink` or
 * `paper`. y < height. */
void font_row(const struct font *, uint32_t y, const char *text, size_t length, uint8_t ink,
              uint8_t paper, uint8_t *out);

/* What kernel/font.py makes. */
extern const unsigned char font_packed[];
extern const uint32_t font_packed_size;

#endif
