#include "stash.h"

void stash_init(struct stash *st, struct zone *z, uint32_t node)
{
    bool fits = z != NULL && z->node == node && z->id != PMM_ZONE_DMA;
    __atomic_store_n(&st->zone, fits ? z : NULL, __ATOMIC_RELAXED);
}

/* Zone locked. False: nothing came back. */
static bool release(struct stash *st)
{
    bool any = own_run_release(&st->run, st->zone) || st->count != 0;
    while (st->count != 0) {
        st->count--;
        zone_put_back(st->zone, st->pages[st->count], 1);
    }
    return any;
}

bool stash_release(struct stash *st)
{
    if (st->count == 0 && __atomic_load_n(&st->run.pages, __ATOMIC_RELAXED) == 0)
        return false;
    struct zone *z = st->zone;
    hal_lock(&z->lock);
    bool any = release(st);
    hal_unlock(&z->lock);
    return any;
}

/* S4: who waits for the lock meanwhile finds a stash that is for no zone, and lets its run alone. */
void stash_leave(struct stash *st)
{
    struct zone *z = st->zone;
    if (z == NULL)
        return;
    hal_lock(&z->lock);
    (void)(release(st));
    st->last_run = 0;
    __atomic_store_n(&st->zone, NULL, __ATOMIC_RELAXED);
    hal_unlock(&z->lock);
}

/* In one pass. The pages of other blocks keep their order: the one that came last is taken first. */
void stash_release_block(struct stash *st, uint32_t block)
{
    uint32_t kept = 0;
    while (kept < st->count && st->pages[kept].block != block)
        kept++;
    for (uint32_t i = kept; i < st->count; i++)
        if (st->pages[i].block == block)
            zone_put_back(st->zone, st->pages[i], 1);
        else
            st->pages[kept++] = st->pages[i];
    st->count = kept;
}
