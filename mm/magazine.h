/* mm/magazine.h: magazines: blocks that a CPU owns for a while, to take and give single pages
 * without a lock. Why that needs no locked instruction, mm/block.h says.
 *
 * A CPU has one magazine for each kind of single page that it takes, and a few for blocks that it
 * gave pages back to. Each may have a block, or none. A page that the CPU gives back to such a
 * block is parked there, and the CPU may take it again; what others give back to it is theirs to
 * return, and comes to light when the block goes back to its zone.
 *
 * Parked pages are taken from one word of the block, from its `hand`, a bit for each page: the page
 * that was parked there last, for it is in the cache, or all that were parked when the word was
 * turned to, the lowest first. The bits of the block are the truth: every page in the hand is
 * PAGE_PARKED, but a PAGE_PARKED page need not be in it. When the hand is empty, it is filled from
 * the bits.
 *
 * A block is taken from a zone and goes back to it under the zone's lock. All else here is for the
 * CPU itself, with interrupts disabled and no lock held. Costs are O(1).
 */
#ifndef MORTISE_MM_MAGAZINE_H
#define MORTISE_MM_MAGAZINE_H

#include "stash.h"

#define MAGAZINE_NOWHERE UINT64_MAX /* no page lies in such a word or block */

/* Without a block: `zone`, `bits` and `word` NULL, `hand` and `words` 0, `number` MAGAZINE_NOWHERE. So no
 * page is taken from it, and none belongs to it. */
struct magazine {
    uint64_t hand;          /* pages of the word, to be taken next */
    struct page_bits *word; /* one of the block's */
    uint64_t number;        /* of the word: its first page / 64 */
    uint64_t allocs, frees; /* not yet added to the zone's */
    uint32_t words;         /* a bit for each word of the block that may have parked pages */
    uint32_t block;
    struct block_bits *bits;
    struct zone *zone;
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct magazine) == 64, "a cache line");

/* The physical number of its block; MAGAZINE_NOWHERE makes a number that no block has. */
static inline uint64_t magazine_frame(const struct magazine *m)
{
    return m->number / BLOCK_WORDS;
}

/* Single pages are taken from the first two. The others have blocks to which pages were given back
 * near one another, as when a process ends. */
#define MAGAZINE_GIVES 4u
enum magazine_kind {
    MAGAZINE_PAGES,
    MAGAZINE_KERNEL,
    MAGAZINE_GIVE,
    MAGAZINE_COUNT = MAGAZINE_GIVE + MAGAZINE_GIVES,
};

/* The region in which a CPU gave back a page last, as far as that is asked for each time. */
struct near_region {
    uint64_t first_page, pages; /* 0 pages: none yet */
    struct zone *zone;
    uint32_t skew;   /* physical block number - the zone's number of the block */
    uint32_t number; /* of the region, among all of the allocator's */
};

/* What one CPU has; no other CPU writes it. */
struct magazine_cpu {
    struct magazine magazines[MAGAZINE_COUNT];
    struct magazine *near; /* the one in which a page was parked last */
    uint64_t mine; /* a bit for each block that the CPU owns: its physical number modulo 64 */
    struct near_region region;
    struct zone **order;    /* in which its requests look into zones, NULL at the end */
    uint32_t last_freed[2]; /* physical block numbers of the last pages that were not parked */
    struct pmm *pmm;        /* whose CPU this is */
    uint32_t node;
    uint32_t next_give; /* the MAGAZINE_GIVE magazine that is replaced next */
    struct stash stash;
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct magazine_cpu) % 64 == 0,
               "CPUs share no cache line");

/* The CPU has no block yet. */
void magazine_init(struct magazine_cpu *, struct pmm *, uint32_t node);

