/* kernel/early/home.h: the image's high home. The firmware puts the image anywhere in RAM and applies its
 * relocations for that place; home_move() moves it, in place, to a virtual base in the top 2 GiB.
 *
 * It runs before pointers into the image are stored in variables, but for those that are stored
 * again at home (display_early(), home_open(), cpu_own()): what static data held at that time is
 * all named by .reloc, and the kernel's life begins at home. Until the kernel's own space is made
 * it runs on kernel/early/first_tables.h. Context: as kernel/boot_info.h.
 */
#ifndef KERNEL_EARLY_HOME_H
#define KERNEL_EARLY_HOME_H

#include "kernel/boot_info.h"
#include "kernel/early/pe.h"

/* The last 2 MiB stay empty, so that no address after the image is 0. */
#define HOME_WINDOW      ((vaddr_t)0xFFFFFFFF80000000u)
#define HOME_WINDOW_SIZE (2 * GIB - 2 * MIB)

struct home {
    vaddr_t base;   /* where the image runs */
    paddr_t phys;   /* where it lies */
    uint64_t size;  /* bytes, whole pages */
    uint64_t sites; /* relocations applied by home_move() */
    struct pe_image image;
};
extern struct home home;

/* Fill `home`: where the image of `size` bytes runs and lies now. NULL, or a constant: it does not
 * begin on a page, or what is wrong with its headers (kernel/early/pe.h). */
const char *home_open(vaddr_t base, paddr_t phys, uint64_t size);

/* Before home_move(): put a fifth level above the firmware's tables, so that all that follows is as
 * on a machine whose firmware has left five levels on. Takes a page of tables_pool_take(). Says in
 * the log when it cannot (cpu_use_five_levels()). */
void home_use_five_levels(void);

/* From the place where the firmware put the image: move it, and go on with `entry` (its address
 * here) at home, on the boot stack. `random`: the base is chosen by chance, 4 KiB-aligned and such
 * that one page table maps the image; else it is HOME_WINDOW. `entry` calls
 * home_open(home_chosen(), ...) before `home` is used. A panic when the image is larger than 2 MiB,
 * or its headers or relocations are damaged. O(bytes of the image). */
_Noreturn void home_move(const struct boot_info *, bool random, void (*entry)(void *));

/* The base that was chosen; 0 before home_move(). */
vaddr_t home_chosen(void);

/* The tables made above are no longer loaded: give their pages back to the pool. */
void home_forget_tables(void);

/* Physical address of something in the image, as far as `home` is right. */
paddr_t home_phys(const void *);

#endif
