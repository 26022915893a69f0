/* From descriptors to a running allocator. Contract: desk.h. */
#include "tests/sim/desk.h"
#include "hal/hal.h"
#include "kernel/memory/space.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define OWNERS 4 /* the allocator's tables, what is beyond the direct map, and slack */

static void on_anomaly(void *ctx, enum memmap_anomaly kind, hal_paddr_t base, uint64_t size)
{
    struct desk *d = ctx;
    if (kind != MEMMAP_LOW && d->anomaly_count < DESK_ANOMALIES) /* every PC has some */
        d->anomalies[d->anomaly_count++] = (struct desk_anomaly){kind, base, size};
}

static void count_types(struct desk *d)
{
    for (size_t i = 0; i < d->map.count; i++) {
        const struct mem_region *r = &d->map.regions[i];
        d->type_pages[r->type] += r->size >> HAL_PAGE_SHIFT;
        if (mem_type_is_allocatable(r->type))
            d->usable_pages += r->size >> HAL_PAGE_SHIFT;
    }
}

/* As the kernel does: regions that lie wholly beyond need no further slot, and one can be cut. */
static bool own_beyond_direct_map(struct desk *d)
{
    for (size_t i = 0; i < d->map.count; i++) {
        const struct mem_region *r = &d->map.regions[i];
        hal_paddr_t base = hal_max_u64(r->base, SPACE_DIRECT_SIZE), end = mem_region_end(r);
        if (!mem_type_is_allocatable(r->type) || r->label != NULL || base >= end)
            continue;
        if (memmap_reserve(&d->map, base, end - base, "beyond the direct map") != MM_OK)
            return false;
        d->beyond_pages += (end - base) >> HAL_PAGE_SHIFT;
    }
    return true;
}

const char *desk_clean(struct desk *d, const struct reader *r)
{
    memset(d, 0, sizeof *d);
    size_t capacity = memmap_capacity_for(r->count, OWNERS);
    d->storage = calloc(capacity, sizeof *d->storage);
    if (d->storage == NULL)
        return "it has more entries than fit in this computer's memory";
    memmap_init(&d->map, d->storage, capacity);
    memmap_on_anomaly(&d->map, on_anomaly, d);
    uint64_t start = hal_cycles();
    for (size_t i = 0; i < r->count; i++) {
        const struct reader_entry *e = &r->entries[i];
        if (memmap_add_uefi(&d->map, e->base, e->size, e->type, e->attributes) != MM_OK)
            return "the map refuses an entry, against its contract";
    }
    if (memmap_normalize(&d->map) != MM_OK)
        return "the map cannot be normalized, against its contract";
    d->normalize_ns = hal_cycles() - start;
    count_types(d);
    if (!own_beyond_direct_map(d))
        return "RAM beyond the direct map cannot be owned, against the map's contract";
    return memmap_check(&d->map);
}

/* ---- the allocator ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The first call pays for page faults in the desk's memory that the machine would not have. */
static mm_status_t create(struct desk *d)
{
    uint64_t times[DESK_INITS];
    for (size_t i = 0; i < DESK_INITS; i++) {
        uint64_t start = hal_cycles();
        mm_status_t status = pmm_create_in(&d->map, 1, d->tables, d->tables_bytes, &d->pmm);
        times[i] = hal_cycles() - start;
        if (status != MM_OK)
            return status;
    }
    qsort(times, DESK_INITS, sizeof *times, by_value);
    d->init_ns = times[DESK_INITS / 2];
    return MM_OK;
}

static mm_status_t reclaim(struct desk *d)
{
    uint64_t start = hal_cycles();
    for (size_t i = 0; i < d->map.count; i++) {
        const struct mem_region *r = &d->map.regions[i];
        if ((r->type != MEM_BOOT && r->type != MEM_LOADER) || r->label != NULL)
            continue;
        mm_status_t status = pmm_reclaim(d->pmm, r);
        if (status != MM_OK)
            return status;
    }
    d->reclaim_ns = hal_cycles() - start;
    return MM_OK;
}

static enum pmm_zone zone_of(hal_paddr_t base)
{
    if (base < PMM_DMA_LIMIT)
        return PMM_ZONE_DMA;
    return base < PMM_DMA32_LIMIT ? PMM_ZONE_DMA32 : PMM_ZONE_NORMAL;
}