/* Count a call. Only this CPU writes the counters, but others read them for statistics. */
static inline void magazine_count(uint64_t *calls)
{
    __atomic_store_n(calls, __atomic_load_n(calls, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* Take a page from the hand. False: it is empty. */
static inline bool magazine_take(struct magazine *m, hal_paddr_t *out)
{
    uint64_t hand = m->hand;
    if (__builtin_expect(hand == 0, 0))
        return false;
    uint64_t rest = hand & (hand - 1);
    m->hand = rest;
    if (__builtin_expect(!block_take_parked(m->word, hand ^ rest), 0))
        zone_freed_twice();
    magazine_count(&m->allocs);
    *out = (m->number * 64 + bits_ctz(hand)) << HAL_PAGE_SHIFT;
    return true;
}

/* The number of the page at an address. One that is no multiple of the page size has a huge number,
 * which is no page's: its low bits come out on top. */
static inline uint64_t magazine_page(hal_paddr_t base)
{
    return base >> HAL_PAGE_SHIFT | base << (64 - HAL_PAGE_SHIFT);
}

/* A page of the word that the magazine has turned to was parked: it is the next one to be taken. */
static inline void magazine_parked(struct magazine *m, uint64_t page)
{
    m->hand = (uint64_t)1 << (page % 64);
    m->words = (1u << BLOCK_WORDS) - 1;
    magazine_count(&m->frees);
}

/* Park a page in the word that the magazine has turned to. False, and nothing is changed: the page
 * lies elsewhere, or is not allocated; the zone judges then. */
static inline bool magazine_park(struct magazine *m, uint64_t page)
{
    if (m->number != page / 64 || !block_park(m->word, (uint64_t)1 << (page % 64)))
        return false;
    magazine_parked(m, page);
    return true;
}

/* The same where the CPU takes pages, and where it parked one last. */
static inline bool magazine_park_near(struct magazine_cpu *cpu, uint64_t page)
{
    return magazine_park(&cpu->magazines[MAGAZINE_PAGES], page) || magazine_park(cpu->near, page);
}

/* Park a page of the block, and turn the magazine to its word. False, and nothing is changed, when
 * the page is not allocated. */
bool magazine_park_far(struct magazine_cpu *, struct magazine *, uint64_t page);

/* What magazine_owns() does where `mine` does not exclude it. */
bool magazine_is_own(const struct magazine_cpu *, uint64_t frame);

/* Does the CPU own this physical block? */
static inline bool magazine_owns(const struct magazine_cpu *cpu, uint64_t frame)
{
    return (cpu->mine >> frame % 64 & 1) != 0 && magazine_is_own(cpu, frame);
}

/* Park a page in whichever of the CPU's magazines has its block. False: none has, or the page is
 * not allocated. */
static inline bool magazine_give(struct magazine_cpu *cpu, uint64_t page)
{
    for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++)
        if (magazine_frame(&cpu->magazines[kind]) == page >> BLOCK_SHIFT)
            return magazine_park_far(cpu, &cpu->magazines[kind], page);
    return false;
}

/* What magazine_take_parked() does where something may be parked. */
hal_paddr_t magazine_take_from_bits(struct magazine *);

/* Take a page that is parked in the magazine's block, whether it is in the hand or not.
 * HAL_PADDR_NONE: none is parked. */
static inline hal_paddr_t magazine_take_parked(struct magazine *m)
{
    return (m->hand | m->words) != 0 ? magazine_take_from_bits(m) : HAL_PADDR_NONE;
}

/* A page of the zone after the hand ran out. Either the CPU has another block then, or the page
 * comes from a block that is not worth owning. HAL_PADDR_NONE: the zone has no block for it. */
hal_paddr_t magazine_refill(struct magazine_cpu *, enum magazine_kind, struct zone *);

/* Give all blocks back to their zones, and what is stashed. False: no page came back. A CPU that waits
 * for a lock may run this meanwhile (hal_call_others()), so what a magazine has is looked at again
 * behind each lock. */
bool magazine_release_all(struct magazine_cpu *);

/* Add the calls for pages of the zone that the CPU has served without the zone's hearing of them. For any
 * CPU, with the zone's lock held; exact when that CPU is not inside the allocator. */
void magazine_add_counts(const struct magazine_cpu *, const struct zone *, uint64_t *allocs,
                         uint64_t *frees);

/* May the CPU own blocks of this zone? Only of its own node: what it parks is near it. No lock. */
static inline bool magazine_is_for(const struct magazine_cpu *cpu, const struct zone *z)
{
    return zone_has_magazines(z) && z->node == cpu->node;
}

/* Own a block of the zone that pages were given back to, in place of the one that came longest ago,
 * unless others have changed it meanwhile. */
void magazine_adopt(struct magazine_cpu *, struct zone *, uint32_t block);

/* Were the last two pages that were given back and not parked of this physical block? Where two were freed
 * in a row, others often follow: then the CPU owns the block from there on. One alone says little: in
 * long use single pages lie in few blocks, and frees meet in one of them by chance. */
static inline bool magazine_is_near(const struct magazine_cpu *cpu, uint64_t frame)
{
    return cpu->last_freed[0] == frame && cpu->last_freed[1] == frame;
}

/* A page of the physical block was given back and not parked. */
static inline void magazine_saw_free(struct magazine_cpu *cpu, uint64_t frame)
{
    cpu->last_freed[1] = cpu->last_freed[0];
    cpu->last_freed[0] = (uint32_t)frame;
}

#endif
