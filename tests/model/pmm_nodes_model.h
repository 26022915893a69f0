/* tests/model/pmm_nodes_model.h: the allocator on a machine of several nodes beside a naive model of it: one
 * entry a page, every answer by counting pages, the order of fallback by looking for the least again and
 * again. It knows mm/pmm.h and nothing of mm/pmm*.c. begin() makes both; request() and give() do the same
 * to both and EXPECT equal answers; compare() recounts.
 */
#ifndef TESTS_MODEL_PMM_NODES_MODEL_H
#define TESTS_MODEL_PMM_NODES_MODEL_H

#include "hal/short.h"
#include "mm/pmm.h"
#include "tests/model/expect.h"
#include "tests/model/maps.h"

#include "hal/host/host.h"

#include <stdlib.h>
#include <string.h>

#define PAGES  6000u
#define NODES  4u
#define ZONES  (NODES * PMM_ZONE_COUNT)
#define LIVE   2000u
#define NOBODY 0u

struct page {
    hal_paddr_t at;
    uint32_t zone;  /* node * 3 + zone */
    uint32_t owner; /* NOBODY, or 1 + the first page of the run */
    uint32_t run;   /* free pages from here on that follow one another in the zone */
};

struct world {
    struct page page[PAGES];
    uint32_t pages;
    uint64_t total[ZONES], free[ZONES], allocs[ZONES], frees[ZONES];
    uint32_t live[LIVE], length[LIVE], live_count;
};

struct machine {
    const char *name;
    struct pmm_machine m;
    struct mem_region regions[6];
    size_t count;
};

static const struct machine *machine;
static struct world w;
static struct pmm *pmm;
static void *tables;
static size_t table_bytes;

/* --- the naive model --- */

static inline uint32_t naive_node(hal_paddr_t at)
{
    for (size_t i = 0; i < machine->m.range_count; i++)
        if (at >= machine->m.ranges[i].base && at < machine->m.ranges[i].end)
            return machine->m.ranges[i].node;
    return 0;
}

static inline uint32_t naive_zone(hal_paddr_t at)
{
    uint32_t id = at < machine->m.dma_end     ? PMM_ZONE_DMA
                  : at < machine->m.dma32_end ? PMM_ZONE_DMA32
                                              : PMM_ZONE_NORMAL;
    return naive_node(at) * PMM_ZONE_COUNT + id;
}

static inline bool naive_has_cpu(uint32_t node)
{
    for (uint32_t i = 0; i < machine->m.cpus; i++)
        if (machine->m.cpu_nodes[i] == node)
            return true;
    return false;
}

static inline uint32_t naive_distance(uint32_t a, uint32_t b)
{
    if (a == b)
        return 0;
    if (machine->m.distance == NULL)
        return a > b ? a - b : b - a;
    return machine->m.distance[a * machine->m.distance_row + b];
}

/* Is node a to be asked before node b? */
static inline bool naive_before(uint32_t from, uint32_t a, uint32_t b)
{
    if (a == from || b == from)
        return a == from;
    if (naive_has_cpu(a) != naive_has_cpu(b))
        return naive_has_cpu(a);
    if (naive_distance(from, a) != naive_distance(from, b))
        return naive_distance(from, a) < naive_distance(from, b);
    return a < b;
}

/* The node before which `rank` others come. */
static inline uint32_t naive_nth(uint32_t from, uint32_t rank)
{
    for (uint32_t n = 0; n < machine->m.nodes; n++) {
        uint32_t before = 0;
        for (uint32_t other = 0; other < machine->m.nodes; other++)
            before += other != n && naive_before(from, other, n);
        if (before == rank)
            return n;
    }
    abort();
}

/* The i-th zone that a request of the node looks into. */
static inline uint32_t naive_order(uint32_t from, uint32_t i)
{
    uint32_t nodes = machine->m.nodes;
    if (i >= 2 * nodes)
        return naive_nth(from, i - 2 * nodes) * PMM_ZONE_COUNT + PMM_ZONE_DMA;
    return naive_nth(from, i / 2) * PMM_ZONE_COUNT +
           (i % 2 == 0 ? PMM_ZONE_NORMAL : PMM_ZONE_DMA32);
}

static inline void count_runs(void)
{
    for (uint32_t i = w.pages; i-- > 0;) {
        bool goes_on = i + 1 < w.pages && w.page[i + 1].at == w.page[i].at + HAL_PAGE_SIZE &&
                       w.page[i + 1].zone == w.page[i].zone;
        w.page[i].run = w.page[i].owner != NOBODY ? 0 : 1 + (goes_on ? w.page[i + 1].run : 0);
    }
}

static inline bool keeps_bounds(hal_paddr_t at, const struct pmm_request *r)
{
    hal_paddr_t last = at + r->pages * HAL_PAGE_SIZE - 1;
    return (r->align == 0 || at % r->align == 0) && (r->limit == 0 || last < r->limit) &&
           (r->boundary == 0 || at / r->boundary == last / r->boundary);
}

static inline bool is_allowed(uint32_t zone, uint32_t node, const struct pmm_request *r)
{
    uint32_t id = zone % PMM_ZONE_COUNT;
    if ((r->flags & PMM_HERE) != 0 && zone / PMM_ZONE_COUNT != node)
        return false;
    if ((r->flags & PMM_DMA) != 0)
        return id == PMM_ZONE_DMA;
    if (id == PMM_ZONE_DMA)
        return w.free[zone] >= r->pages + w.total[zone] / 4;
    return id == PMM_ZONE_DMA32 || (r->flags & PMM_DMA32) == 0;
}

