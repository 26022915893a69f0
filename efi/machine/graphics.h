/* efi/machine/graphics.h: the screens (UEFI 2.10 section 12.9). */
#ifndef EFI_MACHINE_GRAPHICS_H
#define EFI_MACHINE_GRAPHICS_H

#include "efi/base/loader.h"
#include "efi/talk/volume.h"

/* Fill boot_info.framebuffer with the screen that shows the firmware's text, else with the first usable
 * one. Where there is none its base stays 0, and a note says so. No mode is changed, but a screen that
 * has none at all gets its first. */
void graphics_find(const struct loader *);

/* Add a line for each mode of each screen, 64 a screen at most. */
void graphics_report(const struct loader *, struct volume_file *);

#endif
