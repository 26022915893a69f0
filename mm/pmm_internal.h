/* mm/pmm_internal.h: the allocator's own structures; for mm/pmm*.c, mm/magazine.c and the tests
 * that break invariants on purpose. */
#ifndef MM_PMM_INTERNAL_H
#define MM_PMM_INTERNAL_H

#include "mm/zone.h"

#define BASE_NONE  1u /* no page starts there */
#define HAND_PAGES 64u

/* A block that a CPU owns, and a hand of its parked pages, last freed on top. Every page in the
 * hand is PAGE_PARKED; a parked page need not be in the hand. Without a block, `bits` is a block of
 * zeroes, `base` BASE_NONE and the hand empty: nothing fits. */
struct magazine {
    struct block_bits *bits;
    paddr_t base;  /* of the block */
    uint32_t held; /* pages in the hand */
    uint32_t block;
    struct zone *zone;
    uint64_t allocs, frees; /* not yet added to the zone's */
    uint16_t hand[HAND_PAGES];
    uint64_t unused[2];
};
_Static_assert(sizeof(struct magazine) % 64 == 0, "magazines share no cache line");

/* Single pages come from the first two; those that are freed near one another, as when a process
 * ends, go to the others. */
#define MAGAZINE_GIVES 4u
enum magazine_kind {
    MAGAZINE_PAGES,
    MAGAZINE_KERNEL,
    MAGAZINE_GIVE,
    MAGAZINE_COUNT = MAGAZINE_GIVE + MAGAZINE_GIVES,
};

/* One CPU's part; no other CPU writes it. */
struct pmm_cpu {
    struct magazine magazines[MAGAZINE_COUNT];
    uint64_t last_freed[2]; /* physical block numbers of the last pages freed, not parked */
    uint32_t region_hint;
    uint32_t index;
    uint32_t next_give; /* the GIVE magazine that is replaced next */
    uint32_t unused[9];
};
_Static_assert(sizeof(struct pmm_cpu) % 64 == 0, "CPUs share no cache line");

/* Firmware memory that waits for pmm_reclaim(). */
struct withheld {
    uint64_t first_page, pages;
    bool reclaimed;
};

struct pmm {
    const struct memmap *map;
    struct zone *zones[PMM_ZONE_COUNT]; /* NULL: no memory there */
    struct region *regions;             /* by address */
    size_t region_count;
    struct withheld *withheld; /* by address */
    size_t withheld_count;
    struct pmm_cpu *cpus;
    unsigned cpu_count;
    size_t table_bytes;
    struct block_bits *no_block; /* zeroes: what an empty magazine points at */
    bool debugging;
    struct pmm_debug debug;
    uint64_t operations;
    uint64_t failures; /* calls whose zones all have no memory */
};

/* The region that holds a page, or NULL. `hint` is tried first and remembers. */
const struct region *pmm_find_region(const struct pmm *, uint64_t page, uint32_t *hint);

/* A page address from the hand, 0 when it is empty. */
static inline paddr_t magazine_take(struct magazine *m)
{
    if (__builtin_expect(m->held == 0, 0))
        return 0;
    unsigned index = m->hand[--m->held];
    uint64_t *own = &m->bits->word[index / 64].own;
    bits_store(own, bits_load(own) | (uint64_t)1 << (index % 64));
    m->allocs++;
    return m->base + (paddr_t)index * PAGE_SIZE;
}

/* Park page `index` of the block. False when it is not allocated; the zone judges then. */
static inline bool magazine_park(struct magazine *m, unsigned index)
{
    struct page_bits *w = &m->bits->word[index / 64];
    uint64_t own = bits_load(&w->own);
    uint64_t bit = (uint64_t)1 << (index % 64);
    if (__builtin_expect((own & bits_load(&w->zone) & bit) == 0, 0))
        return false;
    bits_store(&w->own, own & ~bit);
    if (m->held < HAND_PAGES)
        m->hand[m->held++] = (uint16_t)index;
    m->frees++;
    return true;
}

/* magazine.c: this CPU only, interrupts disabled, no lock held. */
void magazine_clear(struct magazine *, const struct pmm *);
bool magazine_draw(struct magazine *); /* fill the empty hand; false: nothing is parked */
/* A page after the hand ran out: the CPU owns another block then, or the page comes from one that
 * is not worth owning. PADDR_NONE: the zone has no block of that kind. */
paddr_t magazine_refill(struct pmm *, struct pmm_cpu *, enum magazine_kind, struct zone *);
void magazine_release_all(struct pmm *, struct pmm_cpu *);
void magazine_saw_free(struct pmm *, struct pmm_cpu *, const struct region *, uint64_t page);

/* pmm_debug.c: called in a debug mode, no lock held. */
void pmm_debug_taken(struct pmm *, paddr_t base, size_t pages, uint32_t flags, const void *caller);
void pmm_debug_before_free(struct pmm *, paddr_t base, size_t pages);
void pmm_debug_fill(paddr_t base, uint64_t pages); /* junk */
void pmm_debug_record(struct pmm *, const struct pmm_op *op);

#endif
