#include "kernel/screen.h"

#define BAR_ROWS      24u
#define BYTES_A_PIXEL 4u
#define SIZE_MAX_SANE (GIB - 2 * MIB) /* fits its slot of the device window */

static volatile uint32_t *pixels; /* NULL: no screen */
static struct boot_framebuffer screen;

static const char *refuse_shape(const struct boot_framebuffer *fb)
{
    if (fb->width == 0 || fb->height == 0 || fb->pitch < fb->width)
        return "its width, height and pitch contradict each other";
    if ((uint64_t)fb->pitch * fb->height > fb->size / BYTES_A_PIXEL)
        return "it is smaller than its own picture";
    if (fb->size > SIZE_MAX_SANE)
        return "it is larger than any screen";
    if (fb->red_mask == 0 || fb->green_mask == 0)
        return "its pixel format has no red or no green";
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

void screen_use(const struct boot_framebuffer *fb, vaddr_t at)
{
    screen = *fb;
    pixels = (volatile uint32_t *)(uintptr_t)at;
}

void screen_verdict(bool pass)
{
    uint32_t colour = pass ? screen.green_mask : screen.red_mask;
    for (uint32_t y = 0; pixels != NULL && y < BAR_ROWS && y < screen.height; y++)
        for (uint32_t x = 0; x < screen.width; x++)
            pixels[(uint64_t)y * screen.pitch + x] = colour;
}
