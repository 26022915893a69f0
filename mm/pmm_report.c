/* A walk goes from block to block, and gives the lock up after each one: an open block, or the rest
 * of an extent, is all that it looks at under one hold. Blocks ahead of it may be opened, closed or
 * merged in between. So it remembers only the number of the next block, and finds out what is there
 * when it comes to it. */
#include "pmm_report.h"

#include "extents.h"
#include "pmm_parked.h"
#include "pmm_state.h"

/* --- walking --- */

/* The run that ends where the walk has come to is not told before it is known how far it goes. */
struct walk {
    const struct pmm *p;
    pmm_visit_fn *visit;
    void *ctx;
    uint64_t page, pages; /* the run so far */
    enum pmm_run kind;
};

static void walk_flush(struct walk *w)
{
    if (w->pages != 0)
        w->visit(w->ctx, w->page << HAL_PAGE_SHIFT, w->pages, w->kind);
    w->pages = 0;
}

static void walk_add(struct walk *w, uint64_t page, uint64_t pages, enum pmm_run kind)
{
    if (w->kind != kind)
        walk_flush(w);
    if (w->pages == 0) {
        w->page = page;
        w->kind = kind;
    }
    w->pages += pages;
}

/* Does such a bit pattern say that the page is parked, and not withheld? */
static bool is_parked(const struct summary *s, enum page_state state)
{
    return s->owner != 0 ? state != PAGE_HEAD && state != PAGE_INTERIOR
                         : state == PAGE_PARKED && !s->withheld;
}

/* Of a page of a block. */
static enum pmm_run kind_of(const struct walk *w, uint64_t page, const struct summary *s,
                            enum page_state state)
{
    if (is_parked(s, state))
        return PMM_RUN_PARKED;
    if (state == PAGE_HEAD || state == PAGE_INTERIOR)
        return PMM_RUN_ALLOCATED;
    if (state == PAGE_FREE)
        return PMM_RUN_FREE;
    return pmm_withholds(w->p, page) ? PMM_RUN_WITHHELD : PMM_RUN_BAD;
}

/* Pages that neither are free nor belong to anybody are of two kinds with the same bits; behind a page
 * in a stash may come others of its run. */
static unsigned kind_end(const struct block_bits *bits, unsigned at, const struct summary *s,
                         enum page_state state)
{
    if (state != PAGE_WITHHELD || s->owner != 0)
        return block_kind_end(bits, at, state);
    return s->withheld ? at + 1 : block_run_end(bits, at + 1);
}

/* The pages of an open block that lie in the region. `base` is the page that the block begins with,
 * which may lie below the region. */
static void walk_open(struct walk *w, const struct lists *l, const struct region *r, uint32_t block,
                      uint64_t base)
{
    const struct block_bits *bits = &l->bits[block];
    const struct summary *s = &l->summaries[block];
    uint64_t end = hal_min_u64(r->first_page + r->pages - base, BLOCK_PAGES);
    for (uint64_t at = hal_max_u64(r->first_page, base) - base; at < end;) {
        enum page_state state = block_state(bits, (unsigned)at);
        uint64_t next = hal_min_u64(kind_end(bits, (unsigned)at, s, state), end);
        walk_add(w, base + at, next - at, kind_of(w, base + at, s, state));
        at = next;
    }
}

/* An open block, or the extent that holds the closed one from there on. The block behind it. */
static uint32_t walk_block(struct walk *w, struct zone *z, const struct region *r, uint32_t block)
{
    const struct lists *l = &z->lists;
    uint64_t page = region_page(r, (struct place){block, 0});
    if (lists_is_open(l, block)) {
        if (block_has_parked(&l->bits[block]))
            (void)(parked_settle(w->p, z));
        walk_open(w, l, r, block, page);
        return block + 1;
    }
    uint32_t first = extents_first(l, r, block);
    uint32_t next = first + l->summaries[first].length;
    if (r->window && l->summaries[first].withheld) {
        walk_flush(w);
        return next;
    }
    walk_add(w, page, (uint64_t)(next - block) * BLOCK_PAGES,
             l->summaries[first].withheld ? PMM_RUN_WITHHELD : PMM_RUN_FREE);
    return next;
}

static void walk_region(struct walk *w, struct zone *z, const struct region *r)
{
    uint32_t end = r->first_block + r->blocks;
    for (uint32_t block = r->first_block; block < end;) {
        hal_irq_t irq = hal_irq_save();
        hal_lock(&z->lock);
        block = walk_block(w, z, r, block);
        if (block == end)
            walk_flush(w);
        hal_unlock(&z->lock);
        hal_irq_restore(irq);
    }
}

