/* kernel/first_tables.h: page tables for the time between the firmware's and those of the kernel's
 * own space. The lower half is the firmware's: the entries of its root are copied, its tables are
 * neither edited nor trusted for longer. The upper half holds the image alone, in 4 KiB pages under
 * one table. With 4 levels or 5, as hal_paging_features() says. */
#ifndef KERNEL_FIRST_TABLES_H
#define KERNEL_FIRST_TABLES_H

#include "kernel/pe.h"

#define FIRST_SPAN (2 * MIB) /* what one table maps; the image must not cross a multiple of it */

struct first_tables {
    vaddr_t base;
    paddr_t phys;
    uint64_t size;
    paddr_t
        pages[5]; /* from tables_pool_take(); the root is the first, the image's table the last */
    unsigned count;
};

/* Map [base, base + size) to `phys`: writable, not executable. Nothing is loaded. */
void first_build(struct first_tables *, vaddr_t base, paddr_t phys, uint64_t size);

/* Change that to what each section of the image allows; what lies in none of them is not mapped,
 * but the headers can be read. The caller loads the root again. */
void first_protect(const struct first_tables *, const struct pe_image *);

/* The root is no longer loaded: give the pages back. */
void first_forget(struct first_tables *);

#endif
