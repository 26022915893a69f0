/* Count what the map has, measure the tables, lay them out, and put the memory into them.
 *
 * The tables are one piece: struct pmm, CPUs, regions, withheld pieces, then for each zone its
 * struct and the tables of its lists. */
#include "pmm_create.h"

#include "carver.h"
#include "pmm_debug.h"
#include "pmm_state.h"
#include "zone_bad.h"

#define MAX_LIMIT   ((uint64_t)1 << 52)
#define MAX_REGIONS (BLOCK_NONE / 2)

/* What tables are needed for. */
struct census {
    const struct memmap *map;
    const struct pmm_machine *machine;
    size_t regions;
    size_t withheld;
    uint32_t spare; /* regions and blocks of each zone that may be needed beside */
};

static bool is_ours(const struct mem_region *m)
{
    return m->label == NULL && (mem_type_is_allocatable(m->type) || m->type == MEM_BAD);
}

/* The firmware may still use it, or what it loaded. */
static bool is_withheld(const struct mem_region *m)
{
    return is_ours(m) && (m->type == MEM_BOOT || m->type == MEM_LOADER);
}

/* Of what is ours: may memory be added here later? */
static bool is_window(const struct mem_region *m)
{
    return m->type == MEM_HOTPLUG;
}

/* The zone of a page, as the allocator numbers them; the first page above it, or above its part of the
 * node. */
static uint32_t zone_of_page(const struct pmm_machine *m, uint64_t page, uint64_t *end)
{
    uint64_t node_end;
    enum pmm_zone id = pmm_machine_zone(m, page, end);
    uint32_t node = pmm_machine_node(m, page, &node_end);
    *end = hal_min_u64(*end, node_end);
    return pmm_zone_index(node, id);
}

/* The blocks that pages [first_page, end_page) reach into. */
static uint64_t blocks_of(uint64_t first_page, uint64_t end_page)
{
    return ((end_page - 1) >> BLOCK_SHIFT) - (first_page >> BLOCK_SHIFT) + 1;
}

/* The end of the entries from i on that touch and are ours, windows apart from memory. */
static uint64_t joined_end(const struct memmap *map, size_t i)
{
    const struct mem_region *m = &map->regions[i];
    uint64_t end = (m->base + m->size) >> HAL_PAGE_SHIFT;
    for (size_t j = i + 1; j < map->count && is_ours(&map->regions[j]); j++) {
        const struct mem_region *next = &map->regions[j];
        if (next->base >> HAL_PAGE_SHIFT != end || is_window(next) != is_window(m))
            break;
        end += next->size >> HAL_PAGE_SHIFT;
    }
    return end;
}

/* The next region of the allocator at or after map entry *i: entries that touch, cut at the zone's
 * end and at the node's; of a window its whole blocks. `from` is where the last one ended (0 at
 * first). */
static bool next_region(const struct memmap *map, const struct pmm_machine *machine, size_t *i,
                        uint64_t *from, struct region *out)
{
    while (*i < map->count) {
        const struct mem_region *m = &map->regions[*i];
        uint64_t start = hal_max_u64(m->base >> HAL_PAGE_SHIFT, *from);
        uint64_t end = (m->base + m->size) >> HAL_PAGE_SHIFT;
        if (!is_ours(m) || start >= end) {
            (*i)++;
            continue;
        }
        uint64_t zone_end;
        uint32_t zone = zone_of_page(machine, start, &zone_end);
        end = hal_min_u64(joined_end(map, *i), zone_end);
        *from = end;
        if (is_window(m)) {
            start = hal_align_up(start, BLOCK_PAGES);
            end = hal_align_down(end, BLOCK_PAGES);
            if (start >= end)
                continue;
        }
        *out = (struct region){.first_page = start,
                               .pages = end - start,
                               .zone = zone,
                               .window = is_window(m),
                               .blocks = (uint32_t)blocks_of(start, end)};
        return true;
    }
    return false;
}

static struct census take_census(const struct memmap *map, const struct pmm_machine *machine)
{
    struct census c = {.map = map, .machine = machine};
    struct region r;
    size_t i = 0;
    uint64_t from = 0;
    while (next_region(map, machine, &i, &from, &r))
        c.regions++;
    for (i = 0; i < map->count; i++)
        c.withheld += is_withheld(&map->regions[i]);
    return c;
}

/* --- layout --- */

/* Blocks of a zone: 0 where it has no memory. */
static uint64_t blocks_in(const struct census *n, uint32_t zone)
{
    struct region r;
    size_t i = 0;
    uint64_t from = 0, blocks = 0;
    while (next_region(n->map, n->machine, &i, &from, &r))
        blocks += r.zone == zone ? r.blocks : 0;
    return blocks != 0 ? blocks + n->spare : 0;
}

