/* mm/extents.h: extents, the runs of whole blocks that are free, or that the firmware still uses.
 *
 * The blocks of an extent are closed (mm/lists.h). Its first and its last summary are its tags:
 * both have its length in blocks and whether it is withheld. All between them is whatever was
 * there:
 *
 *     block      7        8         9         10        11        12
 *             | open | length 4 |   ...   |   ...   | length 4 | open |
 *                      first                          last
 *
 * So a neighbour finds the extent's other end from either side, and extents split and merge without
 * touching what lies inside. No extent crosses the border of a region. A free extent is in the list
 * for its length; a withheld one is in none, and merges with nothing.
 *
 * Lists: one for each length below 8 blocks, then four for each power of two.
 *
 * Every function wants the zone's lock held. Costs are O(1) unless said.
 */
#ifndef MORTISE_MM_EXTENTS_H
#define MORTISE_MM_EXTENTS_H

#include "lists.h"

/* The list for a length in blocks. */
unsigned extents_bin(uint32_t length);

/* Make the closed blocks [first, first + length) a free extent in the list for its length. Nothing
 * is merged. */
void extents_insert(struct lists *, uint32_t first, uint32_t length);

/* The same with blocks of the region that are open or withheld until now, merged with the free
 * extents that touch them (P5). The open ones are in no list. O(length). */
void extents_add(struct lists *, const struct region *, uint32_t first, uint32_t length);

/* Make the closed blocks [first, first + length) a withheld extent. */
void extents_withhold(struct lists *, uint32_t first, uint32_t length);

/* Cut `count` blocks from `at` on out of the free extent that starts at `first`; what is left of it
 * on either side becomes an extent of its own. The blocks are to be opened at once, for they lie in
 * no extent then. */
void extents_cut(struct lists *, uint32_t first, uint32_t at, uint32_t count);

/* The first block of the extent that extents_find() would find for one block, or BLOCK_NONE. */
uint32_t extents_smallest(const struct lists *);

/* Cut its first block out of the free extent that starts there, as extents_cut() does. */
void extents_shorten(struct lists *, uint32_t first);

/* The same as extents_cut(), and open them with all pages free and in no list yet. O(count). */
void extents_open(struct lists *, uint32_t first, uint32_t at, uint32_t count, enum block_class);

/* The first block of the extent that holds the closed `block`. O(distance / 64). */
uint32_t extents_first(const struct lists *, const struct region *, uint32_t block);

/* Find a free extent that has `count` blocks at a multiple of `align` blocks of physical memory:
 * the smallest that fits, or a larger one. Its first block, and the place. Bounded: of extents that
 * do not fit only the first few are tried, so one may be missed. */
bool extents_find(const struct lists *, uint32_t count, uint32_t align, uint32_t *first,
                  uint32_t *at);

#endif
