/* Count what the map has, measure the tables, lay them out, and put the memory into them.
 *
 * The tables are one piece: struct pmm, CPUs, regions, withheld pieces, then for each zone its
 * struct and the tables of its lists. */
#include "pmm_create.h"

#include "carver.h"
#include "pmm_debug.h"
#include "pmm_struct.h"
#include "zone_bad.h"

#define MAGAZINE_MIN                                                                               \
    (((uint64_t)64 << 20) / HAL_PAGE_SIZE) /* smaller zones have none: parked pages pin blocks */
#define MAX_LIMIT   ((uint64_t)1 << 52)
#define MAX_REGIONS (BLOCK_NONE / 2)

/* What tables are needed for. */
struct census {
    size_t regions;
    size_t withheld;
    uint64_t blocks[PMM_ZONE_COUNT];
};

static const uint64_t zone_end[PMM_ZONE_COUNT] = {PMM_DMA_LIMIT >> HAL_PAGE_SHIFT,
                                                  PMM_DMA32_LIMIT >> HAL_PAGE_SHIFT, UINT64_MAX};

static bool is_ours(const struct mem_region *m)
{
    return m->label == NULL && (mem_type_is_allocatable(m->type) || m->type == MEM_BAD);
}

/* The firmware may still use it, or what it loaded. */
static bool is_withheld(const struct mem_region *m)
{
    return is_ours(m) && m->type != MEM_USABLE && m->type != MEM_BAD;
}

/* The last limit is above every page. */
static enum pmm_zone zone_of_page(uint64_t page)
{
    enum pmm_zone id = PMM_ZONE_DMA;
    while (page >= zone_end[id])
        id++;
    return id;
}

/* The blocks that pages [first_page, end_page) reach into. */
static uint64_t blocks_of(uint64_t first_page, uint64_t end_page)
{
    return ((end_page - 1) >> BLOCK_SHIFT) - (first_page >> BLOCK_SHIFT) + 1;
}

/* The next region of the allocator at or after map entry *i: entries that touch, cut at the zone's
 * end. `from` is where the last one ended (0 at first). */
static bool next_region(const struct memmap *map, size_t *i, uint64_t *from, struct region *out)
{
    while (*i < map->count) {
        const struct mem_region *m = &map->regions[*i];
        uint64_t start = hal_max_u64(m->base >> HAL_PAGE_SHIFT, *from);
        uint64_t end = (m->base + m->size) >> HAL_PAGE_SHIFT;
        if (!is_ours(m) || start >= end) {
            (*i)++;
            continue;
        }
        enum pmm_zone id = zone_of_page(start);
        for (size_t j = *i + 1; j < map->count && is_ours(&map->regions[j]); j++) {
            if (map->regions[j].base >> HAL_PAGE_SHIFT != end)
                break;
            end += map->regions[j].size >> HAL_PAGE_SHIFT;
        }
        end = hal_min_u64(end, zone_end[id]);
        *from = end;
        *out = (struct region){.first_page = start,
                               .pages = end - start,
                               .zone = (uint32_t)id,
                               .blocks = (uint32_t)blocks_of(start, end)};
        return true;
    }
    return false;
}

static struct census take_census(const struct memmap *map)
{
    struct census c = {.regions = 0};
    struct region r;
    size_t i = 0;
    uint64_t from = 0;
    while (next_region(map, &i, &from, &r)) {
        c.regions++;
        c.blocks[r.zone] += r.blocks;
    }
    for (i = 0; i < map->count; i++)
        c.withheld += is_withheld(&map->regions[i]);
    return c;
}

/* --- layout --- */

/* Both: NULL while measuring, and then nothing is written. */
static struct zone *carve_zone(struct carver *c, uint64_t blocks, unsigned cpus)
{
    struct zone *z = carve(c, sizeof *z);
    if (z != NULL)
        *z = (struct zone){.cpus = cpus};
    lists_carve(z != NULL ? &z->lists : NULL, c, blocks);
    return z;
}

