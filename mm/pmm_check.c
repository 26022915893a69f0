/* Each invariant is recomputed from what lies below it: sums from the bits, summaries from the
 * bits, lists from the summaries. Every block must turn up exactly once where it belongs. */
#include "pmm_check.h"

#include "extents.h"
#include "pmm_parked.h"
#include "pmm_state.h"

/* What a zone's blocks and extents say, added up. */
struct census {
    uint64_t free, parked, allocated; /* pages */
    uint64_t partly;                  /* blocks that must be in a list */
    uint64_t owned;                   /* blocks that CPUs own */
    uint64_t stashed;                 /* pages and runs in stashes */
    uint64_t extents;                 /* free ones */
    uint64_t bad;                     /* pages */
};

/* --- P2 and P7: regions --- */

/* By its first and its last page. */
static bool lies_in_its_zone(const struct pmm *p, const struct region *r)
{
    uint64_t zone_end, node_end;
    enum pmm_zone id = pmm_machine_zone(&p->machine, r->first_page, &zone_end);
    uint32_t node = pmm_machine_node(&p->machine, r->first_page, &node_end);
    uint64_t end = r->first_page + r->pages;
    return r->zone == pmm_zone_index(node, id) && end <= zone_end && end <= node_end;
}

static const char *check_regions(const struct pmm *p)
{
    for (size_t i = 0; i < p->region_count; i++) {
        const struct region *r = &p->regions[i];
        if (i > 0 && r->first_page < r[-1].first_page + r[-1].pages)
            return "P2: two regions overlap or are not in address order";
        if (r->pages == 0 || !lies_in_its_zone(p, r) || p->zones[r->zone] == NULL)
            return "P2: a region is empty or does not lie in its zone";
    }
    return NULL;
}

/* Every region lies in memory that the map gives to nobody else. Both are in address order, so one
 * pass over each is enough. */
static const char *check_owners(const struct pmm *p)
{
    size_t j = 0;
    for (size_t i = 0; i < p->map->count; i++) {
        const struct mem_region *m = &p->map->regions[i];
        uint64_t first = m->base >> HAL_PAGE_SHIFT;
        uint64_t end = (m->base + m->size + HAL_PAGE_SIZE - 1) >> HAL_PAGE_SHIFT;
        bool ours = m->label == NULL && (mem_type_is_allocatable(m->type) || m->type == MEM_BAD);
        while (j < p->region_count && p->regions[j].first_page + p->regions[j].pages <= first)
            j++;
        if (!ours && j < p->region_count && p->regions[j].first_page < end)
            return "P7: a region of the allocator reaches into memory with another owner";
    }
    return NULL;
}

/* --- P3, P4 and P5: blocks and extents --- */

/* In a block that a CPU owns, free pages are parked with it or were returned to it. */
static const char *check_owned_block(const struct summary *s, const struct block_bits *bits,
                                     struct census *c)
{
    if (s->longest != 0 || s->withheld)
        return "P3: a block that a CPU owns is in a list";
    c->parked += block_count(bits, PAGE_PARKED) + block_count(bits, PAGE_RETURNED);
    c->allocated += block_count(bits, PAGE_HEAD);
    c->owned++;
    return NULL;
}

/* Runs that CPUs have in their stashes: pages of them, and how many there are. Not in a block of which
 * pages are withheld. */
static unsigned count_stashed(const struct block_bits *bits, struct census *c)
{
    unsigned pages = 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        if (block_state(bits, i) != PAGE_PARKED)
            continue;
        pages += block_run_end(bits, i + 1) - i;
        c->stashed++;
    }
    return pages;
}

/* Page by page, unlike the allocator, whose search this checks. */
static unsigned longest_free(const struct block_bits *bits)
{
    unsigned longest = 0;
    unsigned length = 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        length = block_state(bits, i) == PAGE_FREE ? length + 1 : 0;
        longest = length > longest ? length : longest;
    }
    return longest;
}

static const char *check_shared_block(const struct summary *s, const struct block_bits *bits,
                                      struct census *c)
{
    unsigned free = block_count(bits, PAGE_FREE);
    unsigned kept = block_count(bits, PAGE_WITHHELD);
    unsigned parked = s->withheld ? 0 : count_stashed(bits, c);
    if (s->free != free)
        return "P4: a summary's free count is not what the bits say";
    if (s->words != block_words(bits))
        return "P4: a summary does not say truly which words have free pages";
    if (s->withheld && kept == 0)
        return "P4: a summary does not say truly whether pages are withheld";
    if (s->longest != longest_free(bits))
        return "P3: a block is not in the list for its longest free run";
    if (free == BLOCK_PAGES)
        return "P5: a wholly free block is in no extent";
    c->free += free;
    c->parked += parked;
    c->allocated += BLOCK_PAGES - free - parked - (s->withheld ? kept : 0);
    c->partly += free != 0;
    return NULL;
}