static uint32_t node_of_cpu(const struct pmm_machine *m, uint32_t cpu)
{
    return m->cpu_nodes != NULL ? m->cpu_nodes[cpu] : 0;
}

static uint32_t cpus_of(const struct pmm_machine *m, uint32_t node)
{
    uint32_t cpus = 0;
    for (uint32_t i = 0; i < m->cpus; i++)
        cpus += node_of_cpu(m, i) == node;
    return cpus;
}

/* All three: NULL while measuring, and then nothing is written. */
static struct zone *carve_zone(struct carver *c, uint64_t blocks, const struct zone *first)
{
    struct zone *z = carve(c, sizeof *z);
    if (z != NULL)
        *z = *first;
    lists_carve(z != NULL ? &z->lists : NULL, c, blocks);
    return z;
}

static void carve_zones(struct pmm *p, struct carver *c, const struct census *n)
{
    const struct pmm_machine *m = n->machine;
    for (uint32_t i = 0; i < m->nodes * PMM_ZONE_COUNT; i++) {
        uint32_t node = i / PMM_ZONE_COUNT;
        struct zone first = {.node = node, .id = i % PMM_ZONE_COUNT, .cpus = cpus_of(m, node)};
        uint64_t blocks = blocks_in(n, i);
        struct zone *z = blocks != 0 ? carve_zone(c, blocks, &first) : NULL;
        if (p != NULL)
            p->zones[i] = z;
    }
}

static struct pmm *carve_all(struct carver *c, const struct census *n)
{
    const struct pmm_machine *m = n->machine;
    size_t regions = n->regions + n->spare;
    struct pmm made = {.machine = *m, .zone_count = m->nodes * PMM_ZONE_COUNT};
    struct pmm *p = carve(c, sizeof *p);
    made.cpus = carve(c, (size_t)m->cpus * sizeof *made.cpus);
    made.zones = carve(c, made.zone_count * sizeof(void *));
    made.orders = carve(c, (size_t)m->nodes * ORDER_ROW(m->nodes) * sizeof(void *));
    made.ranks = carve(c, m->nodes * sizeof *made.ranks);
    made.regions = carve(c, regions * sizeof *made.regions);
    made.zone_regions = carve(c, m->nodes > 1 ? regions * sizeof *made.zone_regions : 0);
    made.withheld = carve(c, n->withheld * sizeof *made.withheld);
    if (p != NULL)
        *p = made;
    carve_zones(p, c, n);
    return p;
}

size_t pmm_tables_size_for(const struct memmap *map, const struct pmm_machine *m)
{
    struct carver c = {.base = NULL};
    if (!pmm_machine_is_sound(m))
        return 0;
    struct census n = take_census(map, m);
    /* Taking the tables out of the map can cut one region in two, in the middle of a block. */
    n.spare = 1;
    carve_all(&c, &n);
    return c.used;
}

size_t pmm_tables_size(const struct memmap *map, unsigned cpus)
{
    struct pmm_machine pc = pmm_machine_pc(cpus);
    return pmm_tables_size_for(map, &pc);
}

/* --- filling --- */

/* The regions of a zone follow one another: in address order where there is one node. The regions of
 * nodes may be interleaved, so there each zone has copies of its own. */
static void give_zones_regions(struct pmm *p)
{
    struct region *next = p->zone_regions;
    for (uint32_t zone = 0; zone < p->zone_count; zone++) {
        uint32_t blocks = 0;
        for (size_t i = 0; i < p->region_count; i++) {
            struct region *mine = &p->regions[i];
            if (mine->zone != zone)
                continue;
            mine->first_block = blocks;
            blocks += mine->blocks;
            if (p->machine.nodes > 1) {
                *next = *mine;
                mine = next++;
            }
            struct lists *l = &p->zones[zone]->lists;
            if (l->region_count++ == 0)
                l->regions = mine;
        }
    }
}

/* The second pass over the map: the same regions as in the census, in the same order. */
static void fill_regions(struct pmm *p, const struct memmap *map)
{
    struct region r;
    size_t i = 0;
    uint64_t from = 0;
    while (next_region(map, &p->machine, &i, &from, &r))
        p->regions[p->region_count++] = r;
    give_zones_regions(p);
}

/* Add to a row what a zone of each node has, and the row's end. */
static struct zone **add_zones(struct pmm *p, const struct pmm_machine_rank *order, uint32_t count,
                               enum pmm_zone id, struct zone **row)
{
    for (uint32_t i = 0; i < count; i++) {
        struct zone *z = p->zones[pmm_zone_index(order[i].node, id)];
        if (z != NULL)
            *row++ = z;
    }
    *row = NULL;
    return row;
}

/* Where requests of a node look: in its NORMAL and DMA32 zones, then in those of the next node, and
 * behind them all in the DMA zones. */
