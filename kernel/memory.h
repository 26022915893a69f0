/* kernel/memory.h: from the firmware's list to a page allocator, in the steps that main.c names. */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include "kernel/boot_info.h"
#include "kernel/options.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

extern struct memmap memory_map;
extern struct pmm *memory_pmm;

/* Log the raw list, clean it, give everything that is in use an owner. On the firmware's tables. */
void memory_read_map(const struct boot_info *, const struct options *);

/* Make the kernel's own space; and once it is loaded, go over to it with the map, the APIC and the
 * screen. */
void memory_make_space(const struct boot_info *);
void memory_use_space(const struct boot_info *);

/* The page allocator: Conventional memory first, then what the firmware no longer needs. */
void memory_make_pmm(void);
void memory_reclaim(const struct options *);

/* Log what became of each page. memory_audit() recounts: false when a sum does not agree. */
void memory_report(const struct boot_info *);
void memory_report_zones(void);
bool memory_audit(void);

#endif
