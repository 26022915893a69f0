/* mm/zone.h: one zone: which pages a request gets, what a free is, and the zone's counters.
 *
 * Every function wants the zone's lock held unless it says otherwise. Places and blocks are
 * numbered as mm/region.h says. Costs are O(1) unless said.
 */
#ifndef MORTISE_MM_ZONE_H
#define MORTISE_MM_ZONE_H

#include "../hal/hal.h"
#include "lists.h"
#include "pmm_types.h"
#include "scan.h"
#include "status.h"

struct zone {
    struct hal_lock lock;
    uint32_t node, id; /* which zone of the allocator this is */
    uint32_t cpus;  /* of the node; each has a share of what may be parked, and no other CPU has */
    uint64_t total; /* pages that the allocator owns here */
    uint64_t free;  /* of them, neither allocated nor in an owned block */
    uint64_t low_water; /* the least `free` ever was */
    uint64_t reserve;   /* pages that only a request for this zone may use: none, or total / 4 */
    uint64_t allocs, frees, failures;
    uint64_t bad;                  /* pages that are kept from use; not in `total` */
    struct pmm_retiring *retiring; /* pages in use that become bad when they are given back */
    uint32_t owned;                /* blocks that CPUs own */
    uint32_t
        seekers;    /* calls that look for what was parked: no CPU comes to own a block meanwhile */
    bool magazines; /* large enough for CPUs to own blocks */
    struct lists lists;
};

/* May CPUs own blocks here? Memory that is reclaimed can make it so at any time. No lock. */
static inline bool zone_has_magazines(const struct zone *z)
{
    return __atomic_load_n(&z->magazines, __ATOMIC_RELAXED);
}

/* --- taking --- */

/* Take a run of `pages`, at most z->free, at a multiple of 1 << align_shift pages (0 to 18), that
 * the lists show. They may miss one that crosses blocks or is aligned by luck. O(blocks of the
 * run). */
bool zone_take_run(struct zone *, size_t pages, unsigned align_shift, enum block_class,
                   struct place *out);

/* Search for a run a piece further, and take it when it is found. The pages are at most z->free.
 * The lock may be given up between pieces. O(1), and O(blocks of the run) when it is found. */
enum scan_result zone_scan_run(struct zone *, struct scan *, enum block_class, struct place *out);

/* Take one page from the partly used block of that class that has the least to lose. False when the
 * class has none. */
bool zone_take_page(struct zone *, enum block_class, struct place *out);

/* Search a piece further for a page that was given back to a block which a CPU owns, and take it;
 * it stays in that block. The lock may be given up between pieces. O(1). */
enum scan_result zone_take_returned(struct zone *, struct scan *, struct place *out);

/* Of `pages` from the place on, within its region: how many are free before the first that is not?
 * O(blocks of the run). */
uint64_t zone_free_pages(const struct zone *, struct place, size_t pages);

/* Are they all free? */
static inline bool zone_is_free(const struct zone *z, struct place at, size_t pages)
{
    return zone_free_pages(z, at, pages) == pages;
}

/* Take exactly these pages, which zone_is_free() says are free. O(blocks of the run). */
void zone_take_at(struct zone *, struct place, size_t pages, enum block_class);

/* --- giving --- */

/* What would it be to give back `pages` from the place on? MM_OK, MM_INTERIOR,
 * MM_PARKED, MM_RESERVED, MM_ALREADY_FREE, MM_WRONG_LENGTH. Changes nothing.
 * O(blocks of the run). */
mm_status_t zone_judge_free(const struct zone *, const struct region *, struct place, size_t pages);

/* Judge, and give the run back when the answer is MM_OK. O(blocks of the run). */
mm_status_t zone_give(struct zone *, const struct region *, struct place, size_t pages);

/* The same for a single page, in fewer steps. */
mm_status_t zone_give_page(struct zone *, const struct region *, struct place);

/* --- blocks that a CPU owns --- */

/* Open a block of the smallest extent, for single pages of that class; it is in no list.
 * BLOCK_NONE: there is no extent. */
uint32_t zone_open_block(struct zone *, enum block_class);

/* Has this open block only single pages, and none of a run? */
bool zone_has_singles_only(const struct zone *, uint32_t block);

/* An open block leaves its list and belongs to `owner` (1 + the CPU): its free pages are parked,
 * and no longer counted as free. A bit for each word of the block that has any. */
unsigned zone_own_block(struct zone *, uint32_t block, uint32_t owner);

/* Panic: a page was given back by the CPU that owns its block and by another one at the same time.
 * Neither saw the other, so both were told that all is well. */
_Noreturn void zone_freed_twice(void);

/* The block has no owner any more. What is parked in it or was returned to it is free, and the
 * block is in a list or an extent again, as its pages say. False: no page of it is free. */
bool zone_disown_block(struct zone *, uint32_t block);

/* --- setting up --- */

/* Pages of a region that is being set up or reclaimed become `state`: PAGE_FREE or PAGE_WITHHELD.
 * `fresh`: none of them was ever set before. O(pages / 512) at most, O(1) for fresh whole blocks.
 */
void zone_add_pages(struct zone *, const struct region *, uint64_t page, uint64_t pages,
                    enum page_state state, bool fresh);

#endif
