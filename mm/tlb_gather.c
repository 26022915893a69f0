#include "tlb_gather.h"

static void flush_pages(const struct tlb_gather *g)
{
    for (uint64_t i = 0; i < g->pages; i++)
        hal_tlb_flush_page(g->first + i * HAL_PAGE_SIZE);
    hal_tlb_shootdown(page_tree_root(g->tree), g->first, g->pages * HAL_PAGE_SIZE);
    g->tree->stats.flushed_pages += g->pages;
}

/* Only the upper half can hold global pages, which a cheaper flush leaves in the TLB. */
static void flush_half(const struct tlb_gather *g)
{
    if (g->upper)
        hal_tlb_flush_all();
    else
        hal_tlb_flush_local();
    hal_tlb_shootdown(page_tree_root(g->tree), g->upper ? TLB_GATHER_UPPER : 0, 0);
    g->tree->stats.full_flushes++;
}

void tlb_gather_flush(struct tlb_gather *g)
{
    const struct page_source *source = g->tree->source;
    if (g->everything || g->pages > hal_tlb_page_limit())
        flush_half(g);
    else if (g->pages > 0)
        flush_pages(g);
    for (unsigned i = 0; i < g->tables; i++)
        source->free_page(source->ctx, g->table[i]);
    g->tree->stats.tables -= g->tables;
    g->tables = 0;
    g->pages = 0;
    g->everything = false;
}

void tlb_gather_table(struct tlb_gather *g, hal_paddr_t table)
{
    g->table[g->tables++] = table;
    if (g->tables == TLB_GATHER_TABLES)
        tlb_gather_flush(g);
}
