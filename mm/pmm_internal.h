/* mm/pmm_internal.h: the allocator's own structures; for mm/pmm*.c, mm/magazine.c and the tests
 * that break invariants on purpose. */
#ifndef MM_PMM_INTERNAL_H
#define MM_PMM_INTERNAL_H

#include "mm/zone.h"

#define FRAME_NONE UINT64_MAX

/* A block that a CPU owns. Without one, `bits` is a block of zeroes and nothing fits. */
struct magazine {
    struct block_bits *bits;
    uint64_t frame;  /* physical block number, FRAME_NONE without a block */
    uint32_t cursor; /* word that is tried first */
    uint32_t block;
    struct zone *zone;
    uint64_t allocs, frees; /* not yet added to the zone's */
};

/* One CPU's part; no other CPU writes it. */
struct pmm_cpu {
    struct magazine take[CLASS_COUNT]; /* pages come from here; CLASS_RUNS is never used */
    struct magazine give;              /* pages that are freed one after another go here */
    uint64_t last_freed;               /* physical block number of the last page freed */
    uint32_t region_hint;
    uint32_t index;
    uint8_t pad[48];
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
};

/* The region that holds a page, or NULL. `hint` is tried first and remembers. */
const struct region *pmm_find_region(const struct pmm *, uint64_t page, uint32_t *hint);

/* magazine.c: this CPU only, interrupts disabled, no lock held. */
void magazine_clear(struct magazine *, const struct pmm *);
uint64_t magazine_take(struct magazine *); /* a page number, 0: none parked here */
bool magazine_refill(struct pmm *, struct pmm_cpu *, enum block_class, struct zone *);
void magazine_release(struct pmm *, struct magazine *);
void magazine_release_all(struct pmm *, struct pmm_cpu *);
void magazine_adopt(struct pmm *, struct pmm_cpu *, const struct region *, uint64_t page);
uint64_t magazine_parked(const struct magazine *);

/* pmm_debug.c: called in a debug mode, no lock held. */
void pmm_debug_taken(struct pmm *, paddr_t base, size_t pages, uint32_t flags, const void *caller);
void pmm_debug_before_free(struct pmm *, paddr_t base, size_t pages);
void pmm_debug_fill(paddr_t base, uint64_t pages); /* junk */
void pmm_debug_record(struct pmm *, const struct pmm_op *op);

#endif
