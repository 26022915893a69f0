#include "kernel/screen/screen.h"
#include "hal/short.h"

#define BYTES_A_PIXEL 4u
#define SIZE_MAX_SANE (GIB - 2 * MIB) /* fits its slot of the device window */
#define LINE_MAX      4096u           /* squares of a row that screen_text() draws */

static const uint32_t colours_rgb[INK_COUNT] = {
    0x101418, 0xE8E8E8, 0x999999, 0x0072B2, 0x009E73, 0x56B4E9,
    0xF0E442, 0xE69F00, 0xD55E00, 0xCC79A7, 0xFFFFFF, 0x30363C,
};

static volatile uint32_t *pixels; /* NULL: no screen */
static struct boot_framebuffer screen;
static uint32_t palette[INK_COUNT];

static const char *refuse_shape(const struct boot_framebuffer *fb)
{
    if (fb->width == 0 || fb->height == 0 || fb->pitch < fb->width)
        return "its width, height and pitch contradict each other";
    if ((uint64_t)fb->pitch * fb->height > fb->size / BYTES_A_PIXEL)
        return "it is smaller than its own picture";
    if (fb->size > SIZE_MAX_SANE)
        return "it is larger than any screen";
    if (fb->red_mask == 0 || fb->green_mask == 0 || fb->blue_mask == 0)
        return "its pixel format lacks a colour";
    return NULL;
}

const char *screen_refuse(const struct boot_framebuffer *fb, uint64_t limit)
{
    if (fb->base == 0)
        return "there is none";
    if (fb->base % BYTES_A_PIXEL != 0)
        return "its address is not a multiple of the pixel size";
    if (fb->base >= limit || fb->size > limit - fb->base)
        return "it goes beyond the physical address width";
    return refuse_shape(fb);
}

/* Move `value`, 0 to 255, so that its highest bit is the mask's; the mask cuts off what is too
 * fine. */
static uint32_t channel(uint32_t value, uint32_t mask)
{
    uint32_t high = 31;
    while (high > 0 && mask >> high == 0)
        high--;
    return (high >= 7 ? value << (high - 7) : value >> (7 - high)) & mask;
}

void screen_use(const struct boot_framebuffer *fb, hal_vaddr_t at)
{
    screen = *fb;
    pixels = (volatile uint32_t *)(uintptr_t)at;
    for (unsigned i = 0; i < INK_COUNT; i++)
        palette[i] = channel(colours_rgb[i] >> 16, fb->red_mask) |
                     channel(colours_rgb[i] >> 8 & 0xFF, fb->green_mask) |
                     channel(colours_rgb[i] & 0xFF, fb->blue_mask);
}

bool screen_usable(void)
{
    return pixels != NULL;
}

struct screen_grid screen_grid(uint32_t columns, uint32_t rows)
{
    struct screen_grid g = {.font = &fonts[0], .scale = 1};
    for (unsigned f = 0; f < FONT_COUNT; f++) {
        const struct font *font = &fonts[f];
        uint32_t across = screen.width / (font->width * columns);
        uint32_t down = screen.height / (font->height * rows);
        uint32_t scale = across < down ? across : down;
        if (scale > 0 && scale * font->width >= g.scale * g.font->width) {
            g.font = font;
            g.scale = scale;
        }
    }
    g.width = screen.width / g.scale;
    g.height = screen.height / g.scale;
    g.columns = g.width / g.font->width;
    g.rows = g.height / g.font->height;
    return g;
}

static void put_line(volatile uint32_t *to, uint32_t scale, const uint8_t *colours, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pixel = palette[colours[i]];
        for (uint32_t s = 0; s < scale; s++)
            *to++ = pixel;
    }
}

void screen_clear(uint8_t colour)
{
    for (uint32_t y = 0; pixels != NULL && y < screen.height; y++)
        for (uint32_t x = 0; x < screen.width; x++)
            pixels[(uint64_t)y * screen.pitch + x] = palette[colour];
}

void screen_put(uint32_t scale, uint32_t x, uint32_t y, const uint8_t *colours, uint32_t count)
{
    uint32_t width = screen.width / scale;
    if (pixels == NULL || x >= width || y >= screen.height / scale)
        return;
    if (count > width - x)
        count = width - x;
    volatile uint32_t *to = pixels + (uint64_t)y * scale * screen.pitch + (uint64_t)x * scale;
    for (uint32_t s = 0; s < scale; s++)
        put_line(to + (uint64_t)s * screen.pitch, scale, colours, count);
}

void screen_text(const struct screen_grid *g, uint32_t row, const char *text, size_t length,
                 uint8_t ink, uint8_t paper)
{
    static uint8_t line[LINE_MAX];
    uint32_t fit = (g->width < LINE_MAX ? g->width : LINE_MAX) / g->font->width;
    uint32_t end = g->width < LINE_MAX ? g->width : LINE_MAX;
    if (length > fit)
        length = fit;
    for (uint32_t y = 0; y < g->font->height; y++) {
        font_row(g->font, y, text, length, ink, paper, line);
        for (uint32_t x = (uint32_t)length * g->font->width; x < end; x++)
            line[x] = paper;
        screen_put(g->scale, 0, row * g->font->height + y, line, end);
    }
}
