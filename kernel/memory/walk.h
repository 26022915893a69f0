/* kernel/memory/walk.h: the page tables as the CPU reads them, from the root loaded on. It knows nothing
 * of mm/aspace, whose word it checks. Intel SDM vol. 3A, 4.5. Tables must be reachable by
 * hal_phys_to_virt(). Any context; they must not change meanwhile. */
#ifndef KERNEL_MEMORY_WALK_H
#define KERNEL_MEMORY_WALK_H

#include "hal/base.h"

#define WALK_LEVELS 5

/* What all levels together allow, and the caching bits of the leaf. */
#define WALK_WRITE   1u
#define WALK_EXECUTE 2u
#define WALK_USER    4u
#define WALK_GLOBAL  8u
#define WALK_PWT     16u
#define WALK_PCD     32u
#define WALK_PAT     64u

struct walk_leaf {
    vaddr_t virt;
    paddr_t phys;
    uint64_t size; /* of the page: 4 KiB, 2 MiB or 1 GiB */
    uint32_t bits; /* WALK_ */
};

/* Each leaf, in address order. `visit` must not edit the tables. O(tables). */
typedef void walk_fn(void *ctx, const struct walk_leaf *);
void walk_live(walk_fn *visit, void *ctx);

/* Entries on the way to `virt` (canonical; any byte address), from the root on, until one is not
 * present or maps a page. Their number, 1 to 5. */
unsigned walk_path(vaddr_t virt, uint64_t entries[WALK_LEVELS]);

/* "WB", "WC", "UC", "UC-" or "WT", as the PAT is programmed (hal/x86_64/cpu.h); "odd" for one of
 * its entries 5 to 7, which this kernel does not use. */
const char *walk_type_name(uint32_t bits);

#endif
