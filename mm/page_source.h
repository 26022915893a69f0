/* mm/page_source.h: where page tables get their pages, one at a time, and where these go back to.
 *
 * A page_source is two functions and their context. A page_chain is a page_source made of several
 * stages that are asked in the order in which they were added: early in a boot a few static pages,
 * then pieces of the memory map, then the page allocator. A page goes back to the stage that owns
 * it, never to another.
 *
 *     static struct page_chain chain;
 *     static const struct page_source source = {page_chain_alloc, page_chain_free, &chain};
 *     page_chain_add(&chain, &static_pages);   later: page_chain_add(&chain, &from_pmm);
 *
 * Locking: whoever serialises the callers of the source serialises the chain.
 */
#ifndef MORTISE_MM_PAGE_SOURCE_H
#define MORTISE_MM_PAGE_SOURCE_H

#include "../hal/base.h"

/* alloc_page gives the address of a page that nobody else uses and that hal_phys_to_virt() reaches, or
 * HAL_PADDR_NONE when there is none; its contents do not matter. free_page takes back what alloc_page
 * gave; by then no CPU holds a translation through that page (A4 in mm/aspace.h). */
struct page_source {
    hal_paddr_t (*alloc_page)(void *ctx);
    void (*free_page)(void *ctx, hal_paddr_t page);
    void *ctx;
};

/* Take a page from `source` and fill it with zero. HAL_PADDR_NONE when there is none. A panic when the
 * source gives an address that is not the start of a page. */
hal_paddr_t page_source_take(const struct page_source *source);

/* One stage of a chain; the caller fills the first three members and keeps it alive. */
struct page_stage {
    struct page_source source;
    bool (*owns)(void *ctx,
                 hal_paddr_t page); /* did this stage give that page? Gets source.ctx. NULL,
                                              for the last stage: every page that no other owns */
    const char *name;               /* for the log */
    uint64_t given;                 /* pages it has given, in all */
    uint64_t in_use;                /* of these, how many have not come back */
    struct page_stage *next;
};

struct page_chain {
    struct page_stage *first;
};

/* Put `stage` behind all that were added before. To close a stage, let its alloc_page answer
 * HAL_PADDR_NONE: it still takes back what it gave. O(stages). */
void page_chain_add(struct page_chain *, struct page_stage *stage);

/* The two functions of the source; `chain` is a struct page_chain. alloc: HAL_PADDR_NONE when no stage has
 * a page. free: a panic when no stage owns the page, which would be lost or go to the wrong owner.
 * O(stages), and what the stages cost. */
hal_paddr_t page_chain_alloc(void *chain);
void page_chain_free(void *chain, hal_paddr_t page);

#endif
