/* mm/scan.h: the search that misses nothing: every free run of a zone, over the borders of blocks.
 *
 * A free run that does not lie in one block or one extent is the end of an open block, an extent or
 * nothing, and the beginning of an open block, for extents do not touch (P5). The lists cannot show
 * such a run; this search can. What invariant P6 promises rests on it.
 */
#ifndef MM_SCAN_H
#define MM_SCAN_H

#include "mm/lists.h"

/* The lowest place where `pages` free pages lie together, at a multiple of 1 << align_shift pages
 * (0 to 18). False: there is none. The zone's lock is held. O(blocks in use + extents). */
bool scan_find(const struct lists *, size_t pages, unsigned align_shift, struct place *out);

/* The lowest page that is PAGE_RETURNED. False: there is none. The zone's lock is held. O(blocks in use
 * + extents). */
bool scan_find_returned(const struct lists *, struct place *out);

#endif
