/* mm/pmm_state.h: what a page is where its bits do not say. For mm/pmm*.c. */
#ifndef MORTISE_MM_PMM_STATE_H
#define MORTISE_MM_PMM_STATE_H

#include "pmm_struct.h"
#include "status.h"

/* Why a page that is in no region cannot be given or taken: MM_RESERVED or MM_FOREIGN. No
 * lock; O(log regions of the map). */
mm_status_t pmm_judge_outside(const struct pmm *, uint64_t page);

#endif
