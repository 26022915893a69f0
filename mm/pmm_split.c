#include "pmm_split.h"

#include "pmm_debug.h"
#include "pmm_parked.h"
#include "pmm_state.h"

/* The page `pages` behind `at`. */
static struct place place_after(struct place at, size_t pages)
{
    uint64_t index = at.index + (uint64_t)pages;
    return (struct place){at.block + (uint32_t)(index / BLOCK_PAGES),
                          (uint32_t)(index % BLOCK_PAGES)};
}

/* A run of two pages or more lies in blocks that no CPU owns (B2), so both planes may be written. Zone
 * locked. */
static mm_status_t split_in(const struct pmm *p, const struct region *r, struct place at,
                            size_t pages, size_t first)
{
    struct zone *z = p->zones[r->zone];
    mm_status_t status = parked_judge(p, z, r, at, pages);
    if (status != MM_OK)
        return status;
    if (first == 0 || first >= pages)
        return MM_INVALID;
    struct place second = place_after(at, first);
    block_set(&z->lists.bits[second.block], second.index, second.index + 1, PAGE_HEAD);
    z->allocs++;
    return MM_OK;
}

static mm_status_t split(struct pmm *p, uint64_t page, size_t pages, size_t first)
{
    uint32_t hint = 0;
    const struct region *r = pmm_region(p, page, &hint);
    if (r == NULL)
        return pmm_judge_outside(p, page);
    struct zone *z = p->zones[r->zone];
    hal_irq_t irq = hal_irq_save();
    hal_lock(&z->lock);
    mm_status_t status = split_in(p, r, region_place(r, page), pages, first);
    if (status == MM_RESERVED)
        status = pmm_judge_kept(p, r, page);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    return status;
}

mm_status_t pmm_split(struct pmm *p, hal_paddr_t base, size_t pages, size_t first)
{
    if (base % HAL_PAGE_SIZE != 0 || base == HAL_PADDR_NONE)
        return MM_NOT_PAGE;
    mm_status_t status = split(p, base >> HAL_PAGE_SHIFT, pages, first);
    if (p->debugging) {
        struct pmm_op op = {.base = base,
                            .pages = pages,
                            .kind = 3,
                            .status = status,
                            .caller = __builtin_return_address(0)};
        pmm_debug_record(p, &op);
    }
    return status;
}
