/* kernel/early/move.h: gives the image another virtual address. The firmware puts the image
 * anywhere in RAM and applies its relocations for that place; move_image() applies them once more,
 * for an address in the top 2 GiB, where the kernel then runs. Its bytes stay where they are.
 *
 * The image moves before pointers into it are stored in variables, but for those that are stored
 * again afterwards (display_early(), image_open(), cpu_own()): all that static data holds by then
 * is named by .reloc. Until the kernel's own space is made, kernel/early/first_tables.h maps it.
 * Context: as kernel/boot_info.h.
 */
#ifndef KERNEL_EARLY_MOVE_H
#define KERNEL_EARLY_MOVE_H

#include "kernel/boot_info.h"

/* Put a fifth level above the firmware's page tables, so that all that follows is as on a machine
 * whose firmware has left five levels on. Says in the log where that cannot be done
 * (cpu_use_five_levels()). Before move_image(). */
void move_use_five_levels(void);

/* Move the image, and go on with `entry` (its address here) at the new base, on the boot stack.
 * With `random` the base is chosen by chance, such that one page table maps the image, else it is
 * IMAGE_WINDOW. `entry` calls image_open(move_base(), ...) before `image` is used. A panic when the
 * image is larger than 2 MiB, or its headers or relocations are damaged. O(bytes of the image). */
_Noreturn void move_image(const struct boot_info *, bool random, void (*entry)(void *));

/* The base that was chosen; 0 before move_image(). */
hal_vaddr_t move_base(void);

/* Give the pages of the tables made above back to kernel/early/pool.h, once they are no longer
 * loaded. */
void move_forget_tables(void);

#endif
