#include "kernel/memory/tables.h"
#include "hal/hal.h"
#include "hal/short.h"
#include "kernel/early/pool.h"
#include "kernel/log/log.h"

const char tables_label[] = "page tables";

/* What the loader took for this. */
static struct {
    hal_paddr_t base, next, end; /* pages from `next` on were never given */
    hal_paddr_t back; /* pages that came back; each begins with the address of the next one */
} early;

static struct pmm *pmm;

static hal_paddr_t image_alloc(void *ctx)
{
    UNUSED(ctx);
    return pool_take();
}

static void image_free(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    pool_give(page);
}

static bool image_owns(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    return pool_owns(page);
}

static hal_paddr_t early_alloc(void *ctx)
{
    UNUSED(ctx);
    hal_paddr_t page = early.back;
    if (page != HAL_PADDR_NONE) {
        early.back = *(const hal_paddr_t *)hal_phys_to_virt(page);
        return page;
    }
    if (early.next == early.end)
        return HAL_PADDR_NONE;
    page = early.next;
    early.next += HAL_PAGE_SIZE;
    return page;
}

static void early_free(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    *(hal_paddr_t *)hal_phys_to_virt(page) = early.back;
    early.back = page;
}

static bool early_owns(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    return page >= early.base && page < early.end;
}

static hal_paddr_t late_alloc(void *ctx)
{
    UNUSED(ctx);
    return pmm_alloc(pmm, 1, PMM_KERNEL);
}

static void late_free(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    if (pmm_free(pmm, page, 1) != MM_OK)
        HAL_PANIC("the page allocator does not take a page table back");
}

static struct page_chain chain;
static struct page_stage stages[3] = {
    {.source = {image_alloc, image_free, NULL}, .owns = image_owns, .name = "the image"},
    {.source = {early_alloc, early_free, NULL}, .owns = early_owns, .name = "early memory"},
    {.source = {late_alloc, late_free, NULL}, .name = "the page allocator"},
};

static struct hal_lock lock; /* of the chain and its stages */

static hal_paddr_t locked_alloc(void *ctx)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&lock);
    hal_paddr_t page = page_chain_alloc(ctx);
    hal_unlock(&lock);
    hal_irq_restore(irq);
    return page;
}

static void locked_free(void *ctx, hal_paddr_t page)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&lock);
    page_chain_free(ctx, page);
    hal_unlock(&lock);
    hal_irq_restore(irq);
}

const struct page_source tables_source = {locked_alloc, locked_free, &chain};

void tables_begin(hal_paddr_t base, uint64_t size)
{
    early.base = early.next = base;
    early.end = base + size;
    page_chain_add(&chain, &stages[0]);
    page_chain_add(&chain, &stages[1]);
}

void tables_end(struct memmap *map)
{
    early.end = early.next;
    uint64_t used = early.end - early.base;
    if (used != 0 && memmap_reserve(map, early.base, used, tables_label) != MM_OK)
        HAL_PANIC(
            "the firmware's map does not have the memory that the loader took for page tables");
}

void tables_add_pmm(struct pmm *p)
{
    pmm = p;
    page_chain_add(&chain, &stages[2]);
}

uint64_t tables_in_use(void)
{
    return stages[0].in_use + stages[1].in_use + stages[2].in_use;
}

uint64_t tables_spare(void)
{
    uint64_t spare = (early.end - early.next) / HAL_PAGE_SIZE + pool_spare();
    for (hal_paddr_t page = early.back; page != HAL_PADDR_NONE;
         page = *(const hal_paddr_t *)hal_phys_to_virt(page))
        spare++;
    return spare;
}

bool tables_complete(void)
{
    return stages[0].in_use + stages[1].in_use + tables_spare() ==
           POOL_PAGES + (early.end - early.base) / HAL_PAGE_SIZE;
}

void tables_log(void)
{
    LOG("tables", "%u in use; %s gave %u (%u in use), %s %u (%u), %s %u (%u); %u pages spare",
        U(tables_in_use()), S(stages[0].name), U(stages[0].given), U(stages[0].in_use),
        S(stages[1].name), U(stages[1].given), U(stages[1].in_use), S(stages[2].name),
        U(stages[2].given), U(stages[2].in_use), U(tables_spare()));
}
