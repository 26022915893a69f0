#include "pmm_parked.h"

/* A CPU that owns a block has taken the zone's lock for it, so whoever comes later sees the count.
 */
static void count_seekers(struct pmm *p, uint32_t change)
{
    for (uint32_t i = 0; i < p->zone_count; i++) {
        struct zone *z = p->zones[i];
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
    uint32_t cpu = hal_cpu_index();
    if (cpu < p->machine.cpus) /* an allocator may be for fewer CPUs than the machine has */
        magazine_release_all(&p->cpus[cpu]);
}

bool parked_begin(struct pmm *p)
{
    hal_irq_t irq = hal_irq_save();
    count_seekers(p, 1);
    release_here(p);
    bool all = hal_call_others(release_here, p);
    hal_irq_restore(irq);
    return all;
}

void parked_end(struct pmm *p)
{
    hal_irq_t irq = hal_irq_save();
    count_seekers(p, (uint32_t)-1);
    hal_irq_restore(irq);
}

/* A CPU is of one zone at a time, so the lock of this zone is enough for the runs that are looked at. */
bool parked_settle(const struct pmm *p, struct zone *z)
{
    bool any = false;
    for (uint32_t i = 0; i < p->machine.cpus; i++)
        if (stash_is_for(&p->cpus[i].stash, z))
            any |= own_run_settle(&p->cpus[i].stash.run, z);
    return any;
}

mm_status_t parked_judge(const struct pmm *p, struct zone *z, const struct region *r,
                         struct place at, size_t pages)
{
    mm_status_t status = zone_judge_free(z, r, at, pages);
    if (status == MM_PARKED && parked_settle(p, z))
        status = zone_judge_free(z, r, at, pages);
    return status;
}

hal_paddr_t parked_take_returned(struct zone *z)
{
    struct scan scan = {.pages = 1};
    enum scan_result result = SCAN_MORE;
    struct place at;
    hal_paddr_t base = HAL_PADDR_NONE;
    while (result == SCAN_MORE) {
        hal_irq_t irq = hal_irq_save();
        hal_lock(&z->lock);
        result = zone_take_returned(z, &scan, &at);
        if (result == SCAN_FOUND)
            base = lists_open_page(&z->lists, at) << HAL_PAGE_SHIFT;
        hal_unlock(&z->lock);
        hal_irq_restore(irq);
    }
    return base;
}
