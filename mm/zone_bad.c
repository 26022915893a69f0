#include "zone_bad.h"

/* Taken as a run of one page first, which sees to the lists and the counters. */
void zone_retire(struct zone *z, struct place at)
{
    zone_take_at(z, at, 1, CLASS_RUNS);
    block_set(&z->lists.bits[at.block], at.index, at.index + 1, PAGE_WITHHELD);
    z->lists.summaries[at.block].withheld = 1;
    z->total--;
    z->bad++;
    if (z->reserve != 0)
        z->reserve = z->total / 4;
}

void zone_retire_later(struct zone *z, uint64_t page, struct pmm_retiring *later)
{
    later->page = page;
    later->next = z->retiring;
    __atomic_store_n(&later->waits, true, __ATOMIC_RELAXED);
    z->retiring = later;
}

bool zone_awaits(const struct zone *z, uint64_t page, uint64_t pages)
{
    for (const struct pmm_retiring *w = z->retiring; w != NULL; w = w->next)
        if (w->page - page < pages)
            return true;
    return false;
}

/* A record is its owner's again as soon as it does not wait, so `next` is read before that. */
void zone_retire_given(struct zone *z, const struct region *r, uint64_t page, uint64_t pages)
{
    struct pmm_retiring **link = &z->retiring;
    while (*link != NULL) {
        struct pmm_retiring *w = *link;
        if (w->page - page >= pages) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        zone_retire(z, region_place(r, w->page));
        __atomic_store_n(&w->waits, false, __ATOMIC_RELEASE);
    }
}

/* What is no page of the region reads as withheld too; the same block may be open for that. */
void zone_add_bad(struct zone *z, const struct region *r, uint64_t page, uint64_t pages)
{
    struct lists *l = &z->lists;
    uint32_t last = region_place(r, page + pages - 1).block;
    uint32_t frame = (uint32_t)(page >> BLOCK_SHIFT);
    for (uint32_t block = region_place(r, page).block; block <= last; block++, frame++)
        if (!lists_is_open(l, block))
            lists_open(l, block, frame, CLASS_RUNS, PAGE_WITHHELD);
    z->bad += pages;
}
