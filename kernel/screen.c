#include "kernel/screen.h"

#define BAR_ROWS      24u
#define BYTES_A_PIXEL 4u

static volatile uint32_t *pixels; /* NULL: no screen */
static struct boot_framebuffer screen;

const char *screen_refuse(const struct boot_framebuffer *fb, uint64_t limit)
{
    if (fb->base == 0)
        return "there is none";
    if (fb->width == 0 || fb->height == 0 || fb->pitch < fb->width)
        return "its width, height and pitch contradict each other";
    if ((uint64_t)fb->pitch * fb->height > fb->size / BYTES_A_PIXEL)
        return "it is smaller than its own picture";
    if (fb->size > GIB - 2 * MIB)
        return "it is larger than any screen";
    if (fb->base >= limit || fb->size > limit - fb->base)
        return "it goes beyond the physical address width";
    if (fb->base % BYTES_A_PIXEL != 0)
        return "its address is not a multiple of the pixel size";
    if (fb->red_mask == 0 || fb->green_mask == 0)
        return "its pixel format has no red or no green";
    return NULL;
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