static struct pmm *carve_all(struct carver *c, const struct census *n, unsigned cpus)
{
    struct pmm *p = carve(c, sizeof *p);
    struct magazine_cpu *cpu_array = carve(c, (size_t)cpus * sizeof *cpu_array);
    struct region *regions = carve(c, n->regions * sizeof *regions);
    struct withheld *withheld = carve(c, n->withheld * sizeof *withheld);
    if (p != NULL)
        *p = (struct pmm){
            .cpus = cpu_array, .cpu_count = cpus, .regions = regions, .withheld = withheld};
    for (unsigned id = 0; id < PMM_ZONE_COUNT; id++) {
        if (n->blocks[id] == 0)
            continue;
        struct zone *z = carve_zone(c, n->blocks[id], cpus);
        if (p != NULL)
            p->zones[id] = z;
    }
    return p;
}

size_t pmm_tables_size(const struct memmap *map, unsigned cpus)
{
    struct carver c = {.base = NULL};
    struct census n = take_census(map);
    /* Taking the tables out of the map can cut one region in two, in the middle of a block. */
    n.regions++;
    for (unsigned id = 0; id < PMM_ZONE_COUNT; id++)
        n.blocks[id] += n.blocks[id] != 0;
    carve_all(&c, &n, cpus);
    return c.used;
}

/* --- filling --- */

/* The second pass over the map: the same regions as in the census, in the same order. The regions
 * of a zone follow one another, for they are in address order. */
static void fill_regions(struct pmm *p, const struct memmap *map)
{
    struct region r;
    uint32_t blocks[PMM_ZONE_COUNT] = {0};
    size_t i = 0;
    uint64_t from = 0;
    while (next_region(map, &i, &from, &r)) {
        struct zone *z = p->zones[r.zone];
        struct region *slot = &p->regions[p->region_count++];
        r.first_block = blocks[r.zone];
        blocks[r.zone] += r.blocks;
        *slot = r;
        if (z->lists.region_count++ == 0)
            z->lists.regions = slot;
    }
}

/* Pages [page, page + pages), in one or more regions, get `state`. A zone has magazines when at
 * most a quarter of it can be parked by all CPUs together, and DMA keeps a quarter in reserve. */
static void add_range(struct pmm *p, uint64_t page, uint64_t pages, enum page_state state,
                      bool fresh)
{
    uint32_t hint = 0;
    while (pages > 0) {
        const struct region *r = pmm_region(p, page, &hint);
        uint64_t n = hal_min_u64(pages, r->first_page + r->pages - page);
        struct zone *z = p->zones[r->zone];
        hal_lock(&z->lock);
        zone_add_pages(z, r, page, n, state, fresh);
        if (z->retiring != NULL)
            zone_retire_given(z, r, page, n);
        uint64_t parked_at_most = (uint64_t)z->cpus * MAGAZINE_COUNT * BLOCK_PAGES;
        __atomic_store_n(&z->magazines, z->total >= hal_max_u64(MAGAZINE_MIN, 4 * parked_at_most),
                         __ATOMIC_RELAXED);
        z->reserve = r->zone == PMM_ZONE_DMA ? z->total / 4 : 0;
        hal_unlock(&z->lock);
        page += n;
        pages -= n;
    }
}

/* The same for pages that are bad from the start. */
static void add_bad(struct pmm *p, uint64_t page, uint64_t pages)
{
    uint32_t hint = 0;
    while (pages > 0) {
        const struct region *r = pmm_region(p, page, &hint);
        uint64_t n = hal_min_u64(pages, r->first_page + r->pages - page);
        zone_add_bad(p->zones[r->zone], r, page, n);
        page += n;
        pages -= n;
    }
}

