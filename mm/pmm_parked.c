#include "mm/pmm_parked.h"

bool parked_anywhere(struct pmm *p)
{
    uint32_t owned = 0;
    for (unsigned id = 0; id < PMM_ZONE_COUNT; id++)
        if (p->zones[id] != NULL)
            owned += __atomic_load_n(&p->zones[id]->owned, __ATOMIC_RELAXED);
    return owned != 0;
}

/* A CPU that owns a block has taken the zone's lock for it, so whoever comes later sees the count. */
static void count_seekers(struct pmm *p, uint32_t change)
{
    for (unsigned id = 0; id < PMM_ZONE_COUNT; id++) {
        struct zone *z = p->zones[id];
        if (z == NULL)
            continue;
        hal_lock(&z->lock);
        z->seekers += change;
        hal_unlock(&z->lock);
    }
}

static void release_here(void *arg)
{
    struct pmm *p = arg;
    magazine_release_all(&p->cpus[hal_cpu_index()]);
}

bool parked_begin(struct pmm *p)
{
    count_seekers(p, 1);
    release_here(p);
    return hal_call_others(release_here, p);
}

void parked_end(struct pmm *p)
{
    count_seekers(p, (uint32_t)-1);
}

paddr_t parked_take_returned(struct pmm *p, enum pmm_zone top)
{
    paddr_t base = PADDR_NONE;
    for (int id = (int)top; id >= 0 && base == PADDR_NONE; id--) {
        struct zone *z = p->zones[id];
        struct place at;
        if (z == NULL)
            continue;
        hal_lock(&z->lock);
        if (zone_take_returned(z, &at))
            base = lists_open_page(&z->lists, at) << PAGE_SHIFT;
        hal_unlock(&z->lock);
    }
    return base;
}