void pmm_walk(struct pmm *p, pmm_visit_fn *visit, void *ctx)
{
    struct walk w = {.p = p, .visit = visit, .ctx = ctx};
    for (size_t i = 0; i < p->region_count; i++)
        walk_region(&w, p->zones[p->regions[i].zone], &p->regions[i]);
}

/* --- statistics --- */

static void count_free(struct pmm_stats *s, uint64_t page, uint64_t pages)
{
    s->runs++;
    s->largest_run = hal_max_u64(s->largest_run, pages);
    uint64_t first = hal_align_up(page, BLOCK_PAGES);
    if (first < page + pages)
        s->free_blocks += (page + pages - first) >> BLOCK_SHIFT;
}

static void count_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct pmm_stats *s = ctx;
    if (kind == PMM_RUN_FREE)
        count_free(s, base >> HAL_PAGE_SHIFT, pages);
    else if (kind == PMM_RUN_PARKED)
        s->parked += pages;
}

/* Calls that were served by magazines which have a block of this zone now. Zone locked. */
static void add_magazines(const struct pmm *p, const struct zone *z, struct pmm_stats *s)
{
    for (unsigned i = 0; i < p->machine.cpus; i++)
        magazine_add_counts(&p->cpus[i], z, &s->allocs, &s->frees);
}

static void add_counters(const struct pmm *p, struct zone *z, struct pmm_stats *s)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&z->lock);
    s->total = z->total;
    s->free = z->free;
    s->allocs = z->allocs;
    s->frees = z->frees;
    s->failures = z->failures;
    s->low_water = z->low_water;
    s->bad = z->bad;
    for (const struct pmm_retiring *w = z->retiring; w != NULL; w = w->next)
        s->retiring++;
    add_magazines(p, z, s);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
}

/* What was counted block by block may be more than there is by now, when others ran meanwhile. */
static void reconcile(struct pmm_stats *s)
{
    s->parked = hal_min_u64(s->parked, s->total - s->free);
    s->largest_run = hal_min_u64(s->largest_run, s->free);
    s->free_blocks = hal_min_u64(s->free_blocks, s->free / BLOCK_PAGES);
}

static void set_fragmentation(struct pmm_stats *s)
{
    if (s->free != 0)
        s->fragmentation = (uint32_t)(1000 - s->free_blocks * BLOCK_PAGES * 1000 / s->free);
}

void pmm_stats_node(struct pmm *p, uint32_t node, enum pmm_zone id, struct pmm_stats *out)
{
    bool exists = node < p->machine.nodes && (unsigned)id < PMM_ZONE_COUNT;
    struct zone *z = exists ? p->zones[pmm_zone_index(node, id)] : NULL;
    *out = (struct pmm_stats){.total = 0};
    if (z != NULL) {
        struct walk w = {.p = p, .visit = count_run, .ctx = out};
        for (uint32_t i = 0; i < z->lists.region_count; i++)
            walk_region(&w, z, &z->lists.regions[i]);
        add_counters(p, z, out);
        reconcile(out);
        set_fragmentation(out);
    }
    if (exists && pmm_zone_index(node, id) == pmm_zone_index(0, PMM_ZONE_DMA))
        out->failures += __atomic_load_n(&p->failures, __ATOMIC_RELAXED);
}

void pmm_stats(struct pmm *p, enum pmm_zone id, struct pmm_stats *out)
{
    *out = (struct pmm_stats){.total = 0};
    for (uint32_t node = 0; node < p->machine.nodes; node++) {
        struct pmm_stats s;
        pmm_stats_node(p, node, id, &s);
        out->total += s.total;
        out->free += s.free;
        out->parked += s.parked;
        out->largest_run = hal_max_u64(out->largest_run, s.largest_run);
        out->runs += s.runs;
        out->free_blocks += s.free_blocks;
        out->allocs += s.allocs;
        out->frees += s.frees;
        out->failures += s.failures;
        out->low_water += s.low_water;
        out->bad += s.bad;
        out->retiring += s.retiring;
    }
    set_fragmentation(out);
}

/* --- facts --- */

uint32_t pmm_node_of(const struct pmm *p, hal_paddr_t addr)
{
    uint64_t end;
    return pmm_machine_node(&p->machine, addr >> HAL_PAGE_SHIFT, &end);
}

uint32_t pmm_node_count(const struct pmm *p)
{
    return p->machine.nodes;
}

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
