#include "kernel/screen/canvas.h"

void canvas_init(struct canvas *c, const struct screen_grid *grid, uint8_t *pixels)
{
    *c = (struct canvas){.pixels = pixels, .grid = *grid, .group = grid->height / CANVAS_FLAGS + 1};
    canvas_fill(c, 0, 0, grid->width, grid->height, INK_BLACK);
}

static void mark(struct canvas *c, uint32_t from, uint32_t to)
{
    for (uint32_t i = from / c->group; i <= (to - 1) / c->group; i++)
        c->changed[i] = true;
}

static uint32_t cut(uint32_t start, uint32_t size, uint32_t limit)
{
    if (start >= limit)
        return 0;
    return size < limit - start ? size : limit - start;
}

static uint8_t *at(struct canvas *c, uint32_t x, uint32_t y)
{
    return c->pixels + (uint64_t)y * c->grid.width + x;
}

void canvas_fill(struct canvas *c, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                 uint8_t colour)
{
    width = cut(x, width, c->grid.width);
    height = cut(y, height, c->grid.height);
    if (width == 0 || height == 0)
        return;
    for (uint32_t line = y; line < y + height; line++)
        __builtin_memset(at(c, x, line), colour, width);
    mark(c, y, y + height);
}

void canvas_text(struct canvas *c, uint32_t column, uint32_t row, const char *text, size_t length,
                 uint8_t ink, uint8_t paper)
{
    const struct font *f = c->grid.font;
    if (row >= c->grid.rows || column >= c->grid.columns)
        return;
    if (length > c->grid.columns - column)
        length = c->grid.columns - column;
    for (uint32_t y = 0; y < f->height; y++)
        font_row(f, y, text, length, ink, paper, at(c, column * f->width, row * f->height + y));
    mark(c, row * f->height, (row + 1) * f->height);
}

void canvas_clear(struct canvas *c, uint32_t row, uint32_t rows, uint8_t colour)
{
    uint32_t height = c->grid.font->height;
    canvas_fill(c, 0, row * height, c->grid.width, rows * height, colour);
}

void canvas_show(struct canvas *c)
{
    for (uint32_t y = 0; y < c->grid.height; y++)
        if (c->changed[y / c->group])
            screen_put(c->grid.scale, 0, y, at(c, 0, y), c->grid.width);
    __builtin_memset(c->changed, 0, sizeof c->changed);
}
