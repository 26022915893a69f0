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
    uint32_t stashed;              /* pages and runs in the stashes of CPUs, in use or not */
    uint32_t seekers; /* calls that look for what was parked: nothing more is parked meanwhile */
    bool magazines;   /* large enough for CPUs to own blocks */
    struct lists lists;
};

/* May CPUs own blocks here? Memory that is reclaimed can make it so at any time. No lock. */
static inline bool zone_has_magazines(const struct zone *z)
{
    return __atomic_load_n(&z->magazines, __ATOMIC_RELAXED);
}

/* Has a CPU pages of the zone for itself? Perhaps only a run that is in use (mm/own_run.h). */
static inline bool zone_is_parked_in(const struct zone *z)
{
    return z->owned != 0 || z->stashed != 0;
}

/* May a CPU park up to so many pages more? Not while a call looks for what was parked, for it would miss
 * them; nor when the other CPUs could come to want them: if each CPU parked as much, a quarter of what is
 * free would be parked. */
static inline bool zone_may_park(const struct zone *z, uint64_t pages)
{
    return z->seekers == 0 && 4 * pages * z->cpus <= z->free;
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

/* Pages of the zone are not free any more. */
static inline void zone_count_taken(struct zone *z, uint64_t pages)
{
    z->free -= pages;
    if (z->free < z->low_water)
        z->low_water = z->free;
}

/* Take `pages` where they fit in a partly used block. The caller counts the call. */
static inline __attribute__((always_inline)) void zone_take_fit(struct zone *z, uint32_t block,
                                                                struct block_fit fit,
                                                                unsigned pages, struct place *out)
{
    struct lists *l = &z->lists;
    struct summary *s = &l->summaries[block];
    s->words &= (uint8_t)~block_take(&l->bits[block], fit.index, fit.index + pages, true);
    s->free = (uint16_t)(s->free - pages);
    lists_move(l, block, fit.longest);
    zone_count_taken(z, pages);
    *out = (struct place){block, fit.index};
}

/* The same in a block whose longest run has 1 to 511 `pages`. */
static inline __attribute__((always_inline)) void zone_take_in(struct zone *z, uint32_t block,
                                                               unsigned pages, struct place *out)
{
    zone_take_fit(z, block, lists_fit(&z->lists, block, pages, 0), pages, out);
}

/* The same in the partly used block of the class that has the least to lose. False, and nothing is
 * changed: none shows one. */
static inline __attribute__((always_inline)) bool
zone_take_within(struct zone *z, enum block_class class, unsigned pages, struct place *out)
{
    uint32_t block = lists_tightest(&z->lists, class, pages);
    if (block == BLOCK_NONE)
        return false;
    zone_take_in(z, block, pages, out);
    return true;
}

/* Take the first free page of a partly used block. Its address. */
hal_paddr_t zone_take_page(struct zone *, uint32_t block);

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

/* A block's longest free run has grown to `length` pages: it goes to the list for that, or is closed.
 */
void zone_grew(struct zone *, uint32_t block, unsigned length);

/* The same where the free run around a place may be the longest one now: it is measured. O(1). */
void zone_grew_around(struct zone *, struct place);

/* Give back the run of exactly `pages` at a place of an open block without an owner. False, and nothing
 * is changed: it is no such run, or it reaches the end of the block and is not the whole of it.
 * O(log regions). */
bool zone_give_long_run(struct zone *, struct place, size_t pages);

/* The same where the run ends before its word of the bits does, as nearly all do. `*grown` is not 0 when
 * the free run around it may be longer than the block's longest one was: the caller then calls
 * zone_grew() with it, or zone_grew_around() when it is RUN_GOES_ON. */
static inline __attribute__((always_inline)) bool
zone_give_short_run(struct zone *z, const struct place *at, size_t pages, unsigned *grown)
{
    struct summary *s = &z->lists.summaries[at->block];
    unsigned length;
    if (!block_give_run(&z->lists.bits[at->block], at->index, pages, &length))
        return false;
    z->frees++;
    z->free += pages;
    s->free = (uint16_t)(s->free + pages);
    s->words |= (uint8_t)(1u << at->index / 64);
    *grown = length > s->longest ? length : 0;
    return true;
}

/* --- what is in the stash of a CPU (mm/stash.h) --- */

/* What zone_stash() does for a whole block. */
bool zone_stash_block(struct zone *, uint32_t block);

/* The run of exactly `pages` at a place of an open block becomes parked, and counts as given back.
 * False, and nothing is changed: it is no such run, it reaches the end of its block and is not the whole
 * of it, or the block is not of the class, or has withheld pages. It has no owner. */
static inline __attribute__((always_inline)) bool zone_stash(struct zone *z, enum block_class class,
                                                             struct place at, size_t pages)
{
    const struct summary *s = &z->lists.summaries[at.block];
    struct block_bits *bits = &z->lists.bits[at.block];
    if (s->withheld || s->class != class ||
        !(pages == BLOCK_PAGES ? at.index == 0 && zone_stash_block(z, at.block)
                               : block_stash(bits, at.index, pages)))
        return false;
    z->frees++;
    z->stashed++;
    return true;
}

/* It is an allocated run again. */
static inline void zone_unstash(struct zone *z, struct place at)
{
    block_unstash(&z->lists.bits[at.block], at.index);
    z->stashed--;
}

/* Take such a run again. Its address. The lock is taken. */
static inline hal_paddr_t zone_take_stashed(struct zone *z, struct place at)
{
    hal_lock(&z->lock);
    zone_unstash(z, at);
    z->allocs++;
    hal_unlock(&z->lock);
    return lists_open_page(&z->lists, at) << HAL_PAGE_SHIFT;
}

/* Put it back for everybody. */
void zone_put_back(struct zone *, struct place, size_t pages);

/* Does a CPU own the block, or has it pages of it in its stash? */
bool zone_is_parked(const struct zone *, uint32_t block);

/* Is a page of an open block withheld, or bad? In other blocks the same bits say that it is parked. */
static inline bool zone_is_kept(const struct zone *z, struct place at)
{
    const struct summary *s = &z->lists.summaries[at.block];
    return s->withheld && block_state(&z->lists.bits[at.block], at.index) == PAGE_WITHHELD;
}

/* --- blocks that a CPU owns --- */

/* Open a block of the smallest extent, for single pages of that class; it is in no list.
 * BLOCK_NONE: there is no extent. */
uint32_t zone_open_block(struct zone *, enum block_class);

/* Has this open block only pages that are free or single, and none withheld, parked or of a run? */
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
