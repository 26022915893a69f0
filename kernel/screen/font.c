#include "kernel/screen/font.h"

const struct font fonts[FONT_COUNT] = {
    {8, 16, font_8x16},
    {12, 24, font_12x24},
};

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
