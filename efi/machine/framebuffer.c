#include "efi/machine/framebuffer.h"

#define SIDE_MAX      32768u /* pixels: four times an 8K panel */
#define ADDRESS_LIMIT ((uint64_t)1 << 52)

static bool contiguous(uint32_t mask)
{
    uint32_t low = mask & (~mask + 1);
    return mask != 0 && ((mask + low) & mask) == 0;
}

static bool masks_sound(const struct boot_framebuffer *fb)
{
    uint32_t r = fb->red_mask, g = fb->green_mask, b = fb->blue_mask;
    return contiguous(r) && contiguous(g) && contiguous(b) && (r & g) == 0 && (r & b) == 0 &&
           (g & b) == 0;
}

static void set_masks(struct boot_framebuffer *fb, uint32_t red, uint32_t blue)
{
    fb->red_mask = red;
    fb->green_mask = 0xff00;
    fb->blue_mask = blue;
}

static const char *accept_pixels(struct boot_framebuffer *fb, uint32_t format)
{
    switch (format) {
    case FRAMEBUFFER_RGB:
        set_masks(fb, 0xff, 0xff0000);
        return NULL;
    case FRAMEBUFFER_BGR:
        set_masks(fb, 0xff0000, 0xff);
        return NULL;
    case FRAMEBUFFER_MASKS:
        if (!masks_sound(fb))
            return "its colour masks are empty, broken or overlap";
        /* The width of a pixel follows from its highest bit; boot_framebuffer has 32 bits only. */
        if (((fb->red_mask | fb->green_mask | fb->blue_mask) >> 16) == 0)
            return "its pixels are not 32 bits";
        return NULL;
    case FRAMEBUFFER_BLT_ONLY:
        return "only the firmware can draw on it";
    default:
        return "its pixel format is unknown";
    }
}

/* A firmware that leaves the pitch out has no gaps between its lines. */
static const char *accept_sides(struct boot_framebuffer *fb)
{
    if (fb->pitch == 0)
        fb->pitch = fb->width;
    if (fb->width == 0 || fb->height == 0)
        return "it has no pixels";
    if (fb->width > SIDE_MAX || fb->height > SIDE_MAX || fb->pitch > SIDE_MAX)
        return "its width, height or pitch is absurd";
    if (fb->pitch < fb->width)
        return "its lines are shorter than its width";
    return NULL;
}

/* Some firmware gives the whole memory of the card as the size. Only what the picture needs counts. */
static const char *accept_memory(struct boot_framebuffer *fb)
{
    uint64_t line = (uint64_t)fb->pitch * 4;
    if (fb->base == 0 || fb->base % 4 != 0)
        return "it has no memory";
    if (fb->size != 0 && fb->size < line)
        return "its memory cannot hold one line";
    if (fb->size != 0)
        fb->height = (uint32_t)hal_min_u64(fb->height, fb->size / line);
    fb->size = line * fb->height;
    if (fb->base >= ADDRESS_LIMIT || fb->size > ADDRESS_LIMIT - fb->base)
        return "its memory lies beyond any physical address";
    return NULL;
}

const char *framebuffer_accept(struct boot_framebuffer *fb, uint32_t format)
{
    const char *why = accept_pixels(fb, format);
    if (why == NULL)
        why = accept_sides(fb);
    if (why == NULL)
        why = accept_memory(fb);
    return why;
}
