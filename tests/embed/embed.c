/* tests/embed/embed.c: what a kernel does with mm/: a map, an allocator, an address space. */
#include "tests/embed/embed.h"
#include "mm/memmap.h"
#include "mm/pmm.h"

#define REGIONS 2048u                         /* enough for 1000 entries of the firmware */
#define WINDOW  ((vaddr_t)0xffffd00000000000) /* anything in the upper half */
#define RUN     65u                           /* pages: any length will do */

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
static status_t make_allocator(const struct embed_boot *boot)
{
    status_t status = STATUS_OK;
    memmap_init(&map, storage, REGIONS);
    memmap_set_width(&map, hal_paging_features().phys_bits);
    for (size_t i = 0; i < boot->count && status == STATUS_OK; i++)
        status = memmap_add_uefi(&map, boot->ranges[i].base, boot->ranges[i].size,
                                 boot->ranges[i].type, boot->ranges[i].attributes);
    if (status == STATUS_OK)
        status = memmap_normalize(&map);
    if (status == STATUS_OK)
        status = memmap_reserve(&map, boot->image, boot->image_size, "kernel image");
    if (status == STATUS_OK)
        status = pmm_create(&map, 1, &pmm);
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
    paddr_t one = pmm_alloc(pmm, 1, PMM_ZERO);
    paddr_t run = pmm_alloc(pmm, RUN, 0);
    paddr_t large = pmm_alloc_aligned(pmm, 512, 2 * MIB, 0);
    expect(one != PADDR_NONE && run != PADDR_NONE && large != PADDR_NONE, "pages were given");
    expect(large % (2 * MIB) == 0, "the large run is aligned");
    expect(free_pages() == before - 1 - RUN - 512, "just as many pages are gone");
    expect(*(uint64_t *)hal_phys_to_virt(one) == 0, "the page is zero");
    expect(pmm_free(pmm, run, RUN - 1) == STATUS_WRONG_LENGTH, "a wrong length is refused");
    expect(pmm_free(pmm, run, RUN) == STATUS_OK, "the run went back");
    expect(pmm_free(pmm, run, RUN) == STATUS_ALREADY_FREE, "freeing it twice is refused");
    expect(pmm_free(pmm, large, 512) == STATUS_OK && pmm_free(pmm, one, 1) == STATUS_OK,
           "the others went back");
    expect(free_pages() == before && pmm_check(pmm) == NULL, "the allocator is as it was");
}

static paddr_t table_alloc(void *ctx)
{
    return pmm_alloc(ctx, 1, PMM_KERNEL);
}

static void table_free(void *ctx, paddr_t page)
{
    if (pmm_free(ctx, page, 1) != STATUS_OK)
        HAL_PANIC("a page table cannot be given back");
}

/* All RAM at its own address, for the kernel to go on running; what is code can be executed. */
static status_t map_ram(struct aspace *space, const struct embed_boot *boot)
{
    status_t status = STATUS_OK;
    for (size_t i = 0; i < map.count && status == STATUS_OK; i++)
        if (mem_type_is_allocatable(map.regions[i].type))
            status = aspace_map(space, map.regions[i].base, map.regions[i].base,
                                map.regions[i].size, ASPACE_W);
    return status != STATUS_OK ? status
                               : aspace_protect(space, boot->code, boot->code_size, ASPACE_X);
}

/* Two pages from different places, side by side in the window. */
static void use_window(struct aspace *space, paddr_t low, paddr_t high)
{
    struct mapping found;
    expect(aspace_map(space, WINDOW, low, PAGE_SIZE, ASPACE_W) == STATUS_OK &&
               aspace_map(space, WINDOW + PAGE_SIZE, high, PAGE_SIZE, ASPACE_W) == STATUS_OK,
           "two pages were mapped");
    *(uint64_t *)machine_at(space, WINDOW + PAGE_SIZE) = 0x6d6f7274697365;
    expect(*(uint64_t *)hal_phys_to_virt(high) == 0x6d6f7274697365, "the window leads there");
    expect(aspace_query(space, WINDOW + 8, &found) == STATUS_OK && found.phys == low,
           "the space knows it");
    expect(aspace_map(space, WINDOW, high, PAGE_SIZE, 0) == STATUS_OVERLAP,
           "mapping it twice is refused");
    expect(aspace_unmap(space, WINDOW, 2 * PAGE_SIZE) == STATUS_OK &&
               aspace_query(space, WINDOW, &found) == STATUS_UNMAPPED,
           "it was unmapped");
}

static void use_space(const struct embed_boot *boot)
{
    struct page_source source = {table_alloc, table_free, pmm};
    struct aspace space;
    uint64_t before = free_pages();
    paddr_t old = hal_root();
    paddr_t low = pmm_alloc(pmm, 1, PMM_DMA32);
    paddr_t high = pmm_alloc(pmm, 1, 0);
    expect(aspace_init(&space, &source) == STATUS_OK && map_ram(&space, boot) == STATUS_OK,
           "a space with all RAM was made");
    aspace_activate(&space);
    use_window(&space, low, high);
    expect(aspace_check(&space) == NULL, "the space is sound");
    hal_load_root(old); /* a space that is loaded cannot be destroyed */
    aspace_destroy(&space);
    expect(pmm_free(pmm, low, 1) == STATUS_OK && pmm_free(pmm, high, 1) == STATUS_OK,
           "the two pages went back");
    expect(free_pages() == before && pmm_check(pmm) == NULL, "no page is lost");
}

struct embed_result embed_run(const struct embed_boot *boot)
{
    status_t status = make_allocator(boot);
    expect(status == STATUS_OK, "an allocator was made from the map");
    if (status == STATUS_OK) {
        use_pages();
        use_space(boot);
    } else {
        machine_print(status_text(status));
        machine_print("\n");
    }
    return result;
}
