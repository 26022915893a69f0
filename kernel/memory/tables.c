#include "kernel/memory/tables.h"
#include "hal/hal.h"
#include "kernel/early/pool.h"
#include "kernel/log/log.h"

const char tables_label[] = "page tables";

#define FIRST_CHUNK 16u

static struct {
    struct memmap *map; /* NULL: closed */
    paddr_t chunk;      /* next page of the last piece */
    uint64_t spare;     /* pages left of it */
    uint64_t taken;     /* pages taken from the map in all */
    paddr_t back;       /* pages that came back; each begins with the address of the next one */
} early;

static struct pmm *pmm;

static paddr_t image_alloc(void *ctx)
{
    UNUSED(ctx);
    return pool_take();
}

static void image_free(void *ctx, paddr_t page)
{
    UNUSED(ctx);
    pool_give(page);
}

static bool image_owns(void *ctx, paddr_t page)
{
    UNUSED(ctx);
    return pool_owns(page);
}

/* Pieces grow, so that their number (each may take a slot of the map) grows with the logarithm of
 * the RAM only. U-Boot's identity map ends at 4 GiB, so memory below is asked for first. */
static bool take_chunk(void)
{
    static const paddr_t limits[2] = {4 * GIB, 0};
    uint64_t want = max_u64(FIRST_CHUNK, early.taken / 2);
    for (; early.map != NULL && want > 0; want /= 2) {
        for (unsigned i = 0; i < ARRAY_LEN(limits); i++) {
            early.chunk =
                memmap_early_alloc(early.map, want * PAGE_SIZE, PAGE_SIZE, limits[i], tables_label);
            if (early.chunk == PADDR_NONE)
                continue;
            early.taken += want;
            early.spare = want;
            return true;
        }
    }
    return false;
}

static paddr_t early_alloc(void *ctx)
{
    UNUSED(ctx);
    paddr_t page = early.back;
    if (page != PADDR_NONE) {
        early.back = *(const paddr_t *)hal_phys_to_virt(page);
        return page;
    }
    if (early.spare == 0 && !take_chunk())
        return PADDR_NONE;
    page = early.chunk;
    early.chunk += PAGE_SIZE;
    early.spare--;
    return page;
}

static void early_free(void *ctx, paddr_t page)
{
    UNUSED(ctx);
    *(paddr_t *)hal_phys_to_virt(page) = early.back;
    early.back = page;
}

static bool early_owns(void *ctx, paddr_t page)
{
    const struct mem_region *r = memmap_find(ctx, page);
    return r != NULL && r->label == tables_label;
}

static paddr_t late_alloc(void *ctx)
{
    UNUSED(ctx);
    return pmm_alloc(pmm, 1, PMM_KERNEL);
}

static void late_free(void *ctx, paddr_t page)
{
    UNUSED(ctx);
    if (pmm_free(pmm, page, 1) != STATUS_OK)
        HAL_PANIC("the page allocator does not take a page table back");
}

static struct page_chain chain;
static struct page_stage stages[3] = {
    {.source = {image_alloc, image_free, NULL}, .owns = image_owns, .name = "the image"},
    {.source = {early_alloc, early_free, NULL}, .owns = early_owns, .name = "early memory"},
    {.source = {late_alloc, late_free, NULL}, .name = "the page allocator"},
};

const struct page_source tables_source = {page_chain_alloc, page_chain_free, &chain};

void tables_begin(struct memmap *map)
{
    early.map = map;
    stages[1].source.ctx = map;
    page_chain_add(&chain, &stages[0]);
    page_chain_add(&chain, &stages[1]);
}

void tables_close_map(void)
{
    early.map = NULL;
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
    uint64_t spare = early.spare + pool_spare();
    for (paddr_t page = early.back; page != PADDR_NONE;
         page = *(const paddr_t *)hal_phys_to_virt(page))
        spare++;
    return spare;
}

bool tables_complete(void)
{
    return stages[0].in_use + stages[1].in_use + tables_spare() == POOL_PAGES + early.taken;
}

void tables_log(void)
{
    LOG("tables", "%u in use; %s gave %u (%u in use), %s %u (%u), %s %u (%u); %u pages spare",
        U(tables_in_use()), S(stages[0].name), U(stages[0].given), U(stages[0].in_use),
        S(stages[1].name), U(stages[1].given), U(stages[1].in_use), S(stages[2].name),
        U(stages[2].given), U(stages[2].in_use), U(tables_spare()));
}
