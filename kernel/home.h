/* kernel/home.h: the image's high home. The firmware puts the image anywhere in RAM and applies its
 * relocations for that place; home_move() moves it, in place, to a virtual base in the top 2 GiB, and
 * unpacks the part of it that came packed (kernel/packed.h).
 *
 * It runs before any pointer is stored in a variable: what static data held at that time is all
 * named by .reloc, and the kernel's life begins at home. Until the kernel's own space is made it
 * runs on kernel/first_tables.h.
 */
#ifndef KERNEL_HOME_H
#define KERNEL_HOME_H

#include "kernel/boot_info.h"
#include "kernel/pe.h"

/* The last 2 MiB stay empty, so that no address after the image is 0. */
#define HOME_WINDOW      ((vaddr_t)0xFFFFFFFF80000000u)
#define HOME_WINDOW_SIZE (2 * GIB - 2 * MIB)

struct home {
    vaddr_t base; /* where the image runs */
    paddr_t phys; /* where it lies */
    uint64_t size;
    uint64_t sites; /* relocations applied by home_move() */
    struct pe_image image;
};
extern struct home home;

/* Say where the image runs now; NULL, or what is wrong with its headers. */
const char *home_open(vaddr_t base, paddr_t phys, uint64_t size);

/* Before home_move(): put a fifth level above the firmware's tables, so that all that follows is as on
 * a machine whose firmware has left five levels on. Says in the log when it cannot. */
void home_use_five_levels(void);

/* From the place where the firmware put the image: move it, and go on with `entry` at home, on the
 * boot stack. `random`: the base is chosen by chance, 4 KiB-aligned and such that one page table
 * maps the image; else it is HOME_WINDOW. `entry` calls home_open() for the new place first. */
_Noreturn void home_move(const struct boot_info *, bool random, void (*entry)(void *));

/* The base that was chosen. */
vaddr_t home_chosen(void);

/* The tables made above are no longer loaded: take their pages back. */
void home_forget_tables(void);

/* Physical address of something in the image. */
paddr_t home_phys(const void *);

#endif
