/* tests/embed/embed.c: what a kernel does with mm/: a map, an allocator, an address space. */
#include "tests/embed/embed.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

#define REGIONS 2048u                             /* enough for 1000 entries of the firmware */
#define WINDOW  ((hal_vaddr_t)0xffffd00000000000) /* anything in the upper half */
#define RUN     65u                               /* pages: any length will do */
#define CPUS    8u                                /* at most */
#define ROUNDS  20000u                            /* of each CPU */
#define HELD    64u                               /* pages that CPUs hand to one another */

static struct mem_region storage[REGIONS];
static struct memmap map;
static struct pmm *pmm;
static struct embed_result result;

static void expect(bool ok, const char *what)
{
    result.passed += ok ? 1 : 0;
    result.failed += ok ? 0 : 1;
    machine_print(ok ? "ok      " : "FAILED  ");
    machine_print(what);
    machine_print("\n");
}

/* From the firmware's map to an allocator. Memory that the loader or the firmware's boot services
 * still use is withheld; pmm_reclaim() would add it. */
static mm_status_t make_allocator(const struct embed_boot *boot)
{
    mm_status_t status = MM_OK;
    memmap_init(&map, storage, REGIONS);
    memmap_set_width(&map, hal_paging_features().phys_bits);
    for (size_t i = 0; i < boot->count && status == MM_OK; i++)
        status = memmap_add_uefi(&map, boot->ranges[i].base, boot->ranges[i].size,
                                 boot->ranges[i].type, boot->ranges[i].attributes);
    if (status == MM_OK)
        status = memmap_normalize(&map);
    if (status == MM_OK)
        status = memmap_reserve(&map, boot->image, boot->image_size, "kernel image");
    if (status == MM_OK)
        status = pmm_create(&map, boot->cpus, &pmm);
    return status;
}

static uint64_t free_pages(void)
{
    uint64_t pages = 0;
    for (unsigned zone = 0; zone < PMM_ZONE_COUNT; zone++) {
        struct pmm_stats stats;
        pmm_stats(pmm, (enum pmm_zone)zone, &stats);
        pages += stats.free + stats.parked;
    }
    return pages;
}

static void use_pages(void)
{
    uint64_t before = free_pages();
    hal_paddr_t one = pmm_alloc(pmm, 1, PMM_ZERO);
    hal_paddr_t run = pmm_alloc(pmm, RUN, 0);
    hal_paddr_t large = pmm_alloc_aligned(pmm, 512, (uint64_t)2 << 20, 0);
    expect(one != HAL_PADDR_NONE && run != HAL_PADDR_NONE && large != HAL_PADDR_NONE,
           "pages were given");
    expect(large % ((uint64_t)2 << 20) == 0, "the large run is aligned");
    expect(free_pages() == before - 1 - RUN - 512, "just as many pages are gone");
    expect(*(uint64_t *)hal_phys_to_virt(one) == 0, "the page is zero");
    expect(pmm_free(pmm, run, RUN - 1) == MM_WRONG_LENGTH, "a wrong length is refused");
    expect(pmm_free(pmm, run, RUN) == MM_OK, "the run went back");
    expect(pmm_free(pmm, run, RUN) == MM_ALREADY_FREE, "freeing it twice is refused");
    expect(pmm_free(pmm, large, 512) == MM_OK && pmm_free(pmm, one, 1) == MM_OK,
           "the others went back");
    expect(free_pages() == before && pmm_check(pmm) == NULL, "the allocator is as it was");
}

/* What lies in the table is free to take for any CPU; 0: nothing. */
static hal_paddr_t shared[HELD];
static struct hal_lock shared_lock;
static uint32_t wrong[CPUS]; /* by CPU */

static void write_mark(hal_paddr_t page)
{
    *(uint64_t *)hal_phys_to_virt(page) = page;
}

static bool has_mark(hal_paddr_t page)
{
    return *(uint64_t *)hal_phys_to_virt(page) == page;
}

static hal_paddr_t swap(uint32_t at, hal_paddr_t page)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&shared_lock);
    hal_paddr_t was = shared[at];
    shared[at] = page;
    hal_unlock(&shared_lock);
    hal_irq_restore(irq);
    return was;
}

/* Take a page and leave it in the table; what was there, perhaps from another CPU, is given back. A CPU that
 * goes idle gives back what it parked, for a port may not be able to make it do so later. */