/* The bad pages of a block that lie in the region: what is kept, but not by the firmware. */
static uint64_t count_bad(const struct pmm *p, const struct lists *l, const struct region *r,
                          uint32_t block)
{
    uint64_t bad = 0;
    for (unsigned i = 0; l->summaries[block].withheld && i < BLOCK_PAGES; i++) {
        uint64_t page = region_page(r, (struct place){block, i});
        bad += block_state(&l->bits[block], i) == PAGE_WITHHELD &&
               page - r->first_page < r->pages && !pmm_withholds(p, page);
    }
    return bad;
}

static const char *check_open_block(const struct pmm *p, const struct lists *l, uint32_t block,
                                    struct census *c)
{
    const struct summary *s = &l->summaries[block];
    if (s->frame != lists_page(l, (struct place){block, 0}) >> BLOCK_SHIFT)
        return "P4: a summary has another block's address";
    if (s->owner > p->machine.cpus)
        return "P4: a block belongs to a CPU that does not exist";
    return s->owner != 0 ? check_owned_block(s, &l->bits[block], c)
                         : check_shared_block(s, &l->bits[block], c);
}

/* `after_free`: a free extent ends where this one begins. */
static const char *check_extent(const struct lists *l, const struct region *r, uint32_t first,
                                bool after_free, struct census *c)
{
    const struct summary *s = &l->summaries[first];
    uint64_t left = (uint64_t)r->first_block + r->blocks - first;
    if (s->length == 0 || s->length > left)
        return "P4: the tags of an extent differ";
    const struct summary *last = &l->summaries[first + s->length - 1];
    if (last->length != s->length || last->withheld != s->withheld)
        return "P4: the tags of an extent differ";
    if (s->withheld)
        return NULL;
    c->extents++;
    c->free += (uint64_t)s->length * BLOCK_PAGES;
    return after_free ? "P5: two extents touch" : NULL;
}

static const char *check_region_blocks(const struct pmm *p, const struct lists *l,
                                       const struct region *r, struct census *c)
{
    bool after_free = false;
    uint32_t end = r->first_block + r->blocks;
    const char *wrong = NULL;
    for (uint32_t b = r->first_block; b < end && wrong == NULL; b = lists_next(l, b)) {
        bool open = lists_is_open(l, b);
        wrong = open ? check_open_block(p, l, b, c) : check_extent(l, r, b, after_free, c);
        c->bad += open && wrong == NULL ? count_bad(p, l, r, b) : 0;
        after_free = !open && !l->summaries[b].withheld;
    }
    return wrong;
}

/* --- P3: lists --- */

static bool mask_is_true(const struct bins *b, unsigned bin)
{
    return (b->head[bin] != BLOCK_NONE) == (b->mask[bin / 64] >> (bin % 64) & 1);
}

/* Each block of one list belongs there, and its links are true. A list cannot run in a circle: the
 * block where it closes would need two links back. */
static const char *check_run_list(const struct lists *l, unsigned class, unsigned bin,
                                  uint64_t *blocks)
{
    uint32_t prev = BLOCK_NONE;
    uint32_t block = l->runs[class].head[bin];
    if (!mask_is_true(&l->runs[class], bin))
        return "P3: the mask of lists does not say which have blocks";
    for (; block != BLOCK_NONE; prev = block, block = l->summaries[block].next) {
        const struct summary *s = &l->summaries[block];
        if (block >= l->blocks || !lists_is_open(l, block) || s->prev != prev ||
            lists_run_bin(l, s->longest) != bin || s->class != class || s->owner != 0)
            return "P3: a block is in a list where it does not belong";
        ++*blocks;
    }
    return NULL;
}

static const char *check_extent_list(const struct lists *l, unsigned bin, uint64_t *extents)
{
    uint32_t prev = BLOCK_NONE;
    uint32_t e = l->extents.head[bin];
    if (!mask_is_true(&l->extents, bin))
        return "P3: the mask of extents does not say which lists have some";
    for (; e != BLOCK_NONE; prev = e, e = l->summaries[e].next) {
        const struct summary *s = &l->summaries[e];
        if (e >= l->blocks || lists_is_open(l, e) || s->withheld || s->prev != prev ||
            extents_bin(s->length) != bin)
            return "P3: an extent is in a list where it does not belong";
        ++*extents;
    }
    return NULL;
}

/* All that must be in a list was met in one. */
static const char *check_lists(const struct lists *l, const struct census *c)
{
    uint64_t blocks = 0;
    uint64_t extents = 0;
    const char *wrong = NULL;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        for (unsigned i = 0; i < l->exact_bins + RUN_BINS_ABOVE && wrong == NULL; i++)
            wrong = check_run_list(l, class, i, &blocks);
    for (unsigned i = 0; i < EXTENT_BINS && wrong == NULL; i++)
        wrong = check_extent_list(l, i, &extents);
    if (wrong != NULL)
        return wrong;
    if (blocks != c->partly)
        return "P3: a partly used block is in no list";
    return extents != c->extents ? "P3: a free extent is in no list" : NULL;
}

/* --- P1: sums --- */

