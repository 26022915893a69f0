/* mm/page_tree.h: the page tables of one address space: a tree of tables, read from the root on.
 *
 * The format of an entry is mm/page_entry.h's; levels are counted from 0, the tables of 4 KiB pages.
 * A tree is changed by mm/page_edit.h, and the invariants A1 to A8 are those of mm/aspace.h, to which
 * a tree belongs. Calls on one tree are serialised by the caller.
 */
#ifndef MORTISE_MM_PAGE_TREE_H
#define MORTISE_MM_PAGE_TREE_H

#include "../hal/hal.h"
#include "page_source.h"
#include "status.h"

#define PAGE_TREE_LEVELS 5 /* at most */
#define PAGE_TREE_SIZES  3 /* of pages: 4 KiB, 2 MiB, 1 GiB */

struct page_tree_stats {
    uint64_t pages[PAGE_TREE_SIZES]; /* leaves now, by level; the shared half counts in its owner */
    uint64_t tables;                 /* table pages now, the root too, the shared half's not */
    uint64_t splits, merges;         /* since init: large pages split, tables made one page */
    uint64_t flushed_pages;          /* since init: single pages flushed */
    uint64_t full_flushes;           /* since init: flushes of a whole half or of all */
};

/* Zeroed it is no tree. Entries of the root from `own` on belong to another tree (A6): here they are
 * read, and neither counted, edited nor given back. */
struct page_tree {
    uint64_t root; /* as an entry that names the root table; 0: no tree */
    unsigned own;
    const struct page_source *source;
    struct hal_paging cpu; /* as hal_paging_features() said when the tree was made */
    struct page_tree_stats stats;
};

/* Make a tree of an empty root. One page is taken. MM_NO_MEMORY. O(1). */
mm_status_t page_tree_init(struct page_tree *, const struct page_source *source) MM_MUST_CHECK;

/* Where the root lies, as the CPU's root register wants it; HAL_PADDR_NONE: no tree. */
hal_paddr_t page_tree_root(const struct page_tree *);

/* The largest level that has leaves on this tree's CPU: 1 for 2 MiB pages, 2 for 1 GiB pages. */
unsigned page_tree_largest_leaf(const struct page_tree *);

/* Is every address of [virt, last] one that the CPU translates? The range is then in one half. */
bool page_tree_is_canonical(const struct page_tree *, hal_vaddr_t virt, hal_vaddr_t last);

/* What a canonical `virt` leads to: a leaf, or 0 where nothing is mapped; `*level` is the level of that
 * entry. At most five dependent loads. */
uint64_t page_tree_find(const struct page_tree *, hal_vaddr_t virt, unsigned *level);

/* The same, with all entries that the CPU reads on the way, from the root on: their number, 1 to 5. */
unsigned page_tree_path(const struct page_tree *, hal_vaddr_t virt,
                        uint64_t entries[PAGE_TREE_LEVELS]);

/* Who walks a tree. Either function may be NULL; an answer other than NULL ends the walk.
 *   entry  an entry that is not 0, before what it leads to; `at` is the first address it spans
 *   table  a table, after all that it leads to; `used` of its entries are not 0 (counted only when
 *          there is `entry`: without it, tables of 4 KiB pages are not read) */
struct page_visitor {
    const char *(*entry)(void *ctx, uint64_t entry, unsigned level, hal_vaddr_t at);
    const char *(*table)(void *ctx, uint64_t name, unsigned level, unsigned used);
};

/* Visit the first `entries` entries of the root, in address order, and all that they lead to, the
 * root itself last. NULL, or the answer that ended the walk. O(tables). */
const char *page_tree_walk(const struct page_tree *, unsigned entries, const struct page_visitor *,
                           void *ctx);

/* Give back the root and every table that is the tree's own. Nothing may hold a translation through
 * them any more. O(tables). */
void page_tree_give_back(const struct page_tree *);

#endif
