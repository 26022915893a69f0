/* mm/pmm_check.h: the check of a page allocator's invariants. Part of mm/pmm.h, which numbers them.
 */
#ifndef MORTISE_MM_PMM_CHECK_H
#define MORTISE_MM_PMM_CHECK_H

#include "pmm_types.h"

/* NULL, or the invariant that is broken ("P4: ..."). All is counted anew, from the bits up. No
 * lock is taken, so nothing else may be inside the allocator meanwhile: no other CPU, and no
 * interrupt handler of this one. O(blocks in use + extents + regions of the map). */
const char *pmm_check(struct pmm *);

#endif
