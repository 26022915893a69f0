/* tests/unit/pmm_rig.h: what the unit tests of mm/pmm share: an allocator over a literal map, a
 * recount that owes nothing to pmm_stats(), and a snapshot to prove that nothing changed.
 *
 * Maps are literals and tables come from test_memory(), so no test touches the memory that its map
 * names; the few that must (PMM_ZERO, junk) ask test_env_has_fake_ram() first.
 */
#ifndef TESTS_UNIT_PMM_RIG_H
#define TESTS_UNIT_PMM_RIG_H

#include "hal/hal.h"
#include "hal/short.h"
#include "mm/pmm.h"
#include "tests/test.h"

#define RIG_REGIONS 16

struct rig {
    struct mem_region regions[RIG_REGIONS];
    struct memmap map;
    struct pmm *pmm;
    void *tables;
    size_t bytes;
};

#define USABLE(base_, size_)                                                                       \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = MEM_USABLE                                       \
    }

/* ---- maps that several tests use, and lengths ---- */

#define HIGH (4 * GIB)

/* 15 MiB in DMA (3840 pages), 48 MiB in DMA32, 64 MiB in NORMAL. */
static const struct mem_region all_zones[] = {USABLE(1 * MIB, 63 * MIB), USABLE(HIGH, 64 * MIB)};
static const struct mem_region dma_only[] = {USABLE(1 * MIB, 15 * MIB)};
static const struct mem_region high64[] = {USABLE(HIGH, 64 * MIB)};
/* Big enough for magazines. */
static const struct mem_region high256[] = {USABLE(HIGH, 256 * MIB)};
/* 64 KiB, the smallest machine. */
static const struct mem_region tiny[] = {USABLE(32 * MIB, 64 * KIB)};
/* Free, owned, withheld, free, owned by the firmware, hole, withheld with an owner, one page. */
static const struct mem_region patchwork[] = {
    USABLE(32 * MIB, 1 * MIB),
    {.base = 33 * MIB, .size = 64 * KIB, .type = MEM_USABLE, .label = "image"},
    {.base = 33 * MIB + 64 * KIB, .size = 960 * KIB, .type = MEM_BOOT},
    USABLE(34 * MIB, 1 * MIB),
    {.base = 35 * MIB, .size = 64 * KIB, .type = MEM_RUNTIME},
    {.base = 40 * MIB, .size = 64 * KIB, .type = MEM_LOADER, .label = "boot info"},
    USABLE(41 * MIB, 4 * KIB),
    {.base = 42 * MIB, .size = 1 * MIB, .type = MEM_LOADER},
};
static const size_t lengths[] = {1, 2, 3, 65, 511, 512, 513, 5000};

/* ---- making one ---- */

/* A normalized map made by hand: `source` is sorted and disjoint. */
static inline void rig_map(struct rig *r, const struct mem_region *source, size_t count)
{
    for (size_t i = 0; i < count && i < RIG_REGIONS; i++)
        r->regions[i] = source[i];
    r->map = (struct memmap){.regions = r->regions,
                             .capacity = RIG_REGIONS,
                             .count = count,
                             .limit = (uint64_t)1 << 52,
                             .normalized = true};
    r->pmm = NULL;
}

static inline bool rig_make(struct test_state *t, struct rig *r, const struct mem_region *source,
                            size_t count)
{
    rig_map(r, source, count);
    r->bytes = pmm_tables_size(&r->map, 1);
    r->tables = test_memory(r->bytes);
    if (!CHECK(r->tables != NULL))
        return false;
    return CHECK_EQ(pmm_create_in(&r->map, 1, r->tables, r->bytes, &r->pmm), MM_OK) &&
           CHECK(r->pmm != NULL);
}

#define RIG_MAKE(r, map_) rig_make(t, (r), (map_), ARRAY_LEN(map_))

static inline enum pmm_zone rig_zone(hal_paddr_t at)
{
    if (at < PMM_DMA_LIMIT)
        return PMM_ZONE_DMA;
    return at < PMM_DMA32_LIMIT ? PMM_ZONE_DMA32 : PMM_ZONE_NORMAL;
}

static inline struct pmm_stats rig_stats(const struct rig *r, enum pmm_zone zone)
{
    struct pmm_stats s = {.total = 0};
    pmm_stats(r->pmm, zone, &s);
    return s;
}

static inline uint64_t rig_free(const struct rig *r)
{
    uint64_t pages = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        pages += rig_stats(r, (enum pmm_zone)z).free + rig_stats(r, (enum pmm_zone)z).parked;
    return pages;
}

static inline uint64_t rig_failures(const struct rig *r)
{
    uint64_t calls = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        calls += rig_stats(r, (enum pmm_zone)z).failures;
    return calls;
}

/* What a walk says, per zone and in all. */
struct rig_count {
    struct pmm_stats zone[PMM_ZONE_COUNT];
    uint64_t allocated[PMM_ZONE_COUNT];
    uint64_t withheld;
    uint64_t hash; /* of every run, parked ones as they are */
    uint64_t pages;
    hal_paddr_t end;   /* of the run before */
    enum pmm_run kind; /* of the run before */
    bool disordered;   /* a run began below the end of the one before */
    bool split;        /* two runs of one kind touch inside one zone */
};