static void fill_order(struct pmm *p, uint32_t node)
{
    struct zone **row = pmm_order(p, node);
    pmm_machine_order(&p->machine, node, p->ranks);
    for (uint32_t i = 0; i < p->machine.nodes; i++) {
        row = add_zones(p, &p->ranks[i], 1, PMM_ZONE_NORMAL, row);
        row = add_zones(p, &p->ranks[i], 1, PMM_ZONE_DMA32, row);
    }
    add_zones(p, p->ranks, p->machine.nodes, PMM_ZONE_DMA, row);
}

/* Pages [page, page + pages), in one or more regions, get `state`. */
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
        pmm_zone_resized(z);
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

/* Windows are absent at first. */
static void fill_windows(struct pmm *p)
{
    for (size_t i = 0; i < p->region_count; i++) {
        const struct region *r = &p->regions[i];
        if (r->window)
            zone_add_pages(p->zones[r->zone], r, r->first_page, r->pages, PAGE_WITHHELD, true);
    }
}

/* All of the map's memory is known from now on; what the firmware still uses is withheld. */
static void fill_pages(struct pmm *p, const struct memmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct mem_region *m = &map->regions[i];
        uint64_t page = m->base >> HAL_PAGE_SHIFT;
        uint64_t pages = m->size >> HAL_PAGE_SHIFT;
        if (!is_ours(m) || is_window(m))
            continue;
        if (is_withheld(m))
            p->withheld[p->withheld_count++] = (struct withheld){page, pages, 0, false};
        if (m->type == MEM_BAD)
            add_bad(p, page, pages);
        else
            add_range(p, page, pages, is_withheld(m) ? PAGE_WITHHELD : PAGE_FREE, true);
    }
    for (uint32_t i = 0; i < p->zone_count; i++)
        if (p->zones[i] != NULL)
            p->zones[i]->low_water = p->zones[i]->free;
}

/* The map's invariants carry the allocator's: touching regions of one kind would make two extents
 * that touch, overlapping ones pages with two owners. The limits keep the numbers of blocks within
 * 32 bits: 2^31 blocks lie below 2^52 bytes, and a region adds one at most that it shares. */
static bool is_sound(const struct memmap *map, const struct pmm_machine *m)
{
    return pmm_machine_is_sound(m) && map->limit <= MAX_LIMIT &&
           map->count < MAX_REGIONS - m->range_count && memmap_check(map) == NULL;
}

static void fill(struct pmm *p, const struct memmap *map, size_t bytes)
{
    p->map = map;
    p->table_bytes = bytes;
    for (uint32_t i = 0; i < p->machine.cpus; i++)
        magazine_init(&p->cpus[i], p, node_of_cpu(&p->machine, i));
    fill_regions(p, map);
    fill_windows(p);
    fill_pages(p, map);
    for (uint32_t node = 0; node < p->machine.nodes; node++)
        fill_order(p, node);
    for (uint32_t i = 0; i < p->machine.cpus; i++)
        pmm_use_order(p, &p->cpus[i], p->cpus[i].node);
}

mm_status_t pmm_create_in_for(const struct memmap *map, const struct pmm_machine *m, void *tables,
                              size_t bytes, struct pmm **out)
{
    if (!is_sound(map, m) || (uintptr_t)tables % 64 != 0)
        return MM_INVALID;
    struct census n = take_census(map, m);
    struct carver measure = {.base = NULL};
    carve_all(&measure, &n);
    if (measure.used > bytes)
        return MM_FULL;
    struct carver c = {.base = tables};
    struct pmm *p = carve_all(&c, &n);
    fill(p, map, bytes);
    *out = p;
    return MM_OK;
}

mm_status_t pmm_create_for(struct memmap *map, const struct pmm_machine *m, struct pmm **out)
{
    if (!is_sound(map, m))
        return MM_INVALID;
    size_t bytes = pmm_tables_size_for(map, m);
    hal_paddr_t base = memmap_early_alloc(map, bytes, HAL_PAGE_SIZE, 0, "page allocator tables");
    if (base == HAL_PADDR_NONE)
        return MM_NO_MEMORY;
    return pmm_create_in_for(map, m, hal_phys_to_virt(base), bytes, out);
}

mm_status_t pmm_create_in(const struct memmap *map, unsigned cpus, void *tables, size_t bytes,
                          struct pmm **out)
{
    struct pmm_machine pc = pmm_machine_pc(cpus);
    return pmm_create_in_for(map, &pc, tables, bytes, out);
}

mm_status_t pmm_create(struct memmap *map, unsigned cpus, struct pmm **out)
{
    struct pmm_machine pc = pmm_machine_pc(cpus);
    return pmm_create_for(map, &pc, out);
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
