/* efi/machine/framebuffer.h: judges the description of a screen.
 *
 * Firmware describes screens that are not there, that only the firmware can draw on, or whose numbers
 * contradict each other. The kernel may use what is accepted here without further checks:
 *
 *   F1  base is not 0, is a multiple of 4, and base + size does not pass 2^52
 *   F2  pitch >= width >= 1, height >= 1, all at most 32768, and size = pitch * height * 4
 *   F3  a pixel is 32 bits; the three masks are not 0, contiguous, and do not overlap
 *
 * No UEFI types; any context. The format numbers are those of UEFI 2.10 section 12.9
 * (EFI_GRAPHICS_PIXEL_FORMAT).
 */
#ifndef EFI_MACHINE_FRAMEBUFFER_H
#define EFI_MACHINE_FRAMEBUFFER_H

#include "kernel/boot_info.h"

enum framebuffer_format {
    FRAMEBUFFER_RGB = 0, /* red in the lowest byte */
    FRAMEBUFFER_BGR = 1, /* blue in the lowest byte */
    FRAMEBUFFER_MASKS = 2,
    FRAMEBUFFER_BLT_ONLY = 3, /* no memory behind it: only the firmware can draw */
};

/* Check the raw description `fb` (its masks mean something for FRAMEBUFFER_MASKS only) and put it right
 * where that is safe: the masks come from the format, a pitch of 0 is the width, a height that the
 * memory cannot hold is made less, and the size, whatever it was, becomes what the picture needs. NULL:
 * it can be used. Else a constant that says why not ("its pixels are not 32 bits"), and `fb` means
 * nothing. Any numbers are legal. O(1). */
const char *framebuffer_accept(struct boot_framebuffer *fb, uint32_t format);

#endif
