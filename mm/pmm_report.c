/* What the allocator says of itself: walks, statistics, and the check of its invariants. All three
 * read the bits again; none trusts a counter. */
#include "mm/zone_file.h"
#include "mm/pmm_internal.h"

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
    bool owned = z->summaries[block].owner != 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        if (base + i >= first && base + i < end)
            walk_add(w, base + i, 1, kind_of(block_state(&z->bits[block], i), owned));
}

static void walk_region(struct walk *w, const struct zone *z, const struct region *r)
{
    uint64_t first_frame = r->first_page >> BLOCK_SHIFT;
    uint32_t end = r->first_block + r->blocks;
    for (uint32_t b = r->first_block; b < end; b = zone_next_block(z, b)) {
        const struct summary *s = &z->summaries[b];
        uint64_t base = (first_frame + (b - r->first_block)) << BLOCK_SHIFT;
        if (zone_block_is_open(z, b))
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
    for (uint32_t i = 0; i < z->region_count; i++)
        walk_region(&w, z, &z->regions[i]);
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

/* --- the check --- */

static const char *check_counts(const struct zone *z)
{
    struct recount c = recount_zone(z);
    if (c.free != z->free)
        return "P1: the free pages of a zone are not what its counter says";
    if (c.free + c.parked + c.allocated != z->total)
        return "P1: free, parked and allocated pages of a zone do not add up to its total";
    if (z->low_water > z->free)
        return "P1: a zone has fewer free pages than its low-water mark";
    return NULL;
}

static const uint64_t zone_limits[PMM_ZONE_COUNT + 1] = {0, PMM_DMA_LIMIT >> PAGE_SHIFT,
                                                         PMM_DMA32_LIMIT >> PAGE_SHIFT, UINT64_MAX};

static const char *check_regions(const struct pmm *p)
{
    for (size_t i = 0; i < p->region_count; i++) {
        const struct region *r = &p->regions[i];
        uint64_t end = r->first_page + r->pages;
        if (i > 0 && r->first_page < r[-1].first_page + r[-1].pages)
            return "P2: two regions overlap or are not in address order";
        if (r->pages == 0 || r->zone >= PMM_ZONE_COUNT || p->zones[r->zone] == NULL ||
            r->first_page < zone_limits[r->zone] || end > zone_limits[r->zone + 1])
            return "P2: a region is empty or does not lie in its zone";
    }
    return NULL;
}

/* Each block of every list: filed where it belongs, links true. Counts what it saw. A list cannot
 * run in a circle: the block where it closes would need two links back. */
static const char *check_bin(const struct zone *z, unsigned class, unsigned bin, uint64_t *filed)
{
    uint32_t prev = BLOCK_NONE;
    uint32_t block = z->bins[class].head[bin];
    if ((block != BLOCK_NONE) != (z->bins[class].mask[bin / 64] >> (bin % 64) & 1))
        return "P3: the mask of lists does not say which have blocks";
    for (; block != BLOCK_NONE; prev = block, block = z->summaries[block].next) {
        const struct summary *s = &z->summaries[block];
        if (block >= z->blocks || !zone_block_is_open(z, block) || s->prev != prev ||
            run_bin_of(z, s->longest) != bin || s->class != class || s->owner != 0)
            return "P3: a block is filed where it does not belong";
        ++*filed;
    }
    return NULL;
}

static const char *check_extent_bin(const struct zone *z, unsigned bin, uint64_t *filed)
{
    uint32_t prev = BLOCK_NONE;
    uint32_t e = z->extents.head[bin];
    if ((e != BLOCK_NONE) != (z->extents.mask[bin / 64] >> (bin % 64) & 1))
        return "P3: the mask of extents does not say which lists have some";
    for (; e != BLOCK_NONE; prev = e, e = z->summaries[e].next) {
        const struct summary *s = &z->summaries[e];
        if (e >= z->blocks || zone_block_is_open(z, e) || s->withheld || s->prev != prev ||
            extent_bin_of(s->length) != bin)
            return "P3: an extent is filed where it does not belong";
        ++*filed;
    }
    return NULL;
}

struct seen {
    uint64_t filed, extents;
};

static const char *check_open_block(const struct pmm *p, const struct zone *z, uint32_t block,
                                    struct seen *seen)
{
    const struct summary *s = &z->summaries[block];
    const struct block_bits *bits = &z->bits[block];
    if (s->frame != zone_page_of(z, (struct place){block, 0}) >> BLOCK_SHIFT)
        return "P4: a summary has another block's address";
    if (s->owner > p->cpu_count)
        return "P4: a block belongs to a CPU that does not exist";
    if (s->owner != 0)
        return s->longest != 0 || s->withheld ? "P3: a block that a CPU owns is filed" : NULL;
    if (s->free != block_count(bits, PAGE_FREE))
        return "P4: a summary's free count is not what the bits say";
    if (s->withheld != (block_count(bits, PAGE_PARKED) != 0))
        return "P4: a summary does not say truly whether pages are withheld";
    if (s->longest != block_longest(bits, s->free))
        return "P3: a block is not filed under its longest free run";
    if (s->free == BLOCK_PAGES)
        return "P5: a wholly free block is in no extent";
    seen->filed += s->longest != 0;
    return NULL;
}

static const char *check_extent(const struct zone *z, const struct region *r, uint32_t e,
                                bool *after_free, struct seen *seen)
{
    const struct summary *s = &z->summaries[e];
    uint64_t left = (uint64_t)r->first_block + r->blocks - e;
    if (s->length == 0 || s->length > left || z->summaries[e + s->length - 1].length != s->length ||
        z->summaries[e + s->length - 1].withheld != s->withheld)
        return "P4: the tags of an extent differ";
    if (*after_free && !s->withheld)
        return "P5: two extents touch";
    *after_free = !s->withheld;
    seen->extents += !s->withheld;
    return NULL;
}

static const char *check_region_blocks(const struct pmm *p, const struct zone *z,
                                       const struct region *r, struct seen *seen)
{
    bool after_free = false;
    uint32_t end = r->first_block + r->blocks;
    const char *wrong = NULL;
    for (uint32_t b = r->first_block; b < end && wrong == NULL; b = zone_next_block(z, b)) {
        if (zone_block_is_open(z, b)) {
            wrong = check_open_block(p, z, b, seen);
            after_free = false;
        } else {
            wrong = check_extent(z, r, b, &after_free, seen);
        }
    }
    return wrong;
}

static const char *check_files(const struct zone *z, const struct seen *seen)
{
    uint64_t filed = 0;
    uint64_t extents = 0;
    const char *wrong = NULL;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        for (unsigned i = 0; i < z->exact_bins + RUN_BINS_ABOVE && wrong == NULL; i++)
            wrong = check_bin(z, class, i, &filed);
    for (unsigned i = 0; i < EXTENT_BINS && wrong == NULL; i++)
        wrong = check_extent_bin(z, i, &extents);
    if (wrong != NULL)
        return wrong;
    if (filed != seen->filed)
        return "P3: a partly used block is not filed";
    return extents != seen->extents ? "P3: a free extent is not filed" : NULL;
}

static const char *check_zone(const struct pmm *p, const struct zone *z)
{
    struct seen seen = {.filed = 0};
    const char *wrong = NULL;
    for (uint32_t i = 0; i < z->region_count && wrong == NULL; i++)
        wrong = check_region_blocks(p, z, &z->regions[i], &seen);
    if (wrong == NULL)
        wrong = check_files(z, &seen);
    return wrong != NULL ? wrong : check_counts(z);
}

/* P7: every region lies in memory that the map gives to nobody else. Both are in address order. */
static const char *check_owners(const struct pmm *p)
{
    size_t j = 0;
    for (size_t i = 0; i < p->map->count; i++) {
        const struct mem_region *m = &p->map->regions[i];
        uint64_t first = m->base >> PAGE_SHIFT;
        uint64_t end = (m->base + m->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
        bool ours = m->label == NULL &&
                    (m->type == MEM_USABLE || m->type == MEM_BOOT || m->type == MEM_LOADER);
        while (j < p->region_count && p->regions[j].first_page + p->regions[j].pages <= first)
            j++;
        if (!ours && j < p->region_count && p->regions[j].first_page < end)
            return "P7: a region of the allocator reaches into memory with another owner";
    }
    return NULL;
}

const char *pmm_check(struct pmm *p)
{
    const char *wrong = check_regions(p);
    if (wrong == NULL)
        wrong = check_owners(p);
    for (unsigned id = 0; id < PMM_ZONE_COUNT && wrong == NULL; id++)
        if (p->zones[id] != NULL)
            wrong = check_zone(p, p->zones[id]);
    return wrong;
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
