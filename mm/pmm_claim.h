/* mm/pmm_claim.h: take pages by their address. Part of mm/pmm.h, which says what the words mean. */
#ifndef MORTISE_MM_PMM_CLAIM_H
#define MORTISE_MM_PMM_CLAIM_H

#include "pmm_types.h"
#include "status.h"

/* Take exactly these pages, all or nothing. MM_BUSY when one is allocated (or parked with
 * another CPU, where the port has no hal_call_others()), MM_NOT_PAGE, MM_INVALID (0 pages,
 * or the range crosses the end of a zone or of a node), MM_FOREIGN, MM_RESERVED, MM_BAD. The contents are left
 * alone, junk mode or not. Any context but NMI. Takes the zone's lock, for O(1 + pages / 512) and a
 * step for every 128 MiB of free memory that lies directly below the pages. */
mm_status_t pmm_claim(struct pmm *, hal_paddr_t base, size_t pages) MM_MUST_CHECK;

#endif
