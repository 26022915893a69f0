/* mm/magazine.h: magazines: blocks that a CPU owns for a while, to take and give single pages
 * without a lock. Why that needs no locked instruction, mm/block.h says.
 *
 * A CPU has one magazine for each kind of single page that it takes, and a few for blocks that it
 * gave pages back to. Each may have a block, or none. A page that the CPU gives back to such a
 * block is parked there, and the CPU may take it again; what others give back to it is theirs to
 * return, and comes to light when the block goes back to its zone.
 *
 * Parked pages are taken from a stack of page indices, last freed first, for those are in the
 * cache. The bits are the truth: every page on the stack is PAGE_PARKED, but a PAGE_PARKED page
 * need not be on it. When the stack is empty, it is filled from the bits.
 *
 * A block is taken from a zone and goes back to it under the zone's lock. All else here is for the
 * CPU itself, with interrupts disabled and no lock held. Costs are O(1).
 */
#ifndef MORTISE_MM_MAGAZINE_H
#define MORTISE_MM_MAGAZINE_H

#include "zone.h"

#define MAGAZINE_STACK   64u
#define MAGAZINE_NO_BASE 1u /* no page starts there */

/* Without a block: `zone` and `bits` NULL, `base` MAGAZINE_NO_BASE, and the stack empty. So no page
 * is taken from it, and none belongs to it. */
struct magazine {
    struct block_bits *bits;
    hal_paddr_t base; /* of the block */
    uint32_t count;   /* pages on the stack */
    uint32_t block;
    struct zone *zone;
    uint64_t allocs, frees; /* not yet added to the zone's */
    uint16_t stack[MAGAZINE_STACK];
    uint64_t unused[2];
};
_Static_assert(sizeof(struct magazine) % 64 == 0, "magazines share no cache line");

/* Single pages are taken from the first two. The others have blocks to which pages were given back
 * near one another, as when a process ends. */
#define MAGAZINE_GIVES 4u
enum magazine_kind {
    MAGAZINE_PAGES,
    MAGAZINE_KERNEL,
    MAGAZINE_GIVE,
    MAGAZINE_COUNT = MAGAZINE_GIVE + MAGAZINE_GIVES,
};

/* What one CPU has; no other CPU writes it. */
struct magazine_cpu {
    struct magazine magazines[MAGAZINE_COUNT];
    uint64_t last_freed[2]; /* physical block numbers of the last pages that were not parked */
    uint32_t region_hint;   /* for region_of_page() */
    uint32_t index;         /* of the CPU */
    uint32_t next_give;     /* the MAGAZINE_GIVE magazine that is replaced next */
    uint32_t unused[9];
};
_Static_assert(sizeof(struct magazine_cpu) % 64 == 0, "CPUs share no cache line");

/* The CPU has no block yet. */
void magazine_init(struct magazine_cpu *, uint32_t index);

/* Count a call. Only this CPU writes the counters, but others read them for statistics. */
static inline void magazine_count(uint64_t *calls)
{
    __atomic_store_n(calls, __atomic_load_n(calls, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* Take a page from the stack. False: it is empty. */
static inline bool magazine_take(struct magazine *m, hal_paddr_t *out)
{
    if (__builtin_expect(m->count == 0, 0))
        return false;
    unsigned index = m->stack[--m->count];
    if (__builtin_expect(!block_take_parked(m->bits, index), 0))
        zone_freed_twice();
    magazine_count(&m->allocs);
    *out = m->base + (hal_paddr_t)index * HAL_PAGE_SIZE;
    return true;
}

/* Park page `index` of the magazine's block. False, and nothing is changed, when the page is not
 * allocated; the zone judges then. */
static inline bool magazine_park(struct magazine *m, unsigned index)
{
    if (!block_park(m->bits, index))
        return false;
    if (m->count < MAGAZINE_STACK)
        m->stack[m->count++] = (uint16_t)index;
    magazine_count(&m->frees);
    return true;
}

/* Park a page in whichever of this CPU's magazines has its block. False: none has, or the page is
 * not allocated. An address that is not a multiple of the page size belongs to none: its low bits
 * come out on top of the index, which is huge then. */
static inline bool magazine_give(struct magazine_cpu *cpu, hal_paddr_t base)
{
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++) {
        struct magazine *m = &cpu->magazines[kind];
        uint64_t offset = base - m->base;
        uint64_t index = offset >> HAL_PAGE_SHIFT | offset << (64 - HAL_PAGE_SHIFT);
        if (index < BLOCK_PAGES)
            return magazine_park(m, (unsigned)index);
    }
    return false;
}

/* Take a page that is parked in the magazine's block, whether it is on the stack or not.
 * HAL_PADDR_NONE: none is parked. */
hal_paddr_t magazine_take_parked(struct magazine *);

/* A page of the zone after the stack ran out. Either the CPU has another block then, or the page
 * comes from a block that is not worth owning. HAL_PADDR_NONE: the zone has no block for it. */
hal_paddr_t magazine_refill(struct magazine_cpu *, enum magazine_kind, struct zone *);

/* Give all blocks back to their zones. False: no page came back with them. A CPU that waits for a
 * lock may run this meanwhile (hal_call_others()), so what a magazine has is looked at again behind
 * each lock. */
bool magazine_release_all(struct magazine_cpu *);

/* Add the calls that a magazine with a block of the zone has served since it got it. For any CPU,
 * with the zone's lock held; exact when the magazine's CPU is not inside the allocator. */
void magazine_add_counts(const struct magazine *, const struct zone *, uint64_t *allocs,
                         uint64_t *frees);

/* A page was given back to its zone: `frame` is its physical block number, `block` the zone's
 * number of it. Where one page was freed, its neighbours often follow: the second time, the CPU
 * owns the block from then on. */
void magazine_saw_free(struct magazine_cpu *, struct zone *, uint64_t frame, uint32_t block);

#endif
