/* mm/scan.h: the search that misses nothing: every free run of a zone, over the borders of blocks.
 *
 * Free extents do not touch (P5), so a free run that crosses the border of a block is the free end
 * of an open block, an extent or nothing, and the free beginning of an open block:
 *
 *     block     4            5           6           7
 *          |used   free|    extent, wholly free   |free   used|
 *               `------------- one run --------------'
 *
 * The lists cannot show such a run; this search can. What invariant P6 promises rests on it.
 *
 * It looks at every block in use, and there may be many of them. So it goes in pieces, and the lock
 * may be given up in between. A run that is free all the time is found, whatever else changes.
 */
#ifndef MORTISE_MM_SCAN_H
#define MORTISE_MM_SCAN_H

#include "lists.h"

/* What is searched for, and how far the search has come. */
struct scan {
    size_t pages;         /* at least 1 */
    unsigned align_shift; /* at a multiple of 1 << align_shift pages, 0 to 18 */
    uint32_t region;      /* all regions below are done */
    uint32_t block;       /* and all runs that begin below this block of the region; at first 0 */
    uint64_t limit;       /* the first page that the run may not have; 0: no limit */
    uint64_t boundary;    /* in pages: a power of two, at least `pages`, no multiple of which lies
                             inside the run; 0: none */
};

/* Is there more to keep to than what the lists know? */
static inline bool scan_is_bounded(const struct scan *s)
{
    return s->limit != 0 || s->boundary != 0;
}

enum scan_result { SCAN_FOUND, SCAN_MORE, SCAN_NOTHING };

/* Search a piece further: the lowest place that serves, SCAN_MORE to be called again, or
 * SCAN_NOTHING when the zone has none. The zone's lock is held. O(1): at most 256 blocks and
 * extents. */
enum scan_result scan_piece(const struct lists *, struct scan *, struct place *out);

/* The same for one page that is PAGE_RETURNED, in a block that a CPU owns. */
enum scan_result scan_returned(const struct lists *, struct scan *, struct place *out);

#endif
