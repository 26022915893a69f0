/* kernel/early/first_tables.h: page tables for the time between the firmware's and those of the
 * kernel's own space. The lower half is the firmware's: the entries of its root are copied, its
 * tables are neither edited nor trusted for longer. The upper half holds the image alone, in 4 KiB
 * pages under one table. With 4 levels or 5, as hal_paging_features() says; entries are those of
 * mm/page_entry.h. Context: as kernel/boot_info.h; tables are reached by hal_phys_to_virt(). */
#ifndef KERNEL_EARLY_FIRST_TABLES_H
#define KERNEL_EARLY_FIRST_TABLES_H

#include "hal/short.h"
#include "kernel/early/pe.h"

#define FIRST_SPAN (2 * MIB) /* what one table maps; the image must not cross a multiple of it */

struct first_tables {
    hal_vaddr_t base;
    hal_paddr_t phys;
    uint64_t size;
    hal_paddr_t
        pages[5]; /* from kernel/early/pool.h; the root is the first, the image's table the last */
    unsigned count;
};

/* Map [base, base + size) to `phys`: writable, not executable where the CPU has NX. All three are
 * multiples of 4 KiB, and `base` lies in the upper half. A page a level is taken from
 * kernel/early/pool.h, which must have them: that is not checked. The tables now loaded are read,
 * nothing is loaded. O(pages). */
void first_build(struct first_tables *, hal_vaddr_t base, hal_paddr_t phys, uint64_t size);

/* Change that to what each section of the image allows; what lies in none of them is not mapped,
 * but the headers' page can be read. `image` is what pe_open() found at that place. The caller
 * loads the root again. O(pages). */
void first_protect(const struct first_tables *, const struct pe_image *);

/* The root is no longer loaded: give the pages back. Nothing when there are none. */
void first_forget(struct first_tables *);

#endif