/* All of the map's memory is known from now on; what the firmware still uses is withheld. */
static void fill_pages(struct pmm *p, const struct memmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct mem_region *m = &map->regions[i];
        uint64_t page = m->base >> HAL_PAGE_SHIFT;
        uint64_t pages = m->size >> HAL_PAGE_SHIFT;
        if (!is_ours(m))
            continue;
        if (is_withheld(m))
            p->withheld[p->withheld_count++] = (struct withheld){page, pages, 0, false};
        if (m->type == MEM_BAD)
            add_bad(p, page, pages);
        else
            add_range(p, page, pages, is_withheld(m) ? PAGE_WITHHELD : PAGE_FREE, true);
    }
    for (unsigned id = 0; id < PMM_ZONE_COUNT; id++)
        if (p->zones[id] != NULL)
            p->zones[id]->low_water = p->zones[id]->free;
}

/* The map's invariants carry the allocator's: touching regions of one kind would make two extents
 * that touch, overlapping ones pages with two owners. The limits keep the numbers of blocks within
 * 32 bits: 2^31 blocks lie below 2^52 bytes, and a region adds one at most that it shares. */
static bool is_sound(const struct memmap *map, unsigned cpus)
{
    return cpus != 0 && map->limit <= MAX_LIMIT && map->count < MAX_REGIONS &&
           memmap_check(map) == NULL;
}

mm_status_t pmm_create_in(const struct memmap *map, unsigned cpus, void *tables, size_t bytes,
                          struct pmm **out)
{
    if (!is_sound(map, cpus) || (uintptr_t)tables % 64 != 0)
        return MM_INVALID;
    struct census n = take_census(map);
    struct carver measure = {.base = NULL};
    carve_all(&measure, &n, cpus);
    if (measure.used > bytes)
        return MM_FULL;
    struct carver c = {.base = tables};
    struct pmm *p = carve_all(&c, &n, cpus);
    p->map = map;
    p->table_bytes = bytes;
    for (unsigned i = 0; i < cpus; i++)
        magazine_init(&p->cpus[i], i);
    fill_regions(p, map);
    fill_pages(p, map);
    *out = p;
    return MM_OK;
}

mm_status_t pmm_create(struct memmap *map, unsigned cpus, struct pmm **out)
{
    if (!is_sound(map, cpus))
        return MM_INVALID;
    size_t bytes = pmm_tables_size(map, cpus);
    hal_paddr_t base = memmap_early_alloc(map, bytes, HAL_PAGE_SIZE, 0, "page allocator tables");
    if (base == HAL_PADDR_NONE)
        return MM_NO_MEMORY;
    return pmm_create_in(map, cpus, hal_phys_to_virt(base), bytes, out);
}

/* The withheld piece that starts at `page`, or NULL. */
static struct withheld *find_withheld(struct pmm *p, uint64_t page)
{
    size_t low = 0;
    size_t high = p->withheld_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->withheld[middle].first_page < page)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < p->withheld_count && p->withheld[low].first_page == page;
    return found ? &p->withheld[low] : NULL;
}

/* The mark is set before the pages are added, so of two CPUs that reclaim a piece one does it. */
mm_status_t pmm_reclaim(struct pmm *p, const struct mem_region *m)
{
    struct withheld *w = find_withheld(p, m->base >> HAL_PAGE_SHIFT);
    if (w == NULL || m->base % HAL_PAGE_SIZE != 0 || w->pages << HAL_PAGE_SHIFT != m->size)
        return MM_FOREIGN;
    if (pmm_count(p, &w->reclaimed) != 0)
        return MM_ALREADY_FREE;
    hal_irq_t irq = hal_irq_save();
    if (p->junk)
        pmm_debug_fill(m->base, w->pages);
    add_range(p, w->first_page, w->pages, PAGE_FREE, false);
    __atomic_store_n(&w->given, true, __ATOMIC_RELEASE);
    hal_irq_restore(irq);
    return MM_OK;
}
