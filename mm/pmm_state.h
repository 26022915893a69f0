/* mm/pmm_state.h: what a page is where its bits do not say. For mm/pmm*.c.
 *
 * A page of a region that reads PAGE_WITHHELD, or lies in a withheld extent, is withheld by the
 * firmware when it lies in a piece of the list `withheld` that was not reclaimed. In a window, all of
 * whose blocks are added or removed as a whole, it is absent when its block is closed. Else it is bad.
 */
#ifndef MORTISE_MM_PMM_STATE_H
#define MORTISE_MM_PMM_STATE_H

#include "pmm_struct.h"
#include "status.h"

/* Does the firmware still use this page? No lock; O(log withheld). */
bool pmm_withholds(const struct pmm *, uint64_t page);

/* Why a page that is in no region cannot be given or taken: MM_RESERVED or MM_FOREIGN. No
 * lock; O(log regions of the map). */
mm_status_t pmm_judge_outside(const struct pmm *, uint64_t page);

/* The same for a page of a region that reads PAGE_WITHHELD or lies in a withheld extent: MM_RESERVED,
 * MM_FOREIGN (nobody has added it) or MM_BAD. Zone locked. O(log withheld). */
mm_status_t pmm_judge_kept(const struct pmm *, const struct region *, uint64_t page);

/* The zone's total has changed: whether it has magazines (at most a quarter of it may be parked by all
 * CPUs together), and the reserve of DMA (a quarter). Zone locked. */
void pmm_zone_resized(struct zone *);

#endif
