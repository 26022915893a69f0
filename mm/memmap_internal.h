/* mm/memmap_internal.h: what the memmap_*.c files share and nobody else needs. */
#ifndef MM_MEMMAP_INTERNAL_H
#define MM_MEMMAP_INTERNAL_H

#include "mm/memmap.h"

/* Count an anomaly and tell the map's listener. */
void memmap_note(struct memmap *, enum memmap_anomaly, paddr_t base, uint64_t size);

/* Index of the first region that ends after `addr`; `count` when there is none. O(log n). */
size_t memmap_index_of(const struct memmap *, paddr_t addr);

/* Same owner: both NULL, or the same text (equal literals of two files are one owner). */
bool memmap_same_owner(const char *a, const char *b);

#endif
