/* mm/mem_sweep.h: entries in any order and with any overlaps become a sorted list of regions.
 *
 * What a page becomes is said in mm/memmap.h. Entries are struct mem_region without an owner, their
 * addresses in bytes, none empty, none wrapping, and all of a type that can be stored.
 */
#ifndef MORTISE_MM_MEM_SWEEP_H
#define MORTISE_MM_MEM_SWEEP_H

#include "mem_region.h"

/* Sort entries by base, and by size where bases are equal, so that the result does not depend on
 * the order in which they came. O(n log n) whatever the input, no recursion, no memory. */
void mem_sweep_sort(struct mem_region *list, size_t count);

/* Make a sound list of regions of `count` entries, in place: the storage has room for 2 * count.
 * Allocatable memory below `floor`, a multiple of 4 KiB, becomes MEM_RESERVED. The number of
 * regions, at most 2 * count. O(n log n). */
size_t mem_sweep(struct mem_region *list, size_t count, hal_paddr_t floor);

#endif
