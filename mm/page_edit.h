/* mm/page_edit.h: one change of a tree of page tables: map, unmap or protect a range.
 *
 * The caller has checked the range and its prot as mm/aspace.h lists; what is refused here is what the
 * tables themselves say. Invariants A2 to A5, A7 and A8 are kept here.
 */
#ifndef MORTISE_MM_PAGE_EDIT_H
#define MORTISE_MM_PAGE_EDIT_H

#include "page_tree.h"

enum page_edit_kind { PAGE_MAP, PAGE_UNMAP, PAGE_PROTECT };

struct page_edit {
    enum page_edit_kind kind;
    hal_vaddr_t virt, last; /* whole pages of one half, from the first byte to the last */
    hal_paddr_t phys;       /* PAGE_MAP: where `virt` leads */
    uint32_t prot;          /* PAGE_MAP, PAGE_PROTECT: ASPACE_* */
};

/* Make the change, and flush what it removed or changed here and on the other CPUs.
 *   MM_OVERLAP    PAGE_MAP: a page of the range is mapped
 *   MM_UNMAPPED   otherwise: a page of the range is not mapped
 *   MM_TYPE       PAGE_PROTECT: the memory type of a page is another
 *   MM_NO_MEMORY  the source gave too few pages for tables; they were all given back
 * and then nothing has changed. O(tables of the range). */
mm_status_t page_edit(struct page_tree *, const struct page_edit *) MM_MUST_CHECK;

#endif
