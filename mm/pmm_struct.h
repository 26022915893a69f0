/* mm/pmm_struct.h: the allocator's own structure, for mm/pmm*.c and for tests that break it. */
#ifndef MORTISE_MM_PMM_STRUCT_H
#define MORTISE_MM_PMM_STRUCT_H

#include "magazine.h"
#include "memmap.h"
#include "pmm_machine.h"

/* Firmware memory that waits for pmm_reclaim(). */
struct withheld {
    uint64_t first_page, pages;
    uint64_t reclaimed; /* calls that reclaim it: the first does */
    bool given;         /* it is done: all pages are the allocator's */
};

struct pmm {
    const struct memmap *map;
    struct pmm_machine machine;
    struct zone **zones;            /* by pmm_zone_index(); NULL: no memory there */
    uint32_t zone_count;            /* with those that are NULL */
    struct zone **orders;           /* a row a node: see pmm_order() */
    struct pmm_machine_rank *ranks; /* for creation alone: an entry a node */
    struct region *regions;         /* of all zones, by address */
    struct region *zone_regions;    /* with several nodes: the same, by zone and address */
    size_t region_count;
    struct withheld *withheld; /* by address */
    size_t withheld_count;
    struct magazine_cpu *cpus;
    size_t table_bytes;
    struct hal_lock lock; /* of what is rare and no zone's: `failures`, `operations`, `reclaimed` */
    uint64_t failures;    /* calls whose zones all have no memory */

    /* For mm/pmm_debug.c; its header says what they are. */
    bool debugging; /* any mode is on: then no call takes the short way */
    bool junk;
    uint32_t check_every;
    struct pmm_op *ring;
    size_t ring_size;
    uint64_t operations; /* calls since the modes were set */
};

/* How the zones of nodes are numbered: with one node, as enum pmm_zone does. */
static inline uint32_t pmm_zone_index(uint32_t node, enum pmm_zone id)
{
    return node * PMM_ZONE_COUNT + (uint32_t)id;
}

/* The zones in the order in which a request of the node looks into them, NULL at the end: all that have
 * memory, each once. Nothing here changes after creation. */
#define ORDER_ROW(nodes) ((nodes)*PMM_ZONE_COUNT + 1)
static inline struct zone **pmm_order(const struct pmm *p, uint32_t node)
{
    return p->orders + (size_t)node * ORDER_ROW(p->machine.nodes);
}

/* The CPU, which has nothing parked, is on the node from now on. */
static inline void pmm_use_order(const struct pmm *p, struct magazine_cpu *cpu, uint32_t node)
{
    cpu->node = node;
    cpu->order = pmm_order(p, node);
    stash_init(&cpu->stash, cpu->order[0], node);
}

/* Change one of the numbers under `lock`, which others read at any time: what it was. A lock and not an
 * atomic addition or exchange, for which compilers may call a library. Any context but NMI. O(1). */
static inline uint64_t pmm_count(struct pmm *p, uint64_t *number)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&p->lock);
    uint64_t was = *number;
    __atomic_store_n(number, was + 1, __ATOMIC_RELAXED);
    hal_unlock(&p->lock);
    hal_irq_restore(irq);
    return was;
}

/* The region that has a page, or NULL. `hint` is the number of the region that is tried first, and becomes
 * that of the one found. O(1) when the hint is right, as it nearly always is, else O(log regions). */
static inline const struct region *pmm_region(const struct pmm *p, uint64_t page, uint32_t *hint)
{
    const struct region *r = &p->regions[*hint];
    if (*hint < p->region_count && region_has(r, page))
        return r;
    return region_of_page(p->regions, p->region_count, page, hint);
}

#endif
