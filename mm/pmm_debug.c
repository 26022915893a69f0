#include "pmm_debug.h"

#include "pmm_check.h"
#include "pmm_parked.h"
#include "pmm_report.h"
#include "pmm_struct.h"

#define JUNK 0x6b6b6b6b6b6b6b6bu

/* 6b: neither a sum of small numbers nor an address of anything. */
void pmm_debug_fill(hal_paddr_t base, uint64_t pages)
{
    uint64_t *word = hal_phys_to_virt(base);
    for (uint64_t i = 0; i < pages * (HAL_PAGE_SIZE / sizeof *word); i++)
        word[i] = JUNK;
}

static void check_junk(hal_paddr_t base, uint64_t pages)
{
    const uint64_t *word = hal_phys_to_virt(base);
    for (uint64_t i = 0; i < pages * (HAL_PAGE_SIZE / sizeof *word); i++)
        if (word[i] != JUNK)
            HAL_PANIC("a page was written to while it was free; pmm_debug's ring says who had it");
}

static void junk_visit(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    (void)(ctx);
    if (kind == PMM_RUN_FREE || kind == PMM_RUN_PARKED)
        pmm_debug_fill(base, pages);
}

/* Interrupt handlers may use the allocator, so none runs before all is counted. */
static void check_all(struct pmm *p)
{
    hal_irq_t irq = hal_irq_save();
    const char *wrong = pmm_check(p);
    hal_irq_restore(irq);
    if (wrong != NULL)
        HAL_PANIC(wrong);
}

/* What is free already gets junk now, or its next taker would miss it. An interrupt handler could
 * take pages after the walk has come by, before they get it. */
void pmm_set_debug(struct pmm *p, const struct pmm_debug *options)
{
    static const struct pmm_debug off = {.junk = false};
    const struct pmm_debug *o = options != NULL ? options : &off;
    hal_irq_t irq = hal_irq_save();
    p->debugging = options != NULL;
    p->junk = o->junk;
    p->check_every = o->check_every;
    p->ring = o->ring;
    p->ring_size = o->ring_size;
    p->operations = 0;
    if (p->junk)
        pmm_walk(p, junk_visit, NULL);
    hal_irq_restore(irq);
}

/* A CPU that takes or gives back its own run is waited for (mm/own_run.h). */
void pmm_others_stopped(struct pmm *p)
{
    for (uint32_t i = 0; i < p->machine.cpus; i++)
        __atomic_store_n(&p->cpus[i].stash.run.inside, false, __ATOMIC_SEQ_CST);
}

uint64_t pmm_debug_ring_count(const struct pmm *p)
{
    return __atomic_load_n(&p->operations, __ATOMIC_RELAXED);
}

/* Several CPUs may record at once: each has an entry of its own. */
void pmm_debug_record(struct pmm *p, const struct pmm_op *op)
{
    uint64_t count = pmm_count(p, &p->operations);
    if (p->ring != NULL && p->ring_size != 0)
        p->ring[count % p->ring_size] = *op;
    if (p->check_every != 0 && (count + 1) % p->check_every == 0)
        check_all(p);
}

void pmm_debug_taken(struct pmm *p, hal_paddr_t base, size_t pages, uint32_t flags,
                     const void *caller)
{
    struct pmm_op op = {.base = base,
                        .pages = pages,
                        .caller = caller,
                        .flags = flags,
                        .status = base != HAL_PADDR_NONE ? MM_OK : MM_NO_MEMORY};
    if (p->junk && base != HAL_PADDR_NONE)
        check_junk(base, pages);
    pmm_debug_record(p, &op);
}

/* Only what is really an allocated run of that length may be filled, so the zone is asked first.
 * Its owner is in pmm_free() and does not use it any more. */
void pmm_debug_before_free(struct pmm *p, hal_paddr_t base, size_t pages)
{
    uint32_t hint = 0;
    const struct region *r = pmm_region(p, base >> HAL_PAGE_SHIFT, &hint);
    if (r == NULL || !p->junk)
        return;
    struct zone *z = p->zones[r->zone];
    hal_irq_t irq = hal_irq_save();
    hal_lock(&z->lock);
    mm_status_t status = parked_judge(p, z, r, region_place(r, base >> HAL_PAGE_SHIFT), pages);
    hal_unlock(&z->lock);
    hal_irq_restore(irq);
    if (status == MM_OK)
        pmm_debug_fill(base, pages);
}
