#include "tlb_gather.h"

#include "page_entry.h"

/* In no format does an entry with bit 0 clear lead anywhere; and a link is never 0. */
#define LINK ((uint64_t)2)

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

/* Only now may the first entry of a table be read as a link: its source overwrites it. */
static void give_back(struct tlb_gather *g)
{
    const struct page_source *source = g->tree->source;
    while (g->dropped != 0) {
        hal_paddr_t table = g->dropped & ~LINK;
        g->dropped = *(const uint64_t *)hal_phys_to_virt(table);
        source->free_page(source->ctx, table);
        g->tree->stats.tables--;
    }
    for (unsigned i = 0; i < g->tables; i++)
        source->free_page(source->ctx, g->table[i]);
    g->tree->stats.tables -= g->tables;
    g->tables = 0;
}

void tlb_gather_flush(struct tlb_gather *g)
{
    if (g->everything || g->pages > hal_tlb_page_limit())
        flush_half(g);
    else if (g->pages > 0)
        flush_pages(g);
    give_back(g);
    g->pages = 0;
    g->everything = false;
}

void tlb_gather_dropped(struct tlb_gather *g, hal_paddr_t table)
{
    pte_store(hal_phys_to_virt(table), g->dropped);
    g->dropped = table | LINK;
}

void tlb_gather_table(struct tlb_gather *g, hal_paddr_t table)
{
    g->table[g->tables++] = table;
    if (g->tables == TLB_GATHER_TABLES)
        tlb_gather_flush(g);
}
