/* kernel/walk.h: the page tables as the CPU reads them, from the root loaded on. It knows nothing
 * of mm/aspace, whose word it checks. Intel SDM vol. 3A, 4.5. Tables must be reachable by
 * hal_phys_to_virt(). */
#ifndef KERNEL_WALK_H
#define KERNEL_WALK_H

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
    uint64_t size; /* of the page */
    uint32_t bits;
};

/* Each leaf, in address order. `visit` must not edit the tables. O(leaves). */
typedef void walk_fn(void *ctx, const struct walk_leaf *);
void walk_live(walk_fn *visit, void *ctx);

/* Entries on the way to `virt`, from the root on, until one is not present or maps a page. Their
 * number. */
unsigned walk_path(vaddr_t virt, uint64_t entries[WALK_LEVELS]);

/* "WB", "WC", "UC", "UC-" or "WT", as the PAT is programmed (hal/x86_64/cpu.h). */
const char *walk_type_name(uint32_t bits);

#endif
