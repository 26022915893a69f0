/* mm/pmm_retire.h: bad pages: kept from use for ever. Part of mm/pmm.h, which says what the words
 * mean.
 *
 * A bad page is nobody's: it is not in `total`, it is never found, and it cannot be taken, given back
 * or retired again (MM_BAD). All other pages of its block stay in use, in runs and singly, but no
 * CPU comes to own the block. Pages that are known to be bad before the allocator is made are given to
 * the map (memmap_retire() in mm/memmap.h), so that nothing that is taken out of the map before
 * lies there either.
 */
#ifndef MORTISE_MM_PMM_RETIRE_H
#define MORTISE_MM_PMM_RETIRE_H

#include "pmm_types.h"
#include "status.h"

/* Keep a page from use from now on, or, when it is in use, from when it is given back: allocated
 * pages by pmm_free(), those that the firmware still uses by pmm_reclaim(). `later` is for such a
 * page: zeroed before, and not touched by the caller while pmm_retires_later() says true. With
 * `later` NULL a page in use is not retired.
 *   MM_INVALID   `later` waits for another page already
 *   MM_NOT_PAGE, MM_FOREIGN, MM_RESERVED   as pmm_free(), outside the regions
 *   MM_BAD       the page is bad, or becomes so when it is given back
 *   MM_BUSY      it is in use, and `later` is NULL; or another CPU owns its block or has pages of it
 *                    in its stash, and the port cannot reach that CPU (hal_call_others()): once it has called pmm_drain(), try
 *                    again
 * Any context but NMI. Takes the zone's lock for O(1 + pages that wait). While pages wait, each free
 * looks through their list, too. Where a CPU has parked pages of the block, it calls the other CPUs. */
mm_status_t pmm_retire(struct pmm *, hal_paddr_t base, struct pmm_retiring *later) MM_MUST_CHECK;

/* Is the page of this record still in use? Any context, no lock. */
bool pmm_retires_later(const struct pmm_retiring *);

#endif
