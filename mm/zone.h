/* mm/zone.h: one zone: its blocks, where they are filed, and runs taken from and given to it.
 *
 * A zone numbers the blocks of its regions one after another; `bits` and `summaries` are indexed by
 * that number. A block is in one of two conditions:
 *
 *   open    its bits and summary are true (`open` bit set). Partly used blocks are filed by class
 *           and longest free run; full ones and owned ones are not filed.
 *   closed  it lies in an extent: a run of blocks that are wholly free, or wholly withheld. Only
 *           the first and the last summary of an extent mean something (`length`, `withheld`);
 *           nothing else of it was ever written, which makes creation O(regions).
 *
 * A group of 512 `open` bits is itself only true when its `open_valid` bit is set, for the same
 * reason.
 *
 * Every function wants the zone's lock held unless it says otherwise.
 */
#ifndef MM_ZONE_H
#define MM_ZONE_H

#include "hal/hal.h"
#include "mm/block.h"
#include "mm/pmm.h"

#define BLOCK_NONE UINT32_MAX

/* Blocks are kept apart by what lives in them: long-lived pages do not pin blocks that others could
 * have whole, and blocks of single pages can be owned. */
enum block_class { CLASS_RUNS, CLASS_PAGES, CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES, CLASS_COUNT };

struct summary {
    uint32_t prev, next; /* neighbours where it is filed */
    union {
        uint32_t length; /* closed, first and last of an extent: its blocks */
        uint32_t frame;  /* open: physical block number, address / 2 MiB */
    };
    uint16_t free;    /* open, no owner: PAGE_FREE pages */
    uint16_t longest; /* open: the run it is filed under, 0 when it is not filed */
    uint16_t owner;   /* open: 0, or 1 + the CPU that owns it */
    uint8_t class;    /* open: enum block_class */
    uint8_t withheld; /* has withheld pages; a withheld extent */
};
_Static_assert(sizeof(struct summary) == 20, "20 bytes a block: 2.3 bits a page in all");

/* Lists of blocks by longest run: one for each length below `exact_bins`, then 7 lengths a list. A
 * small zone has fewer, for its tables shall be small too. */
#define RUN_BINS       192u /* at most */
#define RUN_BINS_ABOVE 64u  /* of them, for lengths from `exact_bins` on */
struct run_bins {
    uint64_t mask[RUN_BINS / 64];
    uint32_t *head; /* exact_bins + RUN_BINS_ABOVE of them */
};

#define EXTENT_BINS 128u
struct extent_bins {
    uint64_t mask[EXTENT_BINS / 64];
    uint32_t head[EXTENT_BINS];
};

struct region {
    uint64_t first_page;
    uint64_t pages;
    uint32_t first_block; /* the zone's number of the block that holds first_page */
    uint32_t blocks;
    uint32_t zone; /* enum pmm_zone */
    uint32_t unused;
};

struct zone {
    struct hal_lock lock;
    enum pmm_zone id;
    uint32_t cpus;
    uint32_t blocks;
    uint64_t total, free, low_water, reserve;
    uint64_t allocs, frees, failures;
    struct block_bits *bits;
    struct summary *summaries;
    uint64_t *open;
    uint64_t *open_valid;
    const struct region *regions; /* this zone's, by address */
    uint32_t region_count;
    uint32_t exact_bins; /* 64 or 128 */
    bool magazines;      /* large enough for CPUs to own blocks */
    struct run_bins bins[CLASS_COUNT];
    struct extent_bins extents;
};

/* Where a run starts: a block of the zone and a page in it. */
struct place {
    uint32_t block;
    uint32_t index;
};

/* May CPUs own blocks here? Memory that is reclaimed can make it so at any time. No lock. */
static inline bool zone_has_magazines(const struct zone *z)
{
    return __atomic_load_n(&z->magazines, __ATOMIC_RELAXED);
}

bool zone_block_is_open(const struct zone *, uint32_t block);

/* The region that holds a block of this zone. No lock. O(log regions). */
const struct region *zone_region_of(const struct zone *, uint32_t block);
uint64_t zone_page_of(const struct zone *, struct place);

/* The page number of a place in an open block, from its summary. O(1). */
uint64_t zone_open_page_of(const struct zone *, struct place);
struct place zone_place_of(const struct region *, uint64_t page);

/* First block at or after the given one where the walk goes on: the next one, or behind the
 * extent. */
uint32_t zone_next_block(const struct zone *, uint32_t block);

/* Take a run of `pages`, at most z->free, aligned to 1 << align_shift pages (0..18).
 * zone_take_run looks into the files: O(1), and may miss a run that straddles blocks or has an
 * unlucky alignment. zone_take_scattered looks at every free run of the zone and misses none (P6):
 * O(blocks in use). */
bool zone_take_run(struct zone *, size_t pages, unsigned align_shift, enum block_class,
                   struct place *out);
bool zone_take_scattered(struct zone *, size_t pages, unsigned align_shift, enum block_class,
                         struct place *out);

/* Take one page from the partly used block of that class that has the least to lose. False when
 * the class has none. */
bool zone_take_page(struct zone *, enum block_class, struct place *out);

/* Take exactly these pages; the caller has seen that all are free. */
void zone_take_at(struct zone *, struct place, size_t pages, enum block_class);

/* Are `pages` from `place` on (within `region`) all free? */
bool zone_is_free(const struct zone *, struct place, size_t pages);

/* What would pmm_free(place, pages) be? Changes nothing. */
status_t zone_judge_free(const struct zone *, const struct region *, struct place, size_t pages);

/* Give back a run that zone_judge_free() approved. */
void zone_give_run(struct zone *, struct place, size_t pages);

/* Both for a single page, the usual case. */
status_t zone_give_page(struct zone *, const struct region *, struct place);

/* Has this open block only single pages, none of a run? */
bool zone_has_singles_only(const struct zone *, uint32_t block);

/* Put pages of a region that is being set up or reclaimed into `state` PAGE_FREE or PAGE_PARKED
 * (withheld). `fresh`: the region was never used before. */
void zone_add_pages(struct zone *, const struct region *, uint64_t page, uint64_t pages,
                    enum page_state state, bool fresh);

/* For magazines: unfile an open block; count it again, file it or close it when wholly free. */
uint32_t zone_best_block(const struct zone *, enum block_class);
uint32_t zone_open_smallest(struct zone *, enum block_class);
void zone_unfile(struct zone *, uint32_t block);
void zone_refile(struct zone *, uint32_t block);

/* Files, for pmm_check(). */
unsigned extent_bin_of(uint32_t length);
unsigned run_bin_of(const struct zone *, unsigned longest);

#endif
