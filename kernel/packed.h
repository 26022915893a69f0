/* kernel/packed.h: the packed part of the image. All code that is not needed before the kernel is
 * at home comes packed, and the constants that it alone uses with it (kernel/pack.py; the
 * Makefile's PACKED says which). A packed section begins with the Adler-32 (RFC 1950) of what is in
 * it, 4 bytes, little-endian; what follows is for kernel/unpack.h. */
#ifndef KERNEL_PACKED_H
#define KERNEL_PACKED_H

#include "kernel/pe.h"

/* Unpack all of it, once, before anything of it is called. `image->bytes` must be a writable view
 * of the image. NULL, or a constant: what is wrong. An image that was built for gdb has nothing
 * packed. Logs a line a section. O(bytes). Context: as kernel/boot_info.h. */
const char *packed_open(const struct pe_image *image);

#endif
