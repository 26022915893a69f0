#include "pmm_claim.h"

#include "pmm_debug.h"
#include "pmm_parked.h"
#include "pmm_state.h"

/* Does the firmware still use one of these pages? */
static bool withholds_any(const struct pmm *p, uint64_t page, size_t pages)
{
    for (size_t i = 0; i < p->withheld_count; i++) {
        const struct withheld *w = &p->withheld[i];
        if (!__atomic_load_n(&w->given, __ATOMIC_ACQUIRE) && w->first_page < page + pages &&
            page < w->first_page + w->pages)
            return true;
    }
    return false;
}

/* Why can this page of the region, which is not free and not withheld, not be claimed? */
static mm_status_t judge_claim(const struct pmm *p, const struct region *r, uint64_t page)
{
    const struct zone *z = p->zones[r->zone];
    struct place at = region_place(r, page);
    bool kept = !lists_is_open(&z->lists, at.block) || zone_is_kept(z, at);
    return kept ? pmm_judge_kept(p, r, page) : MM_BUSY;
}

/* `parked`: a CPU owns a block of the zone, so a page that is not free may be parked there. */
static mm_status_t claim_in(struct pmm *p, const struct region *r, uint64_t page, size_t pages,
                            bool *parked)
{
    struct zone *z = p->zones[r->zone];
    struct place at = region_place(r, page);
    mm_status_t status = MM_OK;
    hal_lock(&z->lock);
    *parked = zone_is_parked_in(z);
    uint64_t free = zone_free_pages(z, at, pages);
    if (free < pages) {
        status = withholds_any(p, page, pages) ? MM_RESERVED : judge_claim(p, r, page + free);
    } else {
        zone_take_at(z, at, pages, CLASS_RUNS);
        z->allocs++;
    }
    hal_unlock(&z->lock);
    return status;
}

/* The range must lie in one region. What follows a region is another one only at a zone's limit.
 * Parked pages can be claimed, so they go back to the zones: those of this CPU first. */
static mm_status_t claim(struct pmm *p, struct magazine_cpu *cpu, uint64_t page, size_t pages)
{
    uint32_t hint = cpu->region.number;
    const struct region *r = pmm_region(p, page, &hint);
    if (r == NULL)
        return pmm_judge_outside(p, page);
    uint64_t inside = r->first_page + r->pages - page;
    if (pages > inside) {
        bool goes_on = pmm_region(p, page + inside, &hint) != NULL;
        return goes_on ? MM_INVALID : pmm_judge_outside(p, page + inside);
    }
    magazine_release_all(cpu);
    bool parked = false;
    mm_status_t status = claim_in(p, r, page, pages, &parked);
    if (status == MM_BUSY && parked) {
        parked_begin(p);
        status = claim_in(p, r, page, pages, &parked);
        parked_end(p);
    }
    return status;
}

mm_status_t pmm_claim(struct pmm *p, hal_paddr_t base, size_t pages)
{
    if (base % HAL_PAGE_SIZE != 0 || base == HAL_PADDR_NONE)
        return MM_NOT_PAGE;
    if (pages == 0)
        return MM_INVALID;
    hal_irq_t irq = hal_irq_save();
    struct magazine_cpu *cpu = &p->cpus[hal_cpu_index()];
    mm_status_t status = claim(p, cpu, base >> HAL_PAGE_SHIFT, pages);
    hal_irq_restore(irq);
    if (p->debugging) {
        struct pmm_op op = {.base = base,
                            .pages = pages,
                            .kind = 2,
                            .status = status,
                            .caller = __builtin_return_address(0)};
        pmm_debug_record(p, &op);
    }
    return status;
}
