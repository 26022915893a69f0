/* mm/stash.h: a CPU's stash: single pages that it gave back, at hand for its next requests, and the run
 * that it took last and gave back (mm/own_run.h). The run has at most a block's pages.
 *
 * In memory that is in long use pages come back to blocks all over, one here and one there, and none of
 * these blocks is worth owning. To file such a page, only to look for another one a moment later, would
 * be most of the work. So it stays where it is, the CPU remembers the place, and the block's summary
 * and list hear nothing of it: to them the page is in use.
 *
 * A stash is its CPU's own, but for what mm/own_run.h lets others do. What is written to a block is
 * written under the zone's lock.
 *
 * Invariants:
 *   S1  all of it lies in one zone, the first that its CPU's requests look into, of the CPU's own node;
 *       never a DMA zone
 *   S2  the page, or the first page of the run, is PAGE_PARKED, in an open block that no CPU owns and of
 *       which no page is withheld. Each such page is in one stash
 *   S3  a page comes into it while zone_may_park() allows a full stash, a run while it allows that and
 *       the run; so at most a quarter of a zone is ever in stashes. Nothing does while a page of the zone
 *       waits to become bad: the zone must hear of each page that is given back then. Nor has a CPU such
 *       a page in its run
 *   S4  a zone is left under its lock. So whoever holds the lock and finds the zone here may settle the run
 *
 * Interrupts are disabled wherever a stash is used. Costs are O(1), and O(log regions) where a run is
 * kept or put back.
 */
#ifndef MORTISE_MM_STASH_H
#define MORTISE_MM_STASH_H

#include "own_run.h"

#define STASH_PAGES 64u
#define STASH_ALL   (STASH_PAGES + BLOCK_PAGES) /* with the run */

struct stash {
    struct zone *zone; /* NULL: nothing is ever stashed */
    uint64_t last_run; /* the first page of the run that this CPU took last, or 0. A single page is
                         * one where the CPU owns no blocks */
    struct own_run run;
    uint32_t count; /* of `pages` */
    struct place pages[STASH_PAGES];
};

/* It is empty, and a CPU of the node has it, whose requests look into the zone first; NULL: into none. */
void stash_init(struct stash *, struct zone *, uint32_t node);

/* Put all back, for the CPU goes to another node. Before stash_init(). */
void stash_leave(struct stash *);

/* Is it for the zone? For any CPU, with the zone's lock held. */
static inline bool stash_is_for(const struct stash *st, const struct zone *z)
{
    return __atomic_load_n(&st->zone, __ATOMIC_RELAXED) == z;
}

/* Put all back into the zone, whose lock is not held. False: there was nothing. A CPU that waits for the
 * lock may run this meanwhile (hal_call_others()). */
bool stash_release(struct stash *);

/* The same for the pages of one block. Zone locked. */
void stash_release_block(struct stash *, uint32_t block);

/* --- giving; zone locked --- */

#define STASH_TIGHT 2u

/* Stash `page`, which lies at a place of an open block that nobody owns. False, and nothing is changed:
 * the stash is full or for another zone, or the block or the page is none for it. A block with a free run
 * longer than STASH_TIGHT is not where single pages are taken from next, so it is left to become empty,
 * unless this CPU took the page last. */
static inline bool stash_page(struct stash *st, struct zone *z, struct place at, uint64_t page)
{
    if (st->count == STASH_PAGES || st->zone != z ||
        (z->lists.summaries[at.block].longest > STASH_TIGHT && page != st->last_run) ||
        !zone_may_park(z, STASH_PAGES) || !zone_stash(z, CLASS_PAGES, at, 1))
        return false;
    st->pages[st->count++] = at;
    return true;
}

/* The same for a run that begins with `page`, of 2 to 512 pages, in place of the one that is there. A run
 * of the kernel's is none for others. */
static inline bool stash_run(struct stash *st, struct zone *z, struct place at, uint64_t page,
                             size_t pages)
{
    if (st->zone != z || pages > BLOCK_PAGES || !zone_may_park(z, STASH_PAGES + pages) ||
        !zone_stash(z, CLASS_RUNS, at, pages))
        return false;
    own_run_keep(&st->run, z, page, pages);
    return true;
}

/* --- taking; no lock held --- */

/* The page that came last, or HAL_PADDR_NONE. */
static inline hal_paddr_t stash_take_page(struct stash *st)
{
    if (st->count == 0)
        return HAL_PADDR_NONE;
    st->count--;
    return zone_take_stashed(st->zone, st->pages[st->count]);
}

#endif