static inline uint64_t rig_blocks(hal_paddr_t base, uint64_t pages)
{
    hal_paddr_t first = hal_align_up(base, 2 * MIB);
    hal_paddr_t end = hal_align_down(base + pages * HAL_PAGE_SIZE, 2 * MIB);
    return end > first ? (end - first) / (2 * MIB) : 0;
}

static inline void rig_count_free(struct pmm_stats *s, hal_paddr_t base, uint64_t pages)
{
    s->free += pages;
    s->runs++;
    s->largest_run = hal_max_u64(s->largest_run, pages);
    s->free_blocks += rig_blocks(base, pages);
}

static inline void rig_count_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct rig_count *c = ctx;
    enum pmm_zone zone = rig_zone(base);
    bool touches = c->end == base && c->end != 0;
    c->disordered = c->disordered || base < c->end || pages == 0;
    c->split = c->split || (touches && kind == c->kind && zone == rig_zone(base - 1));
    c->hash = ((c->hash * 31 + base) * 31 + pages) * 31 + (uint64_t)kind;
    c->end = base + pages * HAL_PAGE_SIZE;
    c->kind = kind;
    c->pages += pages;
    if (kind == PMM_RUN_WITHHELD || kind == PMM_RUN_BAD) {
        *(kind == PMM_RUN_BAD ? &c->zone[zone].bad : &c->withheld) += pages;
        return;
    }
    c->zone[zone].total += pages;
    if (kind == PMM_RUN_FREE)
        rig_count_free(&c->zone[zone], base, pages);
    else if (kind == PMM_RUN_PARKED)
        c->zone[zone].parked += pages;
    else
        c->allocated[zone] += pages;
}

static inline void rig_recount(const struct rig *r, struct rig_count *c)
{
    *c = (struct rig_count){.pages = 0};
    pmm_walk(r->pmm, rig_count_run, c);
}

static inline uint32_t rig_fragmentation(const struct pmm_stats *s)
{
    return s->free == 0 ? 0 : (uint32_t)(1000 - 1000 * (s->free_blocks * 512) / s->free);
}

/* Statistics equal the recount, the walk is in order and maximal, and the invariants hold. */
static inline void rig_audit(struct test_state *t, const struct rig *r)
{
    struct rig_count c;
    rig_recount(r, &c);
    CHECK(!c.disordered);
    CHECK(!c.split);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s = rig_stats(r, (enum pmm_zone)z);
        CHECK_EQ(s.total, c.zone[z].total);
        CHECK_EQ(s.free, c.zone[z].free);
        CHECK_EQ(s.parked, c.zone[z].parked);
        CHECK_EQ(s.free + s.parked + c.allocated[z], s.total);
        CHECK_EQ(s.bad, c.zone[z].bad);
        CHECK_EQ(s.runs, c.zone[z].runs);
        CHECK_EQ(s.largest_run, c.zone[z].largest_run);
        CHECK_EQ(s.free_blocks, c.zone[z].free_blocks);
        CHECK_EQ(s.fragmentation, rig_fragmentation(&c.zone[z]));
        CHECK(s.low_water <= s.free);
    }
    CHECK_STR(pmm_check(r->pmm), NULL);
}

/* Words of the pages that are not 0; in fake RAM only. */
static inline uint64_t rig_count_nonzero(hal_paddr_t base, size_t pages)
{
    const uint64_t *p = hal_phys_to_virt(base);
    uint64_t found = 0;
    for (size_t i = 0; i < pages * 512; i++)
        found += p[i] != 0;
    return found;
}

/* Everything that a failed call must leave alone (P8). */
struct rig_snap {
    struct pmm_stats zone[PMM_ZONE_COUNT];
    uint64_t hash;
};

static inline void rig_snap(const struct rig *r, struct rig_snap *s)
{
    struct rig_count c;
    rig_recount(r, &c);
    s->hash = c.hash;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        s->zone[z] = rig_stats(r, (enum pmm_zone)z);
}

static inline void rig_same(struct test_state *t, const struct rig *r, const struct rig_snap *old)
{
    struct rig_snap now;
    rig_snap(r, &now);
    CHECK_EQ(now.hash, old->hash);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        CHECK_EQ(now.zone[z].free, old->zone[z].free);
        CHECK_EQ(now.zone[z].parked, old->zone[z].parked);
        CHECK_EQ(now.zone[z].allocs, old->zone[z].allocs);
        CHECK_EQ(now.zone[z].frees, old->zone[z].frees);
        CHECK_EQ(now.zone[z].low_water, old->zone[z].low_water);
        CHECK_EQ(now.zone[z].bad, old->zone[z].bad);
        CHECK_EQ(now.zone[z].retiring, old->zone[z].retiring);
    }
}

#endif
