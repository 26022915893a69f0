/* mm/pmm_check.h: the check of a page allocator's invariants. Part of mm/pmm.h, which numbers them.
 */
#ifndef MORTISE_MM_PMM_CHECK_H
#define MORTISE_MM_PMM_CHECK_H

#include "pmm_types.h"

/* NULL, or the invariant that is broken ("P4: ..."). All is counted anew, from the bits up. No
 * other CPU may be inside the allocator: no lock is taken. O(blocks in use + extents + regions of
 * the map). */
const char *pmm_check(struct pmm *);

#endif