static void add_region(struct desk *d, const struct desk_region *region)
{
    if (d->region_count == d->region_capacity) {
        size_t larger = d->region_capacity == 0 ? 64 : 2 * d->region_capacity;
        void *p = realloc(d->regions, larger * sizeof *d->regions);
        if (p == NULL) {
            d->no_memory = true;
            return;
        }
        d->regions = p;
        d->region_capacity = larger;
    }
    d->regions[d->region_count++] = *region;
}

/* Runs come in address order; those that touch in one zone are one region. */
static void on_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run run)
{
    struct desk *d = ctx;
    struct desk_region *last = d->region_count > 0 ? &d->regions[d->region_count - 1] : NULL;
    if (run != PMM_RUN_WITHHELD)
        d->walked_pages += pages;
    if (last != NULL && last->zone == zone_of(base) &&
        last->base + (last->pages << HAL_PAGE_SHIFT) == base)
        last->pages += pages;
    else
        add_region(d, &(struct desk_region){base, pages, zone_of(base)});
}

static void count_pages(struct desk *d)
{
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats stats;
        pmm_stats(d->pmm, (enum pmm_zone)z, &stats);
        d->zone_pages[z] = stats.total;
        d->pages += stats.total;
    }
    pmm_walk(d->pmm, on_run, d);
}

#ifdef HAL_NARROW
#include "mm/pmm_struct.h"
#include "mm/zone.h"

#include "wide.h" /* tests/page/wide.c */

_Static_assert(WIDE_region == sizeof(struct region) && WIDE_withheld == sizeof(struct withheld),
               "of what there are many, nothing has pointers");
#define CARVED(bytes)         (((size_t)(bytes) + 63) / 64 * 64) /* mm/carver.h */
#define MORE(wide, of_struct) (CARVED(wide) - CARVED(sizeof(of_struct)))

/* Bytes by which the machine's tables, with pointers of 64 bits, are larger than those here. */
static size_t machine_has_more(const struct memmap *map)
{
    bool used[PMM_ZONE_COUNT] = {false};
    size_t zones = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct mem_region *r = &map->regions[i];
        if (!mem_type_is_allocatable(r->type) || r->label != NULL)
            continue;
        for (unsigned z = zone_of(r->base); z <= (unsigned)zone_of(mem_region_end(r) - 1); z++)
            used[z] = true;
    }
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        zones += used[z];
    return MORE(WIDE_pmm, struct pmm) + MORE(WIDE_cpu, struct magazine_cpu) +
           zones * MORE(WIDE_zone, struct zone);
}
#else
static size_t machine_has_more(const struct memmap *map)
{
    UNUSED(map);
    return 0;
}
#endif

/* Tables have at most 2.5 bits a page (tests/unit), and this is more. */
static bool can_be_addressed(uint64_t pages)
{
    return pages / 8 * 3 <= SIZE_MAX / 2;
}

const char *desk_start(struct desk *d)
{
    if (!can_be_addressed(d->usable_pages))
        return "the allocator's tables would need more memory than this program can address";
    d->tables_bytes = pmm_tables_size(&d->map, 1) + machine_has_more(&d->map);
    d->metadata_pages = hal_align_up(d->tables_bytes, HAL_PAGE_SIZE) >> HAL_PAGE_SHIFT;
    if (memmap_early_alloc(&d->map, d->tables_bytes, HAL_PAGE_SIZE, 0, "page allocator tables") ==
        HAL_PADDR_NONE)
        return "no run of usable memory is large enough for the allocator's tables";
    void *p = mmap(NULL, d->tables_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return "this computer has no address space for the allocator's tables";
    d->tables = p;
    mm_status_t status = create(d);
    if (status == MM_OK)
        status = reclaim(d);
    if (status != MM_OK)
        return mm_status_text(status);
    count_pages(d);
    return d->no_memory ? "its regions do not fit in this computer's memory" : NULL;
}

const char *desk_audit(const struct desk *d)
{
    if (d->usable_pages != d->pages + d->metadata_pages + d->beyond_pages)
        return "usable pages are not the allocator's pages, its tables and those out of reach";
    if (d->walked_pages != d->pages)
        return "the runs that pmm_walk gives do not add up to the zones' totals";
    return pmm_check(d->pmm);
}

void desk_free(struct desk *d)
{
    if (d->tables != NULL)
        munmap(d->tables, d->tables_bytes);
    free(d->storage);
    free(d->regions);
    free(d->nodes);
    memset(d, 0, sizeof *d);
}
