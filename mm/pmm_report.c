#include "mm/pmm_report.h"

#include "mm/pmm_struct.h"

/* --- walking --- */

struct walk {
    pmm_visit_fn *visit;
    void *ctx;
    uint64_t page, pages; /* the run so far */
    enum pmm_run kind;
};

static void walk_flush(struct walk *w)
{
    w->visit(w->ctx, w->page << PAGE_SHIFT, w->pages, w->kind);
    w->pages = 0;
}

static void walk_add(struct walk *w, uint64_t page, uint64_t pages, enum pmm_run kind)
{
    if (w->pages != 0 && w->kind != kind)
        walk_flush(w);
    if (w->pages == 0) {
        w->page = page;
        w->kind = kind;
    }
    w->pages += pages;
}

static enum pmm_run kind_of(enum page_state state, bool owned)
{
    if (state == PAGE_HEAD || state == PAGE_INTERIOR)
        return PMM_RUN_ALLOCATED;
    if (owned)
        return PMM_RUN_PARKED;
    return state == PAGE_FREE ? PMM_RUN_FREE : PMM_RUN_WITHHELD;
}

/* The pages of an open block that lie in [first, end), by page number; `base` is the block's. */
static void walk_block(struct walk *w, const struct zone *z, uint32_t block, uint64_t base,
                       uint64_t first, uint64_t end)
{
    bool owned = z->lists.summaries[block].owner != 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        if (base + i >= first && base + i < end)
            walk_add(w, base + i, 1, kind_of(block_state(&z->lists.bits[block], i), owned));
}

static void walk_region(struct walk *w, const struct zone *z, const struct region *r)
{
    uint64_t first_frame = r->first_page >> BLOCK_SHIFT;
    uint32_t end = r->first_block + r->blocks;
    for (uint32_t b = r->first_block; b < end; b = lists_next(&z->lists, b)) {
        const struct summary *s = &z->lists.summaries[b];
        uint64_t base = (first_frame + (b - r->first_block)) << BLOCK_SHIFT;
        if (lists_is_open(&z->lists, b))
            walk_block(w, z, b, base, r->first_page, r->first_page + r->pages);
        else
            walk_add(w, base, (uint64_t)s->length << BLOCK_SHIFT,
                     s->withheld ? PMM_RUN_WITHHELD : PMM_RUN_FREE);
    }
    walk_flush(w);
}

void pmm_walk(struct pmm *p, pmm_visit_fn *visit, void *ctx)
{
    struct walk w = {.visit = visit, .ctx = ctx};
    for (size_t i = 0; i < p->region_count; i++) {
        struct zone *z = p->zones[p->regions[i].zone];
        hal_irq_t irq = hal_irq_save();
        hal_lock(&z->lock);
        walk_region(&w, z, &p->regions[i]);
        hal_unlock(&z->lock);
        hal_irq_restore(irq);
    }
}

/* --- statistics --- */

struct recount {
    uint64_t free, parked, allocated;
    uint64_t runs, largest_run, free_blocks;
};

static void recount_free(struct recount *c, uint64_t page, uint64_t pages)
{
    c->free += pages;
    c->runs++;
    c->largest_run = max_u64(c->largest_run, pages);
    if (align_up(page, BLOCK_PAGES) < page + pages)
        c->free_blocks += (page + pages - align_up(page, BLOCK_PAGES)) >> BLOCK_SHIFT;
}

static void recount_visit(void *ctx, paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct recount *c = ctx;
    if (kind == PMM_RUN_FREE)
        recount_free(c, base >> PAGE_SHIFT, pages);
    else if (kind == PMM_RUN_PARKED)
        c->parked += pages;
    else if (kind == PMM_RUN_ALLOCATED)
        c->allocated += pages;
}

static struct recount recount_zone(const struct zone *z)
{
    struct recount c = {.free = 0};
    struct walk w = {.visit = recount_visit, .ctx = &c};
    for (uint32_t i = 0; i < z->lists.region_count; i++)
        walk_region(&w, z, &z->lists.regions[i]);
    return c;
}

static void add_magazine(const struct magazine *m, const struct zone *z, struct pmm_stats *out)
{
    if (m->zone != z)
        return;
    out->allocs += m->allocs;
    out->frees += m->frees;
}

static void add_cpus(const struct pmm *p, const struct zone *z, struct pmm_stats *out)
{
    for (unsigned i = 0; i < p->cpu_count; i++)
        for (unsigned kind = 0; kind < MAGAZINE_COUNT; kind++)
            add_magazine(&p->cpus[i].magazines[kind], z, out);
}

void pmm_stats(struct pmm *p, enum pmm_zone id, struct pmm_stats *out)
{
    struct zone *z = (unsigned)id < PMM_ZONE_COUNT ? p->zones[id] : NULL;
    *out = (struct pmm_stats){.total = 0};
    if (z == NULL) {
        if (id == PMM_ZONE_DMA)
            out->failures = __atomic_load_n(&p->failures, __ATOMIC_RELAXED);
        return;
    }
    hal_irq_t irq = hal_irq_save();
    hal_lock(&z->lock);
    struct recount c = recount_zone(z);
    *out = (struct pmm_stats){.total = z->total,
                              .free = z->free,
                              .parked = c.parked,
                              .largest_run = c.largest_run,
                              .runs = c.runs,
                              .free_blocks = c.free_blocks,
                              .allocs = z->allocs,
                              .frees = z->frees,
                              .failures = z->failures,
                              .low_water = z->low_water};
    add_cpus(p, z, out);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    if (out->free != 0)
        out->fragmentation = (uint32_t)(1000 - out->free_blocks * BLOCK_PAGES * 1000 / out->free);
}

/* --- facts --- */

size_t pmm_table_bytes(const struct pmm *p)
{
    return p->table_bytes;
}

size_t pmm_region_count(const struct pmm *p)
{
    return p->region_count;
}

const char *pmm_zone_name(enum pmm_zone id)
{
    static const char *const names[PMM_ZONE_COUNT] = {"DMA", "DMA32", "NORMAL"};
    return (unsigned)id < PMM_ZONE_COUNT ? names[id] : "?";
}
