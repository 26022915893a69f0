#include "kernel/font.h"
#include "kernel/unpack.h"

#define GLYPHS     (FONT_LAST - FONT_FIRST + 1)
#define SMALL_SIZE (GLYPHS * 16u)
#define MID_SIZE   (GLYPHS * 24u * 2u)

static unsigned char bits[SMALL_SIZE + MID_SIZE];

const struct font fonts[FONT_COUNT] = {
    {8, 16, bits},
    {12, 24, bits + SMALL_SIZE},
};

const char *font_open(void)
{
    return unpack_lzma(font_packed, font_packed_size, bits, sizeof bits);
}

void font_row(const struct font *f, uint32_t y, const char *text, size_t length, uint8_t ink,
              uint8_t paper, uint8_t *out)
{
    uint32_t bytes = (f->width + 7) / 8;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < FONT_FIRST || c > FONT_LAST)
            c = '?';
        const unsigned char *row = f->glyphs + ((c - FONT_FIRST) * f->height + y) * bytes;
        for (uint32_t x = 0; x < f->width; x++)
            *out++ = (row[x / 8] << (x % 8) & 0x80) != 0 ? ink : paper;
    }
}