static inline bool fits_in(uint32_t zone, const struct pmm_request *r)
{
    for (uint32_t i = 0; i < w.pages; i++)
        if (w.page[i].zone == zone && w.page[i].run >= r->pages && keeps_bounds(w.page[i].at, r))
            return true;
    return false;
}

/* The first zone in the order that can serve, or ZONES. */
static inline uint32_t first_that_fits(uint32_t node, const struct pmm_request *r)
{
    for (uint32_t i = 0; i < machine->m.nodes * PMM_ZONE_COUNT; i++) {
        uint32_t zone = naive_order(node, i);
        if (is_allowed(zone, node, r) && fits_in(zone, r))
            return zone;
    }
    return ZONES;
}

/* The pages are sorted by address. */
static inline uint32_t index_of(hal_paddr_t at)
{
    uint32_t low = 0, high = w.pages;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (w.page[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < w.pages && w.page[low].at == at ? low : w.pages;
}

static inline void mark(uint32_t first, uint32_t pages, uint32_t owner)
{
    for (uint32_t i = first; i < first + pages; i++)
        w.page[i].owner = owner;
    count_runs();
}

static inline void naive_take(uint32_t first, uint32_t pages)
{
    mark(first, pages, 1 + first);
    w.free[w.page[first].zone] -= pages;
    w.allocs[w.page[first].zone]++;
    w.live[w.live_count] = first;
    w.length[w.live_count++] = pages;
}

static inline void naive_give(uint32_t which)
{
    uint32_t first = w.live[which];
    mark(first, w.length[which], NOBODY);
    w.free[w.page[first].zone] += w.length[which];
    w.frees[w.page[first].zone]++;
    w.live[which] = w.live[--w.live_count];
    w.length[which] = w.length[w.live_count];
}

/* --- the two side by side --- */

static inline void count_page(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    uint64_t *seen = ctx;
    for (uint64_t i = 0; i < pages; i++) {
        uint32_t at = index_of(base + i * HAL_PAGE_SIZE);
        bool used = kind == PMM_RUN_ALLOCATED;
        if (!EXPECT(at < w.pages && used == (w.page[at].owner != NOBODY)))
            return;
        EXPECT(pmm_node_of(pmm, base) == w.page[at].zone / PMM_ZONE_COUNT);
        seen[w.page[at].zone]++;
    }
}

/* Every page is told once, of its own node; and each node's statistics are counted anew. */
static inline void compare(bool pages)
{
    uint64_t seen[ZONES] = {0};
    if (pages)
        pmm_walk(pmm, count_page, seen);
    for (uint32_t zone = 0; zone < machine->m.nodes * PMM_ZONE_COUNT; zone++) {
        struct pmm_stats s;
        pmm_stats_node(pmm, zone / PMM_ZONE_COUNT, (enum pmm_zone)(zone % PMM_ZONE_COUNT), &s);
        EXPECT(s.total == w.total[zone] && s.free + s.parked == w.free[zone]);
        EXPECT(s.allocs == w.allocs[zone] && s.frees == w.frees[zone]);
        EXPECT(!pages || seen[zone] == w.total[zone]);
    }
    EXPECT(pmm_check(pmm) == NULL);
}

static inline bool is_exact(const struct pmm_request *r)
{
    bool block = r->pages == 512 && r->align == 2 * MIB;
    return r->limit == 0 && r->boundary == 0 && (r->pages == 1 || block);
}

static inline void request(uint32_t cpu, const struct pmm_request *r)
{
    uint32_t node = (r->flags & PMM_NODE) != 0 ? r->node : machine->m.cpu_nodes[cpu];
    uint32_t must = node < machine->m.nodes ? first_that_fits(node, r) : ZONES;
    host_set_cpu(cpu);
    hal_paddr_t got = pmm_alloc_request(pmm, r);
    if (!EXPECT((got == HAL_PADDR_NONE) == (must == ZONES)) || got == HAL_PADDR_NONE)
        return;
    uint32_t first = index_of(got);
    if (!EXPECT(first < w.pages && w.page[first].run >= r->pages && keeps_bounds(got, r)))
        return;
    EXPECT(is_allowed(w.page[first].zone, node, r));
    EXPECT(!is_exact(r) || w.page[first].zone == must);
    naive_take(first, (uint32_t)r->pages);
}

static inline void give(uint32_t which)
{
    EXPECT(pmm_free(pmm, w.page[w.live[which]].at, w.length[which]) == MM_OK);
    naive_give(which);
}

static inline void begin(const struct machine *which)
{
    machine = which;
    memset(&w, 0, sizeof w);
    for (size_t i = 0; i < which->count; i++)
        for (uint64_t at = 0; at < which->regions[i].size; at += HAL_PAGE_SIZE) {
            struct page *p = &w.page[w.pages++];
            p->at = which->regions[i].base + at;
            p->zone = naive_zone(p->at);
            w.total[p->zone]++;
            w.free[p->zone]++;
        }
    count_runs();
    static struct mem_region copy[6];
    static struct memmap map;
    memcpy(copy, which->regions, sizeof copy);
    map = map_of(copy, which->count);
    table_bytes = (pmm_tables_size_for(&map, &which->m) + 63) / 64 * 64;
    tables = aligned_alloc(64, table_bytes);
    if (tables == NULL || pmm_create_in_for(&map, &which->m, tables, table_bytes, &pmm) != MM_OK)
        abort();
    compare(true);
}

#endif
