/* mm/page_check.h: a tree of page tables read as a whole, and held against its invariants.
 */
#ifndef MORTISE_MM_PAGE_CHECK_H
#define MORTISE_MM_PAGE_CHECK_H

#include "page_tree.h"

/* NULL, or the invariant of mm/aspace.h that is broken ("A2: ..."), by reading every table that is
 * the tree's own: all of A1, A2 and A7, of A6 that no page of the upper half is open to users, and of
 * A3, A4 and A5 what breaking them leaves behind. O(tables). */
const char *page_check(const struct page_tree *);

#endif
