/* kernel/early/image.h: this program in memory: where it lies, and where it runs. Context: as
 * kernel/boot_info.h. */
#ifndef KERNEL_EARLY_IMAGE_H
#define KERNEL_EARLY_IMAGE_H

#include "hal/short.h"
#include "kernel/early/pe.h"

/* The last 2 MiB stay empty, so that no address after the image is 0. */
#define IMAGE_WINDOW      ((hal_vaddr_t)0xFFFFFFFF80000000u)
#define IMAGE_WINDOW_SIZE (2 * GIB - 2 * MIB)

struct kernel_image {
    hal_vaddr_t base; /* where the image runs */
    hal_paddr_t phys; /* where it lies */
    uint64_t size;    /* bytes, whole pages */
    uint64_t sites;   /* relocations applied by move_image() (kernel/early/move.h) */
    struct pe_image pe;
};
extern struct kernel_image image;

/* Fill `image`: where the `size` bytes run and lie now. NULL, or a constant that says what is
 * wrong: the image does not begin on a page, or its headers are damaged (kernel/early/pe.h). */
const char *image_open(hal_vaddr_t base, hal_paddr_t phys, uint64_t size);

/* Physical address of something in the image, as far as `image` is right. */
hal_paddr_t image_phys(const void *);

#endif
