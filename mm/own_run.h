/* mm/own_run.h: the run that a CPU took last and gave back, kept for its next request of that length.
 *
 * Whoever takes a run for a moment does so again and again. So the run stays the CPU's own: to take it
 * and to give it back is to change one flag, without the zone's lock. The bits of the block hear nothing
 * of it: they say PAGE_PARKED all the time, whether the run is at hand or in use.
 *
 * Nobody is misled: another CPU that meets a parked page, and must know more, makes an ordinary run of each
 * own run that is in use (own_run_settle()). Then the bits say what it is. The two CPUs exclude each other
 * by plain stores and loads that are sequentially consistent. The owner says that it is inside, then looks
 * whether the run is held; the other one says that the run is held, then waits until the owner is not
 * inside. So at least one of them sees the other. On x86-64 such a store is an XCHG of a word that no other
 * CPU writes (SDM vol. 3A, 8.2.3.9). No compiler makes a library call of it, as some do of a compare and
 * exchange.
 *
 * The life of a run. Double arrows are the CPU's alone, without a lock; at the others the zone is locked:
 *
 *     allocated ---- the CPU that took it last gives it back: keep ----> at hand ====> in use
 *         ^                                                              |   ^  give     |
 *         |                      free <---- anybody: release ------------+   +===========+
 *         |                                                                              |
 *         +---------------- anybody: settle, or release ---------------------------------+
 *
 * A free by another CPU, a split, a question for the length, a walk, a check and a retirement settle it. A
 * request that would fail releases it, like all else that is parked.
 *
 * Invariants:
 *   O1  `page` is the first of a run of `pages` in an open block that no CPU owns and of which nothing is
 *       withheld, and is PAGE_PARKED. The run is allocated when `in_use`, and parked otherwise
 *   O2  the zone's lock is held where a run becomes the CPU's own, where it ceases to be, and while it is
 *       `held`. While it is not, its CPU alone changes `in_use` and `takes`, and is `inside` meanwhile
 *
 * Costs are O(1) unless said. Interrupts are disabled wherever one is used.
 */
#ifndef MORTISE_MM_OWN_RUN_H
#define MORTISE_MM_OWN_RUN_H

#include "zone.h"

struct own_run {
    uint64_t page;
    uint64_t takes; /* of which the zone has not heard yet, nor of the frees that followed them */
    uint32_t pages; /* 2 to 512; 0: there is none */
    bool in_use;
    bool inside, held;
};

/* --- for its CPU; no lock held --- */

/* Has it exactly so many pages, and is it in use, or is it not? */
static inline bool own_run_is(const struct own_run *r, size_t pages, bool in_use)
{
    return __atomic_load_n(&r->pages, __ATOMIC_RELAXED) == pages &&
           __atomic_load_n(&r->in_use, __ATOMIC_RELAXED) == in_use;
}

/* Change whether it is in use. False, and nothing is changed: it is no such run, or held, or others have
 * settled it. */
static inline bool own_run_change(struct own_run *r, size_t pages, bool in_use)
{
    if (!own_run_is(r, pages, !in_use))
        return false;
    __atomic_store_n(&r->inside, true, __ATOMIC_SEQ_CST);
    bool can = !__atomic_load_n(&r->held, __ATOMIC_SEQ_CST) && r->pages != 0;
    if (can) {
        __atomic_store_n(&r->in_use, in_use, __ATOMIC_RELAXED);
        __atomic_store_n(&r->takes, r->takes + in_use, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&r->inside, false, __ATOMIC_RELEASE);
    return can;
}

/* Take it, if it is at hand, has exactly so many pages, and lies at a multiple of 1 << align_shift pages.
 * HAL_PADDR_NONE otherwise. */
static inline hal_paddr_t own_run_take(struct own_run *r, size_t pages, unsigned align_shift)
{
    return (r->page & (((uint64_t)1 << align_shift) - 1)) == 0 && own_run_change(r, pages, true)
               ? r->page << HAL_PAGE_SHIFT
               : HAL_PADDR_NONE;
}

/* Give it back. False, and nothing is changed: it is another run, or not in use. The zone judges then. */
static inline bool own_run_give(struct own_run *r, uint64_t page, size_t pages)
{
    return r->page == page && own_run_change(r, pages, false);
}

/* --- zone locked; O(log regions) --- */

/* Keep a run that is PAGE_PARKED now, in place of the one before. For its CPU. */
void own_run_keep(struct own_run *, struct zone *, uint64_t page, size_t pages);

/* When it is in use, it is an ordinary allocated run from now on. Was it? For any CPU. */
bool own_run_settle(struct own_run *, struct zone *);

/* There is none from now on: what was at hand is everybody's. Was anything? For any CPU. */
bool own_run_release(struct own_run *, struct zone *);

#endif