static void exchange_pages(uint32_t cpu)
{
    uint32_t at = cpu * 17;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        at = at * 1103515245 + 12345;
        hal_paddr_t page = pmm_alloc(pmm, 1, (at & 0x10000) != 0 ? PMM_KERNEL : 0);
        if (page != HAL_PADDR_NONE)
            write_mark(page);
        page = swap((at >> 17) % HELD, page);
        if (page != HAL_PADDR_NONE)
            wrong[cpu] += !has_mark(page) || pmm_free(pmm, page, 1) != MM_OK;
    }
    pmm_drain(pmm);
}

static void use_all_cpus(uint32_t cpus)
{
    uint64_t before = free_pages();
    uint32_t mistakes = 0;
    machine_everywhere(exchange_pages);
    for (uint32_t i = 0; i < HELD; i++)
        mistakes += shared[i] != HAL_PADDR_NONE && pmm_free(pmm, shared[i], 1) != MM_OK;
    for (uint32_t i = 0; i < cpus; i++)
        mistakes += wrong[i];
    expect(mistakes == 0, "all CPUs took pages, and each page had one owner");
    expect(free_pages() == before && pmm_check(pmm) == NULL, "no page is lost between CPUs");
}

static hal_paddr_t table_alloc(void *ctx)
{
    return pmm_alloc(ctx, 1, PMM_KERNEL);
}

static void table_free(void *ctx, hal_paddr_t page)
{
    if (pmm_free(ctx, page, 1) != MM_OK)
        HAL_PANIC("a page table cannot be given back");
}

/* All RAM at its own address, for the kernel to go on running; what is code can be executed. */
static mm_status_t map_ram(struct aspace *space, const struct embed_boot *boot)
{
    mm_status_t status = MM_OK;
    for (size_t i = 0; i < map.count && status == MM_OK; i++)
        if (mem_type_is_allocatable(map.regions[i].type))
            status = aspace_map(space, map.regions[i].base, map.regions[i].base,
                                map.regions[i].size, ASPACE_W);
    return status != MM_OK ? status : aspace_protect(space, boot->code, boot->code_size, ASPACE_X);
}

/* Two pages from different places, side by side in the window. */
static void use_window(struct aspace *space, hal_paddr_t low, hal_paddr_t high)
{
    struct aspace_mapping found;
    expect(aspace_map(space, WINDOW, low, HAL_PAGE_SIZE, ASPACE_W) == MM_OK &&
               aspace_map(space, WINDOW + HAL_PAGE_SIZE, high, HAL_PAGE_SIZE, ASPACE_W) == MM_OK,
           "two pages were mapped");
    *(uint64_t *)machine_at(space, WINDOW + HAL_PAGE_SIZE) = 0x6d6f7274697365;
    expect(*(uint64_t *)hal_phys_to_virt(high) == 0x6d6f7274697365, "the window leads there");
    expect(aspace_query(space, WINDOW + 8, &found) == MM_OK && found.phys == low,
           "the space knows it");
    expect(aspace_map(space, WINDOW, high, HAL_PAGE_SIZE, 0) == MM_OVERLAP,
           "mapping it twice is refused");
    expect(aspace_unmap(space, WINDOW, 2 * HAL_PAGE_SIZE) == MM_OK &&
               aspace_query(space, WINDOW, &found) == MM_UNMAPPED,
           "it was unmapped");
}

static void use_space(const struct embed_boot *boot)
{
    struct page_source source = {table_alloc, table_free, pmm};
    struct aspace space;
    uint64_t before = free_pages();
    hal_paddr_t old = hal_root();
    hal_paddr_t low = pmm_alloc(pmm, 1, PMM_DMA32);
    hal_paddr_t high = pmm_alloc(pmm, 1, 0);
    expect(aspace_init(&space, &source) == MM_OK && map_ram(&space, boot) == MM_OK,
           "a space with all RAM was made");
    aspace_activate(&space);
    use_window(&space, low, high);
    expect(aspace_check(&space) == NULL, "the space is sound");
    hal_load_root(old); /* a space that is loaded cannot be destroyed */
    aspace_destroy(&space);
    expect(pmm_free(pmm, low, 1) == MM_OK && pmm_free(pmm, high, 1) == MM_OK,
           "the two pages went back");
    expect(free_pages() == before && pmm_check(pmm) == NULL, "no page is lost");
}

struct embed_result embed_run(const struct embed_boot *boot)
{
    mm_status_t status = make_allocator(boot);
    expect(status == MM_OK, "an allocator was made from the map");
    if (status == MM_OK) {
        use_pages();
        use_all_cpus(boot->cpus);
        use_space(boot);
    } else {
        machine_print(mm_status_text(status));
        machine_print("\n");
    }
    return result;
}
