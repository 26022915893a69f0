/* tests/kernel/walk.h: the page tables as the CPU reads them, from the root loaded on: a second
 * opinion on mm/aspace, whose bits and whose walker it does not know. Each architecture has its own
 * (tests/kernel/x86_64/walk.c). Tables must be reachable by hal_phys_to_virt(). Any context; they
 * must not change meanwhile. */
#ifndef TESTS_KERNEL_WALK_H
#define TESTS_KERNEL_WALK_H

#include "hal/base.h"

#define WALK_LEVELS 5u

/* What all levels together allow. */
#define WALK_WRITE   1u
#define WALK_EXECUTE 2u
#define WALK_USER    4u
#define WALK_GLOBAL  8u

struct walk_leaf {
    hal_vaddr_t virt;
    hal_paddr_t phys;
    uint64_t size; /* of the page: 4 KiB, 2 MiB or 1 GiB */
    uint32_t bits; /* WALK_ */
    const char *type; /* of memory: "WB", "WC", "UC", "UC-", "WT"; "odd": not used here */
};

/* Each leaf, in address order. `visit` must not edit the tables. O(tables). */
typedef void walk_fn(void *ctx, const struct walk_leaf *);
void walk_live(walk_fn *visit, void *ctx);

/* May `virt` (canonical; any byte address) be written, by what all levels allow? */
bool walk_may_write(hal_vaddr_t virt);

/* Entries on the way to `virt` (canonical; any byte address), from the root on, until one is not
 * present or maps a page. Their number, 1 to 5. */
unsigned walk_path(hal_vaddr_t virt, uint64_t entries[WALK_LEVELS]);

#endif
