#include "pmm_length.h"

#include "pmm_parked.h"
#include "pmm_state.h"
#include "runs.h"

/* Of the run whose head is at a place: up to the first page that is not inside it. In a block that a CPU
 * owns that is the next one (B2). */
static size_t length_at(const struct lists *l, const struct region *r, struct place at)
{
    uint32_t end = r->first_block + r->blocks;
    unsigned stop = block_run_end(&l->bits[at.block], at.index + 1);
    size_t pages = stop - at.index;
    for (uint32_t block = at.block + 1; stop == BLOCK_PAGES && block < end; block++) {
        stop = lists_is_open(l, block) ? block_run_end(&l->bits[block], 0) : 0;
        pages += stop;
    }
    return pages;
}

/* No run has no pages: so where one begins, the answer is MM_WRONG_LENGTH. Zone locked. */
static mm_status_t measure(const struct pmm *p, const struct region *r, struct place at,
                           size_t *pages)
{
    struct zone *z = p->zones[r->zone];
    mm_status_t status = parked_judge(p, z, r, at, 0);
    if (status != MM_WRONG_LENGTH)
        return status;
    *pages = length_at(&z->lists, r, at);
    return MM_OK;
}

mm_status_t pmm_length(struct pmm *p, hal_paddr_t base, size_t *pages)
{
    uint64_t page = base >> HAL_PAGE_SHIFT;
    uint32_t hint = 0;
    *pages = 0;
    if (base % HAL_PAGE_SIZE != 0 || base == HAL_PADDR_NONE)
        return MM_NOT_PAGE;
    const struct region *r = pmm_region(p, page, &hint);
    if (r == NULL)
        return pmm_judge_outside(p, page);
    struct zone *z = p->zones[r->zone];
    hal_irq_t irq = hal_irq_save();
    hal_lock(&z->lock);
    mm_status_t status = measure(p, r, region_place(r, page), pages);
    if (status == MM_RESERVED)
        status = pmm_judge_kept(p, r, page);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    return status;
}
