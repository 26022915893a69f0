/* mm/pmm_split.h: cut an allocated run in two, so that a part of it can be given back. Part of
 * mm/pmm.h, which says what the words mean. */
#ifndef MORTISE_MM_PMM_SPLIT_H
#define MORTISE_MM_PMM_SPLIT_H

#include "pmm_types.h"
#include "status.h"

/* The run of `pages` pages at `base` becomes two: one of `first` pages (1 to pages - 1) at `base`,
 * and the rest. Each is given back, or split again, by itself. No page changes hands and no content
 * is touched; it counts as one more run taken (`allocs`), for now one more is given back.
 *
 * Whoever is wrong about the run gets the answer that pmm_free(base, pages) would give, and nothing
 * is changed: MM_NOT_PAGE, MM_FOREIGN, MM_RESERVED, MM_ALREADY_FREE, MM_PARKED,
 * MM_INTERIOR, MM_WRONG_LENGTH, MM_BAD. After these: MM_INVALID, when one part would be empty.
 *
 * Any context but NMI. Takes the zone's lock, for O(1 + pages / 512). */
mm_status_t pmm_split(struct pmm *, hal_paddr_t base, size_t pages, size_t first) MM_MUST_CHECK;

#endif
