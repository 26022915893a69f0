/* kernel/memory/memory.h: from the firmware's list to a page allocator, in the steps that main.c names:
 * each once, in this order. Context: as kernel/boot_info.h; whatever fails for good is a panic that
 * says so. Costs are O(entries of the map) unless told.
 */
#ifndef KERNEL_MEMORY_MEMORY_H
#define KERNEL_MEMORY_MEMORY_H

#include "kernel/boot_info.h"
#include "kernel/options.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

extern struct memmap memory_map; /* empty before memory_read_map() */
extern struct pmm *memory_pmm;   /* NULL before memory_make_pmm() */

/* Log the raw list, clean it, give everything that is in use an owner. On the firmware's identity
 * map, after cpu_detect(). A panic when the list is empty, or when no free RAM can hold the clean one:
 * it says whether there is none, it is too small, or the firmware lets nobody use it. `no_screen` says why
 * the framebuffer cannot be used, NULL: it can, if it lies where nothing else is. */
void memory_read_map(const struct boot_info *, const struct options *, const char *no_screen);

/* Make the kernel's own space (kernel/memory/space.h; a panic without memory for tables); and once it is
 * loaded, go over to it with the map, and mask all interrupts. */
void memory_make_space(const struct boot_info *);
void memory_use_space(void);

/* The page allocator: Conventional memory first, then what the firmware no longer needs (nothing
 * with the option keepbs). A panic when pmm_create() or pmm_reclaim() fails. O(regions). */
void memory_make_pmm(uint32_t cpus);
void memory_reclaim(const struct options *);

#endif
