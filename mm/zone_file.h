/* mm/zone_file.h: where a zone's blocks are filed: partly used blocks by longest run, extents by
 * length. Used by zone.c only. Under the zone's lock; costs are O(1) unless said. */
#ifndef MM_ZONE_FILE_H
#define MM_ZONE_FILE_H

#include "mm/zone.h"

/* The first list at or after `from` (0..192) that has a block, or RUN_BINS. */
unsigned run_bin_next(const struct run_bins *, unsigned from);

/* File an open block under `longest` (1..511), or take it out. */
void run_bin_add(struct zone *, uint32_t block, unsigned longest);
void run_bin_remove(struct zone *, uint32_t block);

/* Make [first, first + length) a free extent and file it; nothing is merged. */
void extent_file(struct zone *, uint32_t first, uint32_t length);

/* The same, merged with the free extents that touch it (P5). */
void extent_add(struct zone *, const struct region *, uint32_t first, uint32_t length);

/* Open `count` blocks from `at` on, all inside the free extent that starts at `first`; what is left
 * of the extent is filed again. The blocks are wholly free and not filed. O(count). */
void extent_open(struct zone *, uint32_t first, uint32_t at, uint32_t count, enum block_class);

/* The first block of the extent that holds the closed `block`. O(distance / 64). */
uint32_t extent_first(const struct zone *, const struct region *, uint32_t block);

/* Of the free extents, find one with `count` blocks at a multiple of `align` blocks (physical):
 * the smallest that fits, or a larger one. Bounded: may miss one. The extent and the place. */
bool extent_find(const struct zone *, uint32_t count, uint32_t align, uint32_t *first,
                 uint32_t *at);

/* Start an open block whose pages are all in `state`. Not filed. */
void block_open(struct zone *, uint32_t block, uint32_t frame, enum block_class, enum page_state);

/* A withheld extent: closed, never filed. */
void extent_withhold(struct zone *, uint32_t first, uint32_t length);

#endif
