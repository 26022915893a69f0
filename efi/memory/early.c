#include "efi/memory/early.h"
#include "hal/short.h"
#include "efi/memory/map.h"
#include "hal/cpu.h"

#define STACK_SIZE (64 * KIB) /* the kernel's boot stack */

/* Page tables whose number does not depend on the map: for roots, image, stacks, registers, screen and
 * windows. */
#define FIXED 48u

/* Runs of RAM that may still be added: when the map changes before the exit, or a framebuffer lies in RAM. */
#define SLACK 16u

/* Below 4 GiB if possible, for U-Boot maps nothing above; never below 1 MiB, which the kernel does not map, and
 * which firmware that is short of memory hands out. */
static uint64_t take(const struct loader *l, uint64_t bytes)
{
    uint64_t pages = bytes / HAL_PAGE_SIZE;
    uint64_t at = map_take_pages(l, pages, 4 * GIB - 1);
    if (at < MEMMAP_FLOOR)
        at = map_take_pages(l, pages, 0);
    return at < MEMMAP_FLOOR ? 0 : at;
}

static uint64_t blocks(hal_paddr_t base, hal_paddr_t end, uint64_t size)
{
    return (end - 1) / size - base / size + 1;
}

/* Tables that the direct map needs for one run of RAM, if it shares none of them with another run: at each
 * end one of 4 KiB pages and one of 2 MiB pages. A CPU without 1 GiB pages needs one of 2 MiB pages for
 * each GiB. */
static uint64_t tables_of_run(hal_paddr_t base, hal_paddr_t end)
{
    uint64_t giant = hal_paging_features().pages_1g ? 2 : blocks(base, end, GIB);
    return 2 + giant + blocks(base, end, 512 * GIB);
}

/* However RAM below `end` is cut into runs, its direct map needs no more. */
static uint64_t tables_of_any(hal_paddr_t end)
{
    return blocks(0, end, 2 * MIB) + blocks(0, end, GIB) + blocks(0, end, 512 * GIB);
}

static uint64_t tables_of_map(const struct memmap *m)
{
    uint64_t pages = SLACK * 5;
    hal_paddr_t top = MIB;
    for (size_t i = 0; i < m->count;) {
        const struct mem_region *r = &m->regions[i++];
        hal_paddr_t end = mem_region_end(r);
        if (!mem_type_is_ram(r->type))
            continue;
        for (; i < m->count && m->regions[i].base == end && mem_type_is_ram(m->regions[i].type);
             i++)
            end = mem_region_end(&m->regions[i]);
        pages += tables_of_run(r->base, end);
        top = end;
    }
    return FIXED + hal_min_u64(pages, tables_of_any(top));
}

bool early_clean(const struct loader *l, struct memmap *m)
{
    memmap_init(m, (struct mem_region *)(uintptr_t)l->info->regions,
                (size_t)l->info->regions_bytes / sizeof(struct mem_region));
    memmap_set_width(m, hal_paging_features().phys_bits);
    for (size_t i = 0; i < rawmap_count(&l->map); i++) {
        struct boot_mem e = rawmap_get(&l->map, i);
        if (memmap_add_uefi(m, e.base, e.end - e.base, e.type, e.attributes) != MM_OK)
            return false;
    }
    return memmap_normalize(m) == MM_OK;
}

bool early_take(const struct loader *l)
{
    struct boot_info *info = l->info;
    size_t regions = memmap_capacity_for(l->map_capacity / RAWMAP_DESCRIPTOR, BOOT_OWNERS);
    struct memmap clean;
    cpu_detect();
    info->stack_size = STACK_SIZE;
    info->stack_base = take(l, STACK_SIZE);
    info->regions_bytes = hal_align_up(regions * sizeof(struct mem_region), HAL_PAGE_SIZE);
    info->regions = take(l, info->regions_bytes);
    if (info->stack_base == 0 || info->regions == 0 || !early_clean(l, &clean))
        return false;
    info->tables_bytes = tables_of_map(&clean) * HAL_PAGE_SIZE;
    info->tables = take(l, info->tables_bytes);
    return info->tables != 0;
}
