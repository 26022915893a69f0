/* mm/pmm_length.h: how long an allocated run is, for hosts whose callers give back a pointer alone. Part of
 * mm/pmm.h, which says what the words mean. */
#ifndef MORTISE_MM_PMM_LENGTH_H
#define MORTISE_MM_PMM_LENGTH_H

#include "pmm_types.h"
#include "status.h"

/* The run that begins at `base` has `*pages` pages: with that length pmm_free() takes it back, as long as
 * nobody else gives it back or splits it meanwhile.
 *
 * Where none begins the answer is that of pmm_free(), and `*pages` is 0: MM_NOT_PAGE, MM_FOREIGN,
 * MM_RESERVED, MM_ALREADY_FREE, MM_PARKED, MM_INTERIOR, MM_BAD.
 *
 * Nothing is changed. Any context but NMI. Takes the zone's lock, for O(1 + pages / 512). */
mm_status_t pmm_length(struct pmm *, hal_paddr_t base, size_t *pages) MM_MUST_CHECK;

#endif
