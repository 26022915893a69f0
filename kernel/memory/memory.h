/* kernel/memory/memory.h: from the firmware's list to a page allocator, in the steps that main.c names:
 * each once, in this order. Context: as kernel/boot_info.h; whatever fails for good is a panic that
 * says so. Costs are O(entries of the map) unless told.
 *
 *   U1  every page of usable RAM is free, parked, allocated, withheld or has one owner with a
 * label; memory_audit() recounts it
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
 * it says whether there is none, it is too small, or the firmware lets nobody use it. */
void memory_read_map(const struct boot_info *, const struct options *);

/* Make the kernel's own space (kernel/memory/space.h; a panic without memory for tables); and once it is
 * loaded, go over to it with the map, the APIC (its interrupts are masked) and the screen. */
void memory_make_space(const struct boot_info *);
void memory_use_space(const struct boot_info *);

/* The page allocator: Conventional memory first, then what the firmware no longer needs (nothing
 * with the option keepbs). A panic when pmm_create() or pmm_reclaim() fails. O(regions). */
void memory_make_pmm(uint32_t cpus);
void memory_reclaim(const struct options *);

/* Log what became of each page: all of it, or the zones alone. memory_audit() recounts, with
 * pmm_check(): false when a sum does not agree or an invariant is broken. O(pages of blocks in
 * use). */
void memory_report(const struct boot_info *);
void memory_report_zones(void);
bool memory_audit(void);

#endif