static const char *check_counts(const struct zone *z, const struct census *c)
{
    if (c->free != z->free)
        return "P1: the free pages of a zone are not what its counter says";
    if (c->stashed != z->stashed)
        return "P4: the pages of a zone that CPUs have stashed are not as many as it counts";
    if (c->free + c->parked + c->allocated != z->total)
        return "P1: free, parked and allocated pages of a zone do not add up to its total";
    if (c->owned != z->owned)
        return "P4: the blocks of a zone that CPUs own are not as many as it counts";
    if (z->low_water > z->free)
        return "P1: a zone has fewer free pages than its low-water mark";
    return NULL;
}

/* --- P9: bad pages --- */

/* Whoever uses such a page gives it back to the zone. */
static const char *check_retiring(const struct pmm *p, const struct zone *z)
{
    const struct lists *l = &z->lists;
    uint32_t hint = 0;
    for (const struct pmm_retiring *w = z->retiring; w != NULL; w = w->next) {
        const struct region *r = pmm_region(p, w->page, &hint);
        if (r == NULL || p->zones[r->zone] != z || !w->waits)
            return "P9: a page that waits to become bad is not the zone's";
        struct place at = region_place(r, w->page);
        if (zone_is_free(z, at, 1) ||
            (lists_is_open(l, at.block) && l->summaries[at.block].owner != 0))
            return "P9: a page that waits to become bad is free, or in a block that a CPU owns";
    }
    return NULL;
}

static const char *check_bad(const struct pmm *p, const struct zone *z, const struct census *c)
{
    if (c->bad != z->bad)
        return "P9: the bad pages of a zone are not as many as it counts";
    return check_retiring(p, z);
}

static const char *check_zone(const struct pmm *p, const struct zone *z)
{
    const struct lists *l = &z->lists;
    struct census c = {.free = 0};
    const char *wrong = NULL;
    for (uint32_t i = 0; i < l->region_count && wrong == NULL; i++)
        wrong = check_region_blocks(p, l, &l->regions[i], &c);
    if (wrong == NULL)
        wrong = check_lists(l, &c);
    if (wrong == NULL)
        wrong = check_counts(z, &c);
    return wrong != NULL ? wrong : check_bad(p, z, &c);
}

/* --- P4: stashes --- */

/* Is the run of that many pages parked where the stash has it? */
static bool is_stashed(const struct zone *z, struct place at, unsigned pages)
{
    const struct lists *l = &z->lists;
    if (at.block >= l->blocks || !lists_is_open(l, at.block) || at.index + pages > BLOCK_PAGES)
        return false;
    const struct summary *s = &l->summaries[at.block];
    const struct block_bits *bits = &l->bits[at.block];
    return s->owner == 0 && !s->withheld && block_state(bits, at.index) == PAGE_PARKED &&
           block_run_end(bits, at.index + 1) == at.index + pages;
}

static bool own_run_is_true(const struct zone *z, const struct own_run *own)
{
    uint32_t hint = 0;
    const struct lists *l = &z->lists;
    const struct region *r = region_of_page(l->regions, l->region_count, own->page, &hint);
    return r != NULL && is_stashed(z, region_place(r, own->page), own->pages);
}

static bool stash_is_true(const struct stash *st)
{
    if (st->zone == NULL)
        return st->count == 0 && st->run.pages == 0;
    if (st->count > STASH_PAGES)
        return false;
    for (uint32_t i = 0; i < st->count; i++)
        if (!is_stashed(st->zone, st->pages[i], 1))
            return false;
    return st->run.pages == 0 || own_run_is_true(st->zone, &st->run);
}

/* With the counts of the zones, which are those of the bits: no page is in two stashes. */
static const char *check_stashes(const struct pmm *p)
{
    uint64_t stashed = 0;
    for (uint32_t i = 0; i < p->machine.cpus; i++) {
        const struct stash *st = &p->cpus[i].stash;
        if (!stash_is_true(st))
            return "P4: a CPU's stash has what is not parked there";
        stashed += st->count + (st->run.pages != 0);
    }
    for (uint32_t i = 0; i < p->zone_count; i++)
        if (p->zones[i] != NULL)
            stashed -= p->zones[i]->stashed;
    return stashed != 0 ? "P4: pages are parked that no CPU has in its stash" : NULL;
}

/* Then a page that reads as parked is. */
static void settle_all(const struct pmm *p)
{
    for (uint32_t i = 0; i < p->zone_count; i++)
        if (p->zones[i] != NULL)
            (void)(parked_settle(p, p->zones[i]));
}

const char *pmm_check(struct pmm *p)
{
    const char *wrong = check_regions(p);
    if (wrong == NULL)
        wrong = check_owners(p);
    settle_all(p);
    if (wrong == NULL)
        wrong = check_stashes(p);
    for (uint32_t i = 0; i < p->zone_count && wrong == NULL; i++)
        if (p->zones[i] != NULL)
            wrong = check_zone(p, p->zones[i]);
    return wrong;
}
