/* efi/base/bss.h: variables without a value of their own are zero. PE asks the firmware to clear
 * what a section holds beyond its bytes in the file (Microsoft, "PE Format", Section Table); a
 * loader that does not do it would start this program with the memory's last contents in its
 * variables. */
#ifndef EFI_BASE_BSS_H
#define EFI_BASE_BSS_H

#include "hal/base.h"

/* Clear that part of each section of the image of `size` bytes at `image`. Before any variable is
 * used. Nothing when its headers are damaged or were not loaded. O(bytes). */
void bss_clear(void *image, uint64_t size);

#endif
