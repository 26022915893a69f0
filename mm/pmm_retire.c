#include "pmm_retire.h"

#include "pmm_parked.h"
#include "pmm_state.h"
#include "zone_bad.h"

/* Neither free nor allocated: in a withheld extent, or withheld by its bits. */
static bool is_kept(const struct zone *z, struct place at)
{
    return !lists_is_open(&z->lists, at.block) || zone_is_kept(z, at);
}

/* In a block of which nothing is parked. Zone locked. */
static mm_status_t retire_page(struct pmm *p, const struct region *r, uint64_t page,
                               struct pmm_retiring *later)
{
    struct zone *z = p->zones[r->zone];
    struct place at = region_place(r, page);
    if (zone_awaits(z, page, 1))
        return MM_BAD;
    if (zone_is_free(z, at, 1)) {
        zone_retire(z, at);
        return MM_OK;
    }
    if (is_kept(z, at) && !pmm_withholds(p, page))
        return pmm_judge_kept(p, r, page);
    if (later == NULL)
        return MM_BUSY;
    zone_retire_later(z, page, later);
    return MM_OK;
}

/* `*parked`: nothing was done, for a CPU has the block, or pages of it, for itself. */
static mm_status_t retire_in(struct pmm *p, const struct region *r, uint64_t page,
                             struct pmm_retiring *later, bool *parked)
{
    struct zone *z = p->zones[r->zone];
    uint32_t block = region_place(r, page).block;
    mm_status_t status = MM_BUSY;
    hal_lock(&z->lock);
    (void)(parked_settle(p, z));
    *parked = zone_is_parked(z, block);
    if (!*parked)
        status = retire_page(p, r, page, later);
    hal_unlock(&z->lock);
    return status;
}

static mm_status_t retire(struct pmm *p, uint64_t page, struct pmm_retiring *later)
{
    uint32_t hint = 0;
    const struct region *r = pmm_region(p, page, &hint);
    if (r == NULL)
        return pmm_judge_outside(p, page);
    bool parked = false;
    hal_irq_t irq = hal_irq_save();
    mm_status_t status = retire_in(p, r, page, later, &parked);
    if (parked) {
        parked_begin(p);
        status = retire_in(p, r, page, later, &parked);
        parked_end(p);
    }
    hal_irq_restore(irq);
    return status;
}

mm_status_t pmm_retire(struct pmm *p, hal_paddr_t base, struct pmm_retiring *later)
{
    if (base % HAL_PAGE_SIZE != 0 || base == HAL_PADDR_NONE)
        return MM_NOT_PAGE;
    if (later != NULL && pmm_retires_later(later))
        return MM_INVALID;
    return retire(p, base >> HAL_PAGE_SHIFT, later);
}

bool pmm_retires_later(const struct pmm_retiring *later)
{
    return __atomic_load_n(&later->waits, __ATOMIC_ACQUIRE);
}
