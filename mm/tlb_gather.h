/* mm/tlb_gather.h: what a call has changed in page tables and not flushed yet.
 *
 * The order is that of A4: an entry is written; what it translated is gathered here; a flush drops it
 * on this CPU and, by hal_tlb_shootdown(), on the others; only then do tables that were unlinked go
 * back to their source. Gathering makes one flush of many.
 *
 * A flush goes page by page as long as that is cheaper (hal_tlb_page_limit), or drops everything in
 * the half of the call. Everything also goes when a large page was removed or split, or a table of
 * pages: a large page may lie in the TLB in pieces, which INVLPG is only said to find while the
 * tables still show the large page (SDM vol. 3A, 4.10.2.3 and 4.10.4.1).
 */
#ifndef MORTISE_MM_TLB_GATHER_H
#define MORTISE_MM_TLB_GATHER_H

#include "page_tree.h"

#define TLB_GATHER_TABLES 32u
#define TLB_GATHER_UPPER  ((hal_vaddr_t)1 << 63) /* hal_tlb_shootdown(): all of the upper half */

/* Zeroed but for `tree` and `upper`: nothing is gathered. */
struct tlb_gather {
    struct page_tree *tree;
    bool upper;      /* the call is in the upper half, where pages may be global */
    bool everything; /* to be flushed: the whole half */
    uint64_t pages;  /* to be flushed: so many pages from `first` on */
    hal_vaddr_t first;
    uint64_t dropped; /* the list of tables that lead nowhere; 0: none */
    unsigned tables;  /* others that nothing names any more */
    hal_paddr_t table[TLB_GATHER_TABLES];
};

/* The translation of the 4 KiB page at `at` was removed or changed. Between two flushes these calls
 * go upwards; what lies between two of them is flushed too. */
static inline void tlb_gather_page(struct tlb_gather *g, hal_vaddr_t at)
{
    if (g->pages == 0)
        g->first = at;
    g->pages = (at - g->first) / HAL_PAGE_SIZE + 1;
}

/* Something larger was. */
static inline void tlb_gather_everything(struct tlb_gather *g)
{
    g->everything = true;
}

/* Nothing names this table any more. A page below it, or everything, was gathered before: so the
 * flush also makes the CPUs forget the table. What it says is still true; CPUs that remember it go by
 * it until then. Flushes when the list is full. */
void tlb_gather_table(struct tlb_gather *, hal_paddr_t table);

/* The same, but what it says is true no more. Its first entry becomes the link of a list without end,
 * so that one flush is enough for all tables of a call: no CPU takes it for a translation. */
void tlb_gather_dropped(struct tlb_gather *, hal_paddr_t table);

/* Drop all that was gathered, here and on the other CPUs, then give the tables back. Nothing
 * gathered: nothing done. O(pages), at most hal_tlb_page_limit(). */
void tlb_gather_flush(struct tlb_gather *);

#endif
