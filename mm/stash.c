#include "stash.h"

void stash_init(struct stash *st, struct zone *z, uint32_t node)
{
    bool fits = z != NULL && z->node == node && z->id != PMM_ZONE_DMA;
    *st = (struct stash){.zone = fits ? z : NULL};
}

bool stash_release_run(struct stash *st)
{
    uint32_t pages = st->run_pages;
    if (pages == 0)
        return false;
    st->run_pages = 0;
    zone_put_back(st->zone, st->run, pages);
    return true;
}

bool stash_release(struct stash *st)
{
    if (st->count == 0 && st->run_pages == 0)
        return false;
    struct zone *z = st->zone;
    hal_lock(&z->lock);
    bool any = stash_release_run(st) || st->count != 0;
    while (st->count != 0) {
        st->count--;
        zone_put_back(z, st->pages[st->count], 1);
    }
    hal_unlock(&z->lock);
    return any;
}

void stash_release_block(struct stash *st, uint32_t block)
{
    uint32_t kept = 0;
    if (!block_has_parked(&st->zone->lists.bits[block]))
        return;
    while (kept < st->count && st->pages[kept].block != block)
        kept++;
    for (uint32_t i = kept; i < st->count; i++)
        if (st->pages[i].block == block)
            zone_put_back(st->zone, st->pages[i], 1);
        else
            st->pages[kept++] = st->pages[i];
    st->count = kept;
}
