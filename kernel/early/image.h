/* kernel/early/image.h: this program in memory. The firmware puts the image anywhere in RAM and applies
 * its relocations for that place; image_move() gives it another virtual address, in the top 2 GiB,
 * where it stays. Its bytes stay where they are.
 *
 * The image moves before pointers into it are stored in variables, but for those that are stored again
 * afterwards (display_early(), image_open(), cpu_own()): all that static data holds by then is named by
 * .reloc. Until the kernel's own space is made, kernel/early/first_tables.h maps it. Context: as
 * kernel/boot_info.h.
 */
#ifndef KERNEL_EARLY_IMAGE_H
#define KERNEL_EARLY_IMAGE_H

#include "kernel/boot_info.h"
#include "kernel/early/pe.h"

/* The last 2 MiB stay empty, so that no address after the image is 0. */
#define IMAGE_WINDOW      ((vaddr_t)0xFFFFFFFF80000000u)
#define IMAGE_WINDOW_SIZE (2 * GIB - 2 * MIB)

struct kernel_image {
    vaddr_t base;   /* where the image runs */
    paddr_t phys;   /* where it lies */
    uint64_t size;  /* bytes, whole pages */
    uint64_t sites; /* relocations applied by image_move() */
    struct pe_image pe;
};
extern struct kernel_image image;

/* Fill `image`: where the `size` bytes run and lie now. NULL, or a constant that says what is wrong: the
 * image does not begin on a page, or its headers are damaged (kernel/early/pe.h). */
const char *image_open(vaddr_t base, paddr_t phys, uint64_t size);

/* Put a fifth level above the firmware's page tables, so that all that follows is as on a machine whose
 * firmware has left five levels on. Says in the log where that cannot be done (cpu_use_five_levels()).
 * Before image_move(). */
void image_use_five_levels(void);

/* Move the image, and go on with `entry` (its address here) at the new base, on the boot stack. With
 * `random` the base is chosen by chance, such that one page table maps the image, else it is
 * IMAGE_WINDOW. `entry` calls image_open(image_new_base(), ...) before `image` is used. A panic when the
 * image is larger than 2 MiB, or its headers or relocations are damaged. O(bytes of the image). */
_Noreturn void image_move(const struct boot_info *, bool random, void (*entry)(void *));

/* The base that was chosen; 0 before image_move(). */
vaddr_t image_new_base(void);

/* Give the pages of the tables made above back to kernel/early/pool.h, once they are no longer loaded. */
void image_forget_tables(void);

/* Physical address of something in the image, as far as `image` is right. */
paddr_t image_phys(const void *);

#endif
