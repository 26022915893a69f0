#include "own_run.h"

/* From here to let_go() it stays as it is. The CPU is inside for a few instructions, with interrupts
 * disabled, and waits for nothing there. */
static void hold(struct own_run *r)
{
    __atomic_store_n(&r->held, true, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&r->inside, __ATOMIC_SEQ_CST))
        continue;
}

static void let_go(struct own_run *r)
{
    __atomic_store_n(&r->held, false, __ATOMIC_RELEASE);
}

/* A run is known by its first page, for that is what its CPU compares; the zone wants the place. */
static struct place place_of(const struct zone *z, uint64_t page)
{
    uint32_t hint = 0;
    const struct lists *l = &z->lists;
    return region_place(region_of_page(l->regions, l->region_count, page, &hint), page);
}

/* Held. It is the CPU's no longer, and the zone hears of its calls. */
static void drop(struct own_run *r, struct zone *z)
{
    z->allocs += r->takes;
    z->frees += r->takes - r->in_use;
    __atomic_store_n(&r->takes, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&r->in_use, false, __ATOMIC_RELAXED);
    __atomic_store_n(&r->pages, 0, __ATOMIC_RELAXED);
}

/* `pages` changes under the zone's lock alone, so here it may be read before the run is held. The bits follow
 * after that: the CPU does not look at them, and nobody else can. */
bool own_run_settle(struct own_run *r, struct zone *z)
{
    if (r->pages == 0)
        return false;
    hold(r);
    bool in_use = r->in_use;
    if (in_use)
        drop(r, z);
    let_go(r);
    if (in_use)
        zone_unstash(z, place_of(z, r->page));
    return in_use;
}

bool own_run_release(struct own_run *r, struct zone *z)
{
    uint32_t pages = r->pages;
    if (pages == 0)
        return false;
    hold(r);
    bool in_use = r->in_use;
    drop(r, z);
    let_go(r);
    if (in_use)
        zone_unstash(z, place_of(z, r->page));
    else
        zone_put_back(z, place_of(z, r->page), pages);
    return !in_use;
}

/* The CPU is here, so it is not inside; others look at the run only with the lock that is held. */
void own_run_keep(struct own_run *r, struct zone *z, uint64_t page, size_t pages)
{
    (void)(own_run_release(r, z));
    r->page = page;
    __atomic_store_n(&r->pages, (uint32_t)pages, __ATOMIC_RELEASE);
}
