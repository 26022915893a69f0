/* kernel/memory/memory.h: makes a page allocator out of the firmware's list, in the steps that main.c
 * calls, each once and in this order. Context: as kernel/boot_info.h. What the kernel cannot go on without
 * is a panic that says so. Costs are O(entries of the map) where none is told.
 */
#ifndef KERNEL_MEMORY_MEMORY_H
#define KERNEL_MEMORY_MEMORY_H

#include "kernel/boot_info.h"
#include "kernel/options.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

extern struct memmap memory_map; /* empty before memory_read_map() */
extern struct pmm *memory_pmm;   /* NULL before memory_make_pmm() */
extern struct pmm_machine memory_machine; /* what it was made for; its arrays are not to be read */

/* Log the raw list, clean it, and give an owner to everything that is in use. On the firmware's identity
 * map, after cpu_own(). It panics if the list is empty or has no free RAM, and says which: there is none, or
 * nobody may use it. `no_screen` says why the framebuffer cannot be used; NULL: it can, if it lies where
 * nothing else is. */
void memory_read_map(const struct boot_info *, const struct options *, const char *no_screen);

/* Keep [base, base + size), which does not wrap, from ever being handed out, as far as the map has free RAM
 * there without an owner; `label` stays. Each part is logged. After memory_use_space(), before
 * memory_make_pmm(). It panics if the map has no room for another owner. O(regions). */
void memory_withhold(hal_paddr_t base, uint64_t size, const char *label);

/* Make the kernel's own space (kernel/memory/space.h); it panics if no memory is left for tables. Once the
 * space is loaded, use the map at its place there, and mask all interrupts. */
void memory_make_space(const struct boot_info *);
void memory_use_space(void);

/* Make the page allocator of Conventional memory that is not unfit (kernel/memory/unfit.h), for
 * this machine, but with the zone DMA as the option dma= has it (where that cannot be, a line of
 * the log says so); then give it what the firmware no longer needs (nothing with the option
 * keepbs). They panic if pmm_create() or pmm_reclaim() fails; that no free memory is large enough
 * for its tables has a sentence of its own. O(regions). */
void memory_make_pmm(const struct pmm_machine *, const struct options *);
void memory_reclaim(const struct options *);

#endif
