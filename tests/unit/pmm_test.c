/* Every sentence of mm/pmm.h, one test each, named after it. Expected numbers are worked out by
 * hand from the literal maps; see pmm_rig.h for how an allocator is made and recounted. */
#include "tests/unit/pmm_rig.h"

#include "hal/hal.h"

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

/* ---- pmm_create_in, pmm_tables_size ---- */

TEST("pmm.create owns all usable memory without an owner and withholds the rest")
{
    struct rig r;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).total, 0);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 256 + 256 + 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).free, 256 + 256 + 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).largest_run, 256);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).runs, 3);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 0);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.create cuts regions at zone limits")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).total, 3840);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 48 * 256);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 64 * 256);
    CHECK_EQ(pmm_region_count(r.pmm), 3);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.create_in refuses bad arguments and too little memory")
{
    struct rig r;
    if (!RIG_MAKE(&r, tiny))
        return;
    struct pmm *out = NULL;
    CHECK_EQ(pmm_create_in(&r.map, 0, r.tables, r.bytes, &out), STATUS_INVALID);
    CHECK_EQ(pmm_create_in(&r.map, 1025, r.tables, 8 * MIB, &out), STATUS_INVALID);
    CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, r.bytes / 2, &out), STATUS_FULL);
    CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, 0, &out), STATUS_FULL);
    r.map.normalized = false;
    CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, r.bytes, &out), STATUS_INVALID);
    CHECK(out == NULL);
    TEST_END;
}

TEST("pmm.P8 create_in that fails leaves the tables alone")
{
    struct rig r;
    rig_map(&r, tiny, ARRAY_LEN(tiny));
    size_t bytes = pmm_tables_size(&r.map, 1);
    unsigned char *tables = test_memory(bytes);
    struct pmm *out = NULL;
    if (!CHECK(tables != NULL))
        return;
    CHECK_EQ(pmm_create_in(&r.map, 1, tables, bytes / 2, &out), STATUS_FULL);
    size_t changed = 0;
    for (size_t i = 0; i < bytes; i++)
        changed += tables[i] != 0xA5; /* test_memory() fills with that */
    CHECK_EQ(changed, 0);
    CHECK(out == NULL);
    TEST_END;
}

TEST("pmm.create_in stays inside its tables, whatever they held")
{
    struct rig r;
    rig_map(&r, all_zones, ARRAY_LEN(all_zones));
    size_t bytes = pmm_tables_size(&r.map, 3);
    unsigned char *tables = test_memory(bytes + 64);
    if (!CHECK(tables != NULL))
        return;
    CHECK_EQ(pmm_create_in(&r.map, 3, tables, bytes, &r.pmm), STATUS_OK);
    CHECK(pmm_table_bytes(r.pmm) <= bytes);
    for (size_t n = 1; n < 400; n += 7)
        CHECK(pmm_alloc(r.pmm, n, 0) != PADDR_NONE);
    for (size_t i = 0; i < 64; i++)
        CHECK_EQ(tables[bytes + i], 0xA5);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.create_in serves 1 to 1024 CPUs")
{
    struct rig r;
    rig_map(&r, tiny, ARRAY_LEN(tiny));
    size_t bytes = pmm_tables_size(&r.map, 1024);
    void *tables = test_memory(bytes);
    if (!CHECK(tables != NULL))
        return;
    CHECK_EQ(pmm_create_in(&r.map, 1024, tables, bytes, &r.pmm), STATUS_OK);
    CHECK_EQ(rig_free(&r), 16);
    TEST_END;
}

/* Below 1 GiB the part that every allocator has, whatever its size, is the larger one. */
TEST("pmm.tables_size of small memory is 2.5 bits a page and at most 5 KiB")
{
    const uint64_t sizes[] = {64 * KIB, 1 * MIB, 8 * MIB, 128 * MIB, 512 * MIB};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct rig r;
        const struct mem_region map[] = {USABLE(HIGH, sizes[i])};
        rig_map(&r, map, 1);
        CHECK(pmm_tables_size(&r.map, 1) <= sizes[i] / PAGE_SIZE * 5 / 16 + 5 * KIB);
    }
    TEST_END;
}

TEST("pmm.tables_size is at most 2.5 bits a page from 1 GiB up")
{
    const uint64_t sizes[] = {1 * GIB, 4 * GIB, 64 * GIB, 1 * TIB, 12 * TIB, 64 * TIB};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct rig r;
        const struct mem_region map[] = {USABLE(HIGH, sizes[i])};
        rig_map(&r, map, 1);
        uint64_t bits = (uint64_t)pmm_tables_size(&r.map, 1) * 8;
        uint64_t pages = sizes[i] / PAGE_SIZE;
        CHECK(bits * 2 <= pages * 5);
        CHECK(bits >= pages); /* fewer could not tell the states apart */
    }
    TEST_END;
}

TEST("pmm.tables_size pays nothing for holes")
{
    const struct mem_region near[] = {USABLE(HIGH, 4 * MIB), USABLE(HIGH + 8 * MIB, 4 * MIB)};
    const struct mem_region far[] = {USABLE(HIGH, 4 * MIB), USABLE(60 * TIB, 4 * MIB)};
    struct rig a;
    struct rig b;
    rig_map(&a, near, 2);
    rig_map(&b, far, 2);
    CHECK_EQ(pmm_tables_size(&a.map, 1), pmm_tables_size(&b.map, 1));
    TEST_END;
}

TEST("pmm.64 KiB are enough to work with")
{
    struct rig r;
    if (!RIG_MAKE(&r, tiny))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 16, 0), 32 * MIB);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, 32 * MIB, 16), STATUS_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.an empty map makes an allocator that has nothing")
{
    struct rig r;
    rig_map(&r, tiny, 0);
    r.bytes = pmm_tables_size(&r.map, 1);
    r.tables = test_memory(r.bytes + 64);
    if (!CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, r.bytes, &r.pmm), STATUS_OK))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, 32 * MIB, 1), STATUS_FOREIGN);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- pmm_create ---- */

TEST("pmm.create labels its tables, high, and never gives them out")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: the tables would lie in memory that has an owner");
    struct rig r;
    rig_map(&r, all_zones, ARRAY_LEN(all_zones));
    CHECK_EQ(pmm_create(&r.map, 1, &r.pmm), STATUS_OK);
    const struct mem_region *found = NULL;
    for (size_t i = 0; i < r.map.count; i++)
        if (r.map.regions[i].label != NULL)
            found = &r.map.regions[i];
    if (!CHECK(found != NULL))
        return;
    CHECK_STR(found->label, "page allocator tables");
    CHECK(found->base >= HIGH); /* high, not in the DMA zone */
    CHECK(found->size >= pmm_table_bytes(r.pmm));
    CHECK_EQ(rig_free(&r), 127 * 256 - found->size / PAGE_SIZE);
    CHECK_EQ(pmm_free(r.pmm, found->base, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, found->base, 1), STATUS_RESERVED);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.create without room answers STATUS_NO_MEMORY and changes nothing")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: the tables would lie in memory that has an owner");
    struct rig r;
    const struct mem_region one_page[] = {USABLE(32 * MIB, 4 * KIB)};
    rig_map(&r, one_page, 1);
    CHECK_EQ(pmm_create(&r.map, 1024, &r.pmm), STATUS_NO_MEMORY);
    CHECK(r.pmm == NULL);
    CHECK_EQ(r.map.count, 1);
    CHECK(r.map.regions[0].label == NULL);
    CHECK_EQ(pmm_create(&r.map, 0, &r.pmm), STATUS_INVALID);
    CHECK_EQ(pmm_create(&r.map, 1025, &r.pmm), STATUS_INVALID);
    r.map.normalized = false;
    CHECK_EQ(pmm_create(&r.map, 1, &r.pmm), STATUS_INVALID);
    TEST_END;
}

/* ---- pmm_alloc ---- */

TEST("pmm.alloc takes runs of any length, no page more")
{
    struct rig r;
    paddr_t got[ARRAY_LEN(lengths)];
    uint64_t taken = 0;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        got[i] = pmm_alloc(r.pmm, lengths[i], 0);
        CHECK(got[i] >= HIGH && got[i] + lengths[i] * PAGE_SIZE <= HIGH + 64 * MIB);
        taken += lengths[i];
        CHECK_EQ(rig_free(&r), 16384 - taken); /* 65 pages cost 65 */
        for (size_t k = 0; k < i; k++)
            CHECK(got[k] + lengths[k] * PAGE_SIZE <= got[i] ||
                  got[i] + lengths[i] * PAGE_SIZE <= got[k]);
    }
    rig_audit(t, &r);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        CHECK_EQ(pmm_free(r.pmm, got[i], lengths[i]), STATUS_OK);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 16384);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 32);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.alloc takes every length from 1 to 1030")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t n = 1; n <= 1030; n++) {
        paddr_t got = pmm_alloc(r.pmm, n, 0);
        CHECK(got != PADDR_NONE);
        CHECK_EQ(rig_free(&r), 16384 - n);
        CHECK_EQ(pmm_free(r.pmm, got, n), STATUS_OK);
    }
    CHECK_EQ(rig_free(&r), 16384);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.alloc answers PADDR_NONE to lengths out of range")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    rig_snap(&r, &before);
    CHECK_EQ(pmm_alloc(r.pmm, 0, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, SIZE_MAX, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, (size_t)1 << 52, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, SIZE_MAX / 4096 + 2, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 64 * 256 + 1, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 0, PAGE_SIZE, 0), PADDR_NONE);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.alloc answers PADDR_NONE to unknown flags")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, tiny))
        return;
    rig_snap(&r, &before);
    for (unsigned bit = 4; bit < 32; bit++)
        CHECK_EQ(pmm_alloc(r.pmm, 1, 1u << bit), PADDR_NONE);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.alloc_aligned takes every power of two from 4 KiB to 1 GiB")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(1 * GIB - 4 * MIB + 4 * KIB, 2 * GIB + 16 * MIB)};
    if (!RIG_MAKE(&r, map))
        return;
    for (uint64_t align = PAGE_SIZE; align <= GIB; align *= 2) {
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
            paddr_t got = pmm_alloc_aligned(r.pmm, lengths[i], align, 0);
            CHECK(got != PADDR_NONE && got % align == 0);
            CHECK_EQ(pmm_free(r.pmm, got, lengths[i]), STATUS_OK);
        }
    }
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 262144, GIB, 0) % GIB, 0);
    CHECK(pmm_alloc_aligned(r.pmm, 262144, GIB, 0) != PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 262144, GIB, 0), PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.alloc_aligned answers PADDR_NONE to any other alignment")
{
    const uint64_t bad[] = {0, 1, 2048, 4095, 4097, 12288, 2 * GIB, 3 * MIB, UINT64_MAX};
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    rig_snap(&r, &before);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_EQ(pmm_alloc_aligned(r.pmm, 1, bad[i], 0), PADDR_NONE);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.alloc_aligned fails only when no aligned place exists")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(HIGH + 4 * KIB, 4 * MIB - 8 * KIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 512, 2 * MIB, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 511, 2 * MIB, 0), HIGH + 2 * MIB);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 1, 2 * MIB, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 256, MIB, 0), HIGH + 1 * MIB);
    rig_audit(t, &r);
    TEST_END;
}

/* One aligned hole left among many that are long enough but not aligned. */
TEST("pmm.P6 the only aligned place among many is found")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 16384), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 16384), STATUS_OK);
    for (unsigned b = 0; b < 32; b++) { /* in each block only pages 1..14 and 17..30 stay free */
        paddr_t block = HIGH + b * 2 * MIB;
        CHECK_EQ(pmm_claim(r.pmm, block, 1), STATUS_OK);
        CHECK_EQ(pmm_claim(r.pmm, block + 15 * PAGE_SIZE, 2), STATUS_OK);
        CHECK_EQ(pmm_claim(r.pmm, block + 31 * PAGE_SIZE, 481), STATUS_OK);
    }
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 14, 64 * KIB, 0), PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 20 * 2 * MIB + 15 * PAGE_SIZE, 2), STATUS_OK);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 14, 64 * KIB, 0), HIGH + 20 * 2 * MIB + 64 * KIB);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 14, 64 * KIB, 0), PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- zones ---- */

TEST("pmm.alloc goes to the highest zone first")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(rig_zone(pmm_alloc(r.pmm, 256, 0)), PMM_ZONE_NORMAL);
    for (unsigned i = 0; i < 48; i++)
        CHECK_EQ(rig_zone(pmm_alloc(r.pmm, 256, 0)), PMM_ZONE_DMA32);
    for (unsigned i = 0; i < 11; i++) /* 3840 - 960 in reserve = 2880 = 11 times 256 and 64 */
        CHECK_EQ(rig_zone(pmm_alloc(r.pmm, 256, 0)), PMM_ZONE_DMA);
    CHECK_EQ(pmm_alloc(r.pmm, 256, 0), PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.PMM_DMA and PMM_DMA32 keep to their limits")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    for (size_t i = 0; i < 5; i++) {
        paddr_t dma = pmm_alloc(r.pmm, lengths[i], PMM_DMA);
        paddr_t dma32 = pmm_alloc(r.pmm, lengths[i], PMM_DMA32);
        CHECK(dma != PADDR_NONE && dma + lengths[i] * PAGE_SIZE <= PMM_DMA_LIMIT);
        CHECK(dma32 != PADDR_NONE && dma32 + lengths[i] * PAGE_SIZE <= PMM_DMA32_LIMIT);
        CHECK(dma32 >= PMM_DMA_LIMIT);
        CHECK(pmm_alloc(r.pmm, lengths[i], 0) >= PMM_DMA32_LIMIT);
    }
    CHECK_EQ(pmm_alloc(r.pmm, 3840, PMM_DMA), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 48 * 256 + 1, PMM_DMA32), PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.no run crosses a zone limit")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(15 * MIB, 2 * MIB), USABLE(HIGH - MIB, 2 * MIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_region_count(r.pmm), 4);
    CHECK_EQ(pmm_alloc(r.pmm, 257, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 257, PMM_DMA), PADDR_NONE);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB, 256), STATUS_OK);
    CHECK_EQ(pmm_alloc(r.pmm, 256, PMM_DMA32), HIGH - MIB);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.ordinary requests leave a quarter of DMA")
{
    struct rig r;
    unsigned taken = 0;
    if (!RIG_MAKE(&r, dma_only))
        return;
    while (pmm_alloc(r.pmm, 1, 0) != PADDR_NONE)
        taken++;
    CHECK_EQ(taken, 3840 - 960);
    CHECK_EQ(pmm_alloc(r.pmm, 1, PMM_DMA32), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, PMM_KERNEL), PADDR_NONE);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 64, 64 * KIB, 0), PADDR_NONE);
    taken = 0;
    while (pmm_alloc(r.pmm, 1, PMM_DMA) != PADDR_NONE)
        taken++;
    CHECK_EQ(taken, 960);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.a DMA request succeeds after ordinary ones have taken all they can")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    for (size_t n = 4096; n > 0; n /= 2)
        while (pmm_alloc(r.pmm, n, 0) != PADDR_NONE)
            ;
    CHECK_EQ(rig_free(&r), 960);
    paddr_t got = pmm_alloc(r.pmm, 16, PMM_DMA);
    CHECK(got != PADDR_NONE && got < PMM_DMA_LIMIT);
    TEST_END;
}

TEST("pmm.the DMA reserve counts pages, not requests")
{
    struct rig r;
    if (!RIG_MAKE(&r, dma_only))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 2881, 0), PADDR_NONE);
    paddr_t got = pmm_alloc(r.pmm, 2880, 0);
    CHECK(got != PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, got, 2880), STATUS_OK);
    CHECK(pmm_alloc(r.pmm, 3840, PMM_DMA) != PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- PMM_KERNEL ---- */

TEST("pmm.PMM_KERNEL pages are kept together in blocks of their own")
{
    struct rig r;
    uint8_t owner[128]; /* one entry a block of 2 MiB: 1 user, 2 kernel */
    if (!RIG_MAKE(&r, high256))
        return;
    for (size_t i = 0; i < ARRAY_LEN(owner); i++)
        owner[i] = 0;
    for (unsigned i = 0; i < 2000; i++) {
        paddr_t user = pmm_alloc(r.pmm, 1, 0);
        paddr_t kernel = pmm_alloc(r.pmm, 1, PMM_KERNEL);
        CHECK(user != PADDR_NONE && kernel != PADDR_NONE);
        owner[(user - HIGH) / (2 * MIB)] |= 1;
        owner[(kernel - HIGH) / (2 * MIB)] |= 2;
    }
    size_t mixed = 0;
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(owner); i++) {
        mixed += owner[i] == 3;
        used += owner[i] != 0;
    }
    CHECK_EQ(mixed, 0);
    CHECK(used <= 8 + 2); /* 4000 pages fill 8 blocks; each kind may have one half used */
    rig_audit(t, &r);
    TEST_END;
}

/* Runs as well: no block holds both kinds, whatever their lengths. */
TEST("pmm.PMM_KERNEL runs are kept together in blocks of their own")
{
    struct rig r;
    uint8_t owner[128];
    size_t mixed = 0;
    if (!RIG_MAKE(&r, high256))
        return;
    for (size_t i = 0; i < ARRAY_LEN(owner); i++)
        owner[i] = 0;
    for (unsigned i = 0; i < 1200; i++) {
        size_t pages = 1 + i * 7 % 24;
        uint32_t flags = i % 2 ? PMM_KERNEL : 0;
        paddr_t got = pmm_alloc(r.pmm, pages, flags);
        if (!CHECK(got != PADDR_NONE))
            return;
        for (size_t k = 0; k < pages; k++)
            owner[(got + k * PAGE_SIZE - HIGH) / (2 * MIB)] |= flags ? 2 : 1;
        if (i % 5 == 0) /* holes of the right length tempt the other kind */
            CHECK_EQ(pmm_free(r.pmm, got, pages), STATUS_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(owner); i++)
        mixed += owner[i] == 3;
    CHECK_EQ(mixed, 0);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 the grouping never makes a request fail")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (unsigned i = 0; i < 16384; i++)
        if (!CHECK(pmm_alloc(r.pmm, 1, i % 2 ? PMM_KERNEL : 0) != PADDR_NONE))
            return;
    CHECK_EQ(pmm_alloc(r.pmm, 1, PMM_KERNEL), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- pmm_claim ---- */

TEST("pmm.claim takes exactly these pages")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        paddr_t at = HIGH + 2 * MIB - 64 * KIB;
        CHECK_EQ(pmm_claim(r.pmm, at, lengths[i]), STATUS_OK);
        CHECK_EQ(rig_free(&r), 16384 - lengths[i]);
        CHECK_EQ(pmm_free(r.pmm, at + PAGE_SIZE, 1),
                 lengths[i] == 1 ? STATUS_ALREADY_FREE : STATUS_INTERIOR);
        CHECK_EQ(pmm_free(r.pmm, at - PAGE_SIZE, 1), STATUS_ALREADY_FREE);
        rig_audit(t, &r);
        CHECK_EQ(pmm_free(r.pmm, at, lengths[i]), STATUS_OK);
        pmm_drain(r.pmm);
    }
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).allocs, ARRAY_LEN(lengths));
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).frees, ARRAY_LEN(lengths));
    TEST_END;
}

TEST("pmm.claim takes all or nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB, 1), STATUS_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB, 1), STATUS_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 2048), STATUS_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB - PAGE_SIZE, 2), STATUS_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 3 * MIB, 2), STATUS_BUSY);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 16384), STATUS_BUSY);
    rig_same(t, &r, &before);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.claim tells its misuses apart")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    rig_snap(&r, &before);
    CHECK_EQ(pmm_claim(r.pmm, 0, 1), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB + 1, 1), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB, 0), STATUS_INVALID);
    CHECK_EQ(pmm_claim(r.pmm, 31 * MIB, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 31 * MIB, 257), STATUS_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 41 * MIB, 2), STATUS_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 41 * MIB, SIZE_MAX), STATUS_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, ~PAGE_SIZE + 1, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_claim(r.pmm, 33 * MIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB, 257), STATUS_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 33 * MIB + 64 * KIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 40 * MIB, 1), STATUS_RESERVED);
    rig_same(t, &r, &before);
    TEST_END;
}

TEST("pmm.claim takes pages parked with this CPU")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    paddr_t page = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_free(r.pmm, page, 1), STATUS_OK);
    CHECK(rig_stats(&r, PMM_ZONE_NORMAL).parked > 0);
    CHECK_EQ(pmm_claim(r.pmm, page, 1), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, page, 1), STATUS_BUSY);
    CHECK_EQ(pmm_free(r.pmm, page, 1), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 65536), STATUS_OK);
    CHECK_EQ(rig_free(&r), 0);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- pmm_free ---- */

TEST("pmm.free tells its misuses apart and changes nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    paddr_t run = 34 * MIB + 64 * KIB;
    CHECK_EQ(pmm_claim(r.pmm, run, 5), STATUS_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_free(r.pmm, 0, 1), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, run + 8, 5), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, run + 2048, 5), STATUS_NOT_PAGE);
    CHECK_EQ(pmm_free(r.pmm, 1 * GIB, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 36 * MIB, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 41 * MIB + PAGE_SIZE, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, ~PAGE_SIZE + 1, 1), STATUS_FOREIGN);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB + 64 * KIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 40 * MIB, 16), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, 42 * MIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_free(r.pmm, run - PAGE_SIZE, 1), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, run - PAGE_SIZE, 6), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, 32 * MIB, 256), STATUS_ALREADY_FREE);
    for (unsigned i = 1; i < 5; i++)
        CHECK_EQ(pmm_free(r.pmm, run + i * PAGE_SIZE, 5 - i), STATUS_INTERIOR);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, run, 5), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, run, 5), STATUS_ALREADY_FREE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.free of firmware memory is reserved")
{
    struct rig r;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_free(r.pmm, 35 * MIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, 35 * MIB, 1), STATUS_RESERVED);
    TEST_END;
}

TEST("pmm.free refuses every wrong length")
{
    const size_t wrong[] = {0, 1, 2, 64, 66, 512, 1024, 16384, 1u << 20, SIZE_MAX};
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 65), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 65 * PAGE_SIZE, 1), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 4 * MIB, 700), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 4 * MIB + 700 * PAGE_SIZE, 324), STATUS_OK);
    rig_snap(&r, &before);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK_EQ(pmm_free(r.pmm, HIGH, wrong[i]), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, HIGH + 4 * MIB, wrong[i]), STATUS_WRONG_LENGTH);
    }
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 65), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 4 * MIB, 700), STATUS_OK);
    rig_audit(t, &r);
    TEST_END;
}

/* A run that ends with its block, its region or its zone has a length too. */
TEST("pmm.free knows lengths at block, region and zone borders")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(15 * MIB, 2 * MIB), USABLE(HIGH, 4 * MIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_claim(r.pmm, 15 * MIB, 256), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB, 256), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 512), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 2 * MIB, 512), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 257), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 512), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 511), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 1024), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB, 513), STATUS_WRONG_LENGTH);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB, 512), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 512), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, 16 * MIB, 256), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, 15 * MIB, 256), STATUS_OK);
    rig_audit(t, &r);
    TEST_END;
}

/* The page behind a single one may lie in the next word of bits, or in the next block. */
TEST("pmm.free knows lengths at the borders of words and blocks")
{
    const unsigned starts[] = {0, 62, 63, 64, 127, 128, 447, 510, 511, 512, 1023};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        paddr_t at = HIGH + 4 * MIB + starts[i] * PAGE_SIZE;
        CHECK_EQ(pmm_claim(r.pmm, at, 2), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, at, 1), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at, 3), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at + PAGE_SIZE, 1), STATUS_INTERIOR);
        CHECK_EQ(pmm_free(r.pmm, at, 2), STATUS_OK);
        CHECK_EQ(pmm_claim(r.pmm, at, 1), STATUS_OK);
        CHECK_EQ(pmm_claim(r.pmm, at + PAGE_SIZE, 1), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, at, 2), STATUS_WRONG_LENGTH);
        CHECK_EQ(pmm_free(r.pmm, at, 1), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, at + PAGE_SIZE, 1), STATUS_OK);
        rig_audit(t, &r);
    }
    TEST_END;
}

TEST("pmm.free of a parked page is STATUS_PARKED")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, high256))
        return;
    paddr_t a = pmm_alloc(r.pmm, 1, 0);
    paddr_t b = pmm_alloc(r.pmm, 1, 0);
    CHECK(a != b);
    CHECK_EQ(pmm_free(r.pmm, a, 1), STATUS_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_free(r.pmm, a, 1), STATUS_PARKED);
    CHECK_EQ(pmm_free(r.pmm, a, 2), STATUS_PARKED);
    CHECK_EQ(pmm_free(r.pmm, b, 2), STATUS_WRONG_LENGTH);
    rig_same(t, &r, &before);
    pmm_drain(r.pmm);
    CHECK_EQ(pmm_free(r.pmm, a, 1), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_free(r.pmm, b, 1), STATUS_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.singles take every page once and give all back")
{
    struct rig r;
    const size_t pages = 65536;
    if (!RIG_MAKE(&r, high256))
        return;
    uint8_t *seen = test_memory(pages);
    if (!CHECK(seen != NULL))
        return;
    for (size_t i = 0; i < pages; i++)
        seen[i] = 0;
    for (size_t i = 0; i < pages; i++) {
        paddr_t got = pmm_alloc(r.pmm, 1, 0);
        size_t page = (got - HIGH) / PAGE_SIZE;
        if (!CHECK(got >= HIGH && page < pages && seen[page] == 0))
            return;
        seen[page] = 1;
    }
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), PADDR_NONE);
    CHECK_EQ(rig_free(&r), 0);
    for (size_t i = 0; i < pages; i++) /* 40503 is odd: every page once, scattered */
        if (!CHECK_EQ(pmm_free(r.pmm, HIGH + (i * 40503 % pages) * PAGE_SIZE, 1), STATUS_OK))
            return;
    CHECK_EQ(rig_free(&r), pages);
    rig_audit(t, &r);
    CHECK_EQ(pmm_alloc(r.pmm, pages, 0), HIGH); /* what this CPU parked is drained first */
    TEST_END;
}

TEST("pmm.singles fill one block before the next is opened")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    for (unsigned i = 0; i < 512; i++)
        CHECK(pmm_alloc(r.pmm, 1, 0) != PADDR_NONE);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 127);
    rig_audit(t, &r);
    TEST_END;
}

/* A claim across a zone limit would be two runs: no run crosses a zone limit. */
TEST("pmm.claim across a zone limit is STATUS_INVALID")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    rig_snap(&r, &before);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB - PAGE_SIZE, 2), STATUS_INVALID);
    CHECK_EQ(pmm_claim(r.pmm, 8 * MIB, 16 * 256), STATUS_INVALID);
    rig_same(t, &r, &before);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB - PAGE_SIZE, 1), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, 16 * MIB, 1), STATUS_OK);
    TEST_END;
}

/* ---- P6 ---- */

TEST("pmm.P6 a run that straddles two blocks is found")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 502), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 522 * PAGE_SIZE, 16384 - 522), STATUS_OK);
    CHECK_EQ(pmm_alloc(r.pmm, 21, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 20, 0), HIGH + 502 * PAGE_SIZE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 a run that straddles whole blocks is found")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 502), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 1546 * PAGE_SIZE, 16384 - 1546), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 1044);
    CHECK_EQ(pmm_alloc(r.pmm, 1045, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1044, 0), HIGH + 502 * PAGE_SIZE);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 502 * PAGE_SIZE, 1044), STATUS_OK);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 1034, 2 * MIB, 0), HIGH + 512 * PAGE_SIZE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 a region shorter than a block may straddle")
{
    struct rig r;
    const struct mem_region map[] = {USABLE(HIGH + 2 * MIB - 48 * KIB, 112 * KIB)};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 29, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 28, 0), HIGH + 2 * MIB - 48 * KIB);
    CHECK_EQ(pmm_free(r.pmm, HIGH + 2 * MIB - 48 * KIB, 28), STATUS_OK);
    CHECK_EQ(pmm_alloc_aligned(r.pmm, 16, 64 * KIB, 0), HIGH + 2 * MIB);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 islands of one page are all used")
{
    struct rig r;
    struct mem_region map[12];
    for (unsigned i = 0; i < 12; i++)
        map[i] = (struct mem_region)USABLE(32 * MIB + i * 8 * KIB, 4 * KIB);
    if (!rig_make(t, &r, map, 12))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 2, 0), PADDR_NONE);
    for (unsigned i = 0; i < 12; i++)
        CHECK(pmm_alloc(r.pmm, 1, 0) != PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), PADDR_NONE);
    for (unsigned i = 0; i < 12; i++)
        CHECK_EQ(pmm_free(r.pmm, 32 * MIB + i * 8 * KIB, 1), STATUS_OK);
    CHECK_EQ(rig_free(&r), 12);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.P6 pages parked on this CPU are drained before failing")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    paddr_t page = pmm_alloc(r.pmm, 1, 0);
    CHECK_EQ(pmm_free(r.pmm, page, 1), STATUS_OK);
    CHECK(rig_stats(&r, PMM_ZONE_NORMAL).parked > 0);
    for (unsigned i = 0; i < 128; i++)
        CHECK(pmm_alloc_aligned(r.pmm, 512, 2 * MIB, 0) != PADDR_NONE);
    CHECK_EQ(rig_free(&r), 0);
    CHECK_EQ(rig_failures(&r), 0);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- large regions: extents of thousands of blocks ---- */

#define MANY 256

struct many {
    paddr_t base[MANY];
    size_t pages[MANY];
};

/* Claim runs of 1 to 1500 pages all over the 8 GiB of the first region, close to the borders of 64
 * and of 512 blocks. */
static unsigned claim_scattered(struct test_state *t, const struct rig *r, struct many *m)
{
    static const unsigned blocks[] = {0,   1,   62,  63,  64,  65,   126,
                                      128, 510, 511, 512, 513, 1023, 1024};
    unsigned taken = 0;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned block = blocks[i % 14] + i / 14 * 151 % 3000;
        paddr_t at = r->regions[0].base + block * 2 * MIB + i * 7 % 512 * PAGE_SIZE;
        size_t pages = i % 3 == 0 ? 1 : 1 + i * 37 % 1500;
        status_t s = pmm_claim(r->pmm, at, pages);
        CHECK(s == STATUS_OK || s == STATUS_BUSY);
        if (s == STATUS_OK) {
            m->base[taken] = at;
            m->pages[taken++] = pages;
        }
        if (i % 16 == 0)
            rig_audit(t, r);
    }
    return taken;
}

TEST("pmm.extents of thousands of blocks split and merge")
{
    const struct mem_region map[] = {USABLE(HIGH, 8 * GIB)};
    struct rig r;
    struct many *m = test_memory(sizeof *m);
    if (!CHECK(m != NULL) || !RIG_MAKE(&r, map))
        return;
    unsigned taken = claim_scattered(t, &r, m);
    CHECK(taken > MANY / 2);
    for (unsigned i = 0; i < taken; i++) { /* not in the order taken */
        unsigned k = taken % 101 == 0 ? i : i * 101 % taken;
        CHECK_EQ(pmm_free(r.pmm, m->base[k], m->pages[k]), STATUS_OK);
        if (i % 16 == 0)
            rig_audit(t, &r);
    }
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 8 * GIB / PAGE_SIZE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 4096);
    rig_audit(t, &r);
    TEST_END;
}

/* Extents of many lengths: each aligned request finds its place, each free gives it back. */
TEST("pmm.P6 aligned runs are found among extents of all lengths")
{
    const struct mem_region map[] = {USABLE(HIGH + 6 * MIB, 8 * GIB)};
    struct rig r;
    struct many *m = test_memory(sizeof *m);
    if (!CHECK(m != NULL) || !RIG_MAKE(&r, map))
        return;
    claim_scattered(t, &r, m);
    for (uint64_t align = 2 * MIB; align <= 512 * MIB; align *= 2)
        for (size_t pages = 512; pages <= 65536; pages = pages * 3 + 1) {
            paddr_t got = pmm_alloc_aligned(r.pmm, pages, align, 0);
            CHECK(got != PADDR_NONE && got % align == 0);
            rig_audit(t, &r);
            CHECK_EQ(pmm_free(r.pmm, got, pages), STATUS_OK);
        }
    rig_audit(t, &r);
    TEST_END;
}

/* ---- pmm_reclaim ---- */

TEST("pmm.reclaim adds withheld memory and merges across the former border")
{
    struct rig r;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_claim(r.pmm, 33 * MIB + 64 * KIB, 1), STATUS_RESERVED);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[2]), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 513 + 240);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).largest_run, 240 + 256); /* merged with its neighbour */
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).runs, 3);
    rig_audit(t, &r);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB + 64 * KIB, 1), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_alloc(r.pmm, 496, 0), 33 * MIB + 64 * KIB);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB + 64 * KIB, 496), STATUS_OK);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[7]), STATUS_OK);
    CHECK_EQ(rig_free(&r), 513 + 240 + 256);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.reclaim tells its misuses apart")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[2]), STATUS_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[2]), STATUS_ALREADY_FREE);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[0]), STATUS_FOREIGN); /* usable from the start */
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[1]), STATUS_FOREIGN); /* usable, but owned */
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[4]), STATUS_FOREIGN); /* runtime services */
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[5]), STATUS_FOREIGN); /* withheld, but owned */
    struct mem_region wrong = r.map.regions[7];
    wrong.size -= PAGE_SIZE;
    CHECK_EQ(pmm_reclaim(r.pmm, &wrong), STATUS_FOREIGN);
    wrong.base += PAGE_SIZE;
    CHECK_EQ(pmm_reclaim(r.pmm, &wrong), STATUS_FOREIGN);
    wrong = (struct mem_region){.base = 5 * GIB, .size = 1 * MIB, .type = MEM_BOOT};
    CHECK_EQ(pmm_reclaim(r.pmm, &wrong), STATUS_FOREIGN);
    rig_same(t, &r, &before);
    TEST_END;
}

/* Withheld pieces that are longer than a block, cross a zone limit and have busy neighbours. */
TEST("pmm.reclaim adds whole blocks across a zone limit")
{
    struct rig r;
    const struct mem_region map[] = {
        USABLE(8 * MIB, 3 * MIB + 4 * KIB),
        {.base = 11 * MIB + 4 * KIB, .size = 21 * MIB, .type = MEM_BOOT},
        USABLE(32 * MIB + 4 * KIB, 3 * MIB),
    };
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_claim(r.pmm, 11 * MIB, 1), STATUS_OK);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[1]), STATUS_OK);
    rig_audit(t, &r);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).largest_run, 5 * 256 - 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).largest_run, 19 * 256 + 1);
    CHECK_EQ(rig_free(&r), 27 * 256);
    CHECK_EQ(pmm_free(r.pmm, 11 * MIB, 1), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).largest_run, 8 * 256);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).free_blocks, 4);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- pmm_drain ---- */

TEST("pmm.drain puts the parked pages back")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    CHECK_EQ(pmm_free(r.pmm, pmm_alloc(r.pmm, 1, 0), 1), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, pmm_alloc(r.pmm, 1, PMM_KERNEL), 1), STATUS_OK);
    CHECK(rig_stats(&r, PMM_ZONE_NORMAL).parked > 0);
    rig_audit(t, &r);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).parked, 0);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free, 65536);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).free_blocks, 128);
    rig_audit(t, &r);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_free(&r), 65536);
    TEST_END;
}

/* ---- pmm_stats, pmm_walk ---- */

#define LIVE 200

struct churn {
    paddr_t base[LIVE];
    uint32_t pages[LIVE];
    uint32_t seed;
};

static uint32_t churn_next(struct churn *c)
{
    c->seed = c->seed * 1664525u + 1013904223u;
    return c->seed >> 8;
}

static void churn_step(struct test_state *t, const struct rig *r, struct churn *c)
{
    uint32_t i = churn_next(c) % LIVE;
    if (c->base[i] != PADDR_NONE) {
        CHECK_EQ(pmm_free(r->pmm, c->base[i], c->pages[i]), STATUS_OK);
        c->base[i] = PADDR_NONE;
        return;
    }
    uint32_t kind = churn_next(c) % 16;
    c->pages[i] = kind < 10 ? 1 : kind < 15 ? 1 + churn_next(c) % 90 : 400 + churn_next(c) % 800;
    c->base[i] = pmm_alloc(r->pmm, c->pages[i], churn_next(c) % 16 & ~PMM_ZERO);
}

TEST("pmm.stats equal an independent recount")
{
    struct rig r;
    struct churn *c = test_memory(sizeof *c);
    if (!CHECK(c != NULL) || !RIG_MAKE(&r, all_zones))
        return;
    for (unsigned i = 0; i < LIVE; i++)
        c->base[i] = PADDR_NONE;
    c->seed = 1;
    for (unsigned i = 0; i < 3000; i++) {
        churn_step(t, &r, c);
        if (i % 10 == 0)
            rig_audit(t, &r);
    }
    for (unsigned i = 0; i < LIVE; i++)
        if (c->base[i] != PADDR_NONE)
            CHECK_EQ(pmm_free(r.pmm, c->base[i], c->pages[i]), STATUS_OK);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).largest_run, 3840);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).largest_run, 48 * 256);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).largest_run, 64 * 256);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.stats count allocs and frees in the zone they touch")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    paddr_t dma = pmm_alloc(r.pmm, 1, PMM_DMA);
    paddr_t low = pmm_alloc(r.pmm, 9, PMM_DMA32);
    paddr_t high = pmm_alloc(r.pmm, 600, 0);
    CHECK_EQ(pmm_free(r.pmm, high, 600), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, low, 8), STATUS_WRONG_LENGTH);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        CHECK_EQ(rig_stats(&r, (enum pmm_zone)z).allocs, 1);
        CHECK_EQ(rig_stats(&r, (enum pmm_zone)z).frees, z == PMM_ZONE_NORMAL);
    }
    CHECK_EQ(pmm_free(r.pmm, low, 9), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, dma, 1), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).frees, 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).frees, 1);
    TEST_END;
}

/* Calls that a magazine serves are counted like the others. */
TEST("pmm.stats count what a magazine serves")
{
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(pmm_free(r.pmm, pmm_alloc(r.pmm, 1, i % 3 ? 0 : PMM_KERNEL), 1), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).allocs, 1000);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).frees, 1000);
    pmm_drain(r.pmm);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).allocs, 1000);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).frees, 1000);
    TEST_END;
}

TEST("pmm.stats count a failure in the zone tried first")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 20000, 0), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 20000, PMM_KERNEL), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 20000, PMM_DMA32), PADDR_NONE);
    CHECK_EQ(pmm_alloc(r.pmm, 3841, PMM_DMA), PADDR_NONE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).failures, 2);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).failures, 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).failures, 1);
    CHECK(pmm_alloc(r.pmm, 3840, PMM_DMA) != PADDR_NONE);
    CHECK_EQ(rig_failures(&r), 4);
    TEST_END;
}

TEST("pmm.stats low_water is the least free ever")
{
    struct rig r;
    if (!RIG_MAKE(&r, dma_only))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 3840);
    paddr_t a = pmm_alloc(r.pmm, 1000, PMM_DMA);
    paddr_t b = pmm_alloc(r.pmm, 500, PMM_DMA);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 2340);
    CHECK_EQ(pmm_free(r.pmm, a, 1000), STATUS_OK);
    CHECK_EQ(pmm_free(r.pmm, b, 500), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 2340);
    CHECK_EQ(pmm_claim(r.pmm, 2 * MIB, 2000), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 1840);
    CHECK_EQ(pmm_alloc(r.pmm, 3000, PMM_DMA), PADDR_NONE);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).low_water, 1840);
    TEST_END;
}

TEST("pmm.stats fragmentation is 0 to 1000")
{
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).fragmentation, 0);
    for (unsigned b = 0; b < 8; b++)
        CHECK_EQ(pmm_claim(r.pmm, HIGH + b * 2 * MIB, 256), STATUS_OK);
    /* 32 blocks, 8 of them half used: 24 * 512 of 14336 free pages are in whole blocks, 857. */
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).fragmentation, 143);
    for (unsigned b = 8; b < 32; b++)
        CHECK_EQ(pmm_claim(r.pmm, HIGH + b * 2 * MIB, 511), STATUS_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).fragmentation, 1000);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).fragmentation, 0);
    TEST_END;
}

TEST("pmm.walk visits every page once, in address order, in maximal runs")
{
    struct rig r;
    struct rig_count c;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB + 32 * KIB, 3), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, 32 * MIB + 44 * KIB, 4), STATUS_OK); /* touches the one before */
    rig_recount(&r, &c);
    CHECK_EQ(c.pages, 513 + 240 + 256);
    CHECK_EQ(c.withheld, 240 + 256);
    CHECK_EQ(c.allocated[PMM_ZONE_DMA32], 7);
    CHECK_EQ(c.zone[PMM_ZONE_DMA32].free, 506);
    CHECK_EQ(c.zone[PMM_ZONE_DMA32].runs, 4);
    CHECK(!c.disordered && !c.split);
    CHECK_EQ(c.end, 43 * MIB);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- P8 ---- */

TEST("pmm.P8 an alloc that fails has changed nothing")
{
    struct rig r;
    struct rig_snap before;
    if (!RIG_MAKE(&r, all_zones))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 8 * MIB, 700), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, 24 * MIB, 3), STATUS_OK);
    rig_snap(&r, &before);
    const uint32_t flags[] = {0, PMM_DMA, PMM_DMA32, PMM_KERNEL, PMM_KERNEL | PMM_DMA32};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        CHECK_EQ(pmm_alloc(r.pmm, 16000, flags[i]), PADDR_NONE);
        CHECK_EQ(pmm_alloc_aligned(r.pmm, 14000, 16 * MIB, flags[i]), PADDR_NONE);
    }
    rig_same(t, &r, &before);
    rig_audit(t, &r);
    TEST_END;
}

/* ---- contents ---- */

TEST("pmm.the allocator never touches the pages it manages")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: it writes the pages that its map names");
    const struct mem_region map[] = {USABLE(512 * MIB, 8 * MIB)};
    struct rig r;
    uint64_t *ram = hal_phys_to_virt(512 * MIB);
    for (size_t i = 0; i < MIB; i++)
        ram[i] = i;
    if (!RIG_MAKE(&r, map))
        return;
    for (size_t n = 1; n < 900; n += 13) {
        paddr_t got = pmm_alloc(r.pmm, n, n % 2 ? PMM_KERNEL : 0);
        CHECK_EQ(pmm_free(r.pmm, got, n), STATUS_OK);
    }
    size_t changed = 0;
    for (size_t i = 0; i < MIB; i++)
        changed += ram[i] != i;
    CHECK_EQ(changed, 0);
    TEST_END;
}

static uint64_t count_nonzero(paddr_t base, size_t pages)
{
    const uint64_t *p = hal_phys_to_virt(base);
    uint64_t found = 0;
    for (size_t i = 0; i < pages * 512; i++)
        found += p[i] != 0;
    return found;
}

TEST("pmm.PMM_ZERO pages read as zero")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: it writes the pages that its map names");
    const struct mem_region map[] = {USABLE(512 * MIB, 8 * MIB)};
    struct rig r;
    uint64_t *ram = hal_phys_to_virt(512 * MIB);
    if (!RIG_MAKE(&r, map))
        return;
    for (size_t n = 1; n < 700; n += 111) {
        for (size_t i = 0; i < MIB; i++)
            ram[i] = 0x5A5A;
        paddr_t got = pmm_alloc(r.pmm, n, PMM_ZERO | (n % 2 ? PMM_KERNEL : 0));
        CHECK(got != PADDR_NONE);
        CHECK_EQ(count_nonzero(got, n), 0);
        CHECK_EQ(count_nonzero(512 * MIB, 2048), (2048 - n) * 512); /* and no page but those */
        CHECK_EQ(pmm_free(r.pmm, got, n), STATUS_OK);
    }
    TEST_END;
}

/* ---- debug modes ---- */

TEST("pmm.debug junk fills freed pages")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: it writes the pages that its map names");
    const struct mem_region map[] = {USABLE(512 * MIB, 8 * MIB)};
    const struct pmm_debug on = {.junk = true};
    struct rig r;
    if (!RIG_MAKE(&r, map))
        return;
    pmm_set_debug(r.pmm, &on);
    for (size_t n = 1; n < 700; n = n * 3 + 1) {
        paddr_t got = pmm_alloc(r.pmm, n, 0);
        CHECK(got != PADDR_NONE);
        uint64_t *words = hal_phys_to_virt(got);
        for (size_t i = 0; i < n * 512; i++)
            words[i] = 0;
        CHECK_EQ(pmm_free(r.pmm, got, n), STATUS_OK);
        CHECK_EQ(count_nonzero(got, n), n * 512);
        paddr_t again = pmm_alloc(r.pmm, n, PMM_ZERO);
        CHECK_EQ(count_nonzero(again, n), 0);
        CHECK_EQ(pmm_free(r.pmm, again, n), STATUS_OK);
    }
    pmm_set_debug(r.pmm, NULL);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.debug check_every is silent while all is well")
{
    const struct pmm_debug on = {.check_every = 1};
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    pmm_set_debug(r.pmm, &on);
    for (size_t n = 2; n < 600; n += 50) { /* singles would be parked */
        paddr_t got = pmm_alloc(r.pmm, n, 0);
        CHECK(got != PADDR_NONE);
        CHECK_EQ(pmm_free(r.pmm, got, n), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, 24 * MIB, n), STATUS_ALREADY_FREE);
        CHECK_EQ(pmm_claim(r.pmm, 24 * MIB, n), STATUS_OK);
        CHECK_EQ(pmm_free(r.pmm, 24 * MIB, n), STATUS_OK);
    }
    rig_audit(t, &r);
    TEST_END;
}

static void check_op(struct test_state *t, const struct pmm_op *op, uint32_t kind, paddr_t base,
                     uint64_t pages, status_t status)
{
    CHECK_EQ(op->kind, kind);
    CHECK_EQ(op->base, base);
    CHECK_EQ(op->pages, pages);
    CHECK_EQ(op->status, status);
    CHECK(op->caller != NULL);
}

TEST("pmm.debug ring holds the last operations")
{
    struct pmm_op ring[4];
    const struct pmm_debug on = {.ring = ring, .ring_size = 4};
    struct rig r;
    if (!RIG_MAKE(&r, high64))
        return;
    pmm_set_debug(r.pmm, &on);
    paddr_t a = pmm_alloc(r.pmm, 7, PMM_KERNEL);
    CHECK_EQ(pmm_free(r.pmm, a, 7), STATUS_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + MIB, 3), STATUS_OK);
    CHECK_EQ(pmm_alloc(r.pmm, 100000, 0), PADDR_NONE);
    CHECK_EQ(pmm_debug_ring_count(r.pmm), 4);
    check_op(t, &ring[0], 0, a, 7, STATUS_OK);
    CHECK_EQ(ring[0].flags, PMM_KERNEL);
    check_op(t, &ring[1], 1, a, 7, STATUS_OK);
    check_op(t, &ring[2], 2, HIGH + MIB, 3, STATUS_OK);
    check_op(t, &ring[3], 0, PADDR_NONE, 100000, STATUS_NO_MEMORY);
    CHECK_EQ(pmm_free(r.pmm, HIGH, 9), STATUS_ALREADY_FREE);
    check_op(t, &ring[0], 1, HIGH, 9, STATUS_ALREADY_FREE); /* operation 4 is entry 4 modulo 4 */
    CHECK_EQ(pmm_debug_ring_count(r.pmm), 5);
    pmm_set_debug(r.pmm, NULL);
    CHECK(pmm_alloc(r.pmm, 1, 0) != PADDR_NONE);
    check_op(t, &ring[1], 1, a, 7, STATUS_OK); /* off: nothing more is written */
    TEST_END;
}

TEST("pmm.debug ring names the callers")
{
    struct pmm_op ring[8];
    const struct pmm_debug on = {.ring = ring, .ring_size = 8};
    struct rig r;
    if (!RIG_MAKE(&r, high256))
        return;
    pmm_set_debug(r.pmm, &on);
    volatile unsigned times = 2; /* not known to the compiler, which would make two places of it */
    for (unsigned i = 0; i < times; i++)
        CHECK(pmm_alloc(r.pmm, 1, 0) != PADDR_NONE); /* one place in the code, called twice */
    /* Another function, so that no compiler can make one call of the two places. */
    CHECK(pmm_alloc_aligned(r.pmm, 1, PAGE_SIZE, 0) != PADDR_NONE);
    CHECK(ring[0].caller == ring[1].caller);
    CHECK(ring[0].caller != ring[2].caller);
    TEST_END;
}

/* ---- facts ---- */

TEST("pmm.facts: zone names and table bytes")
{
    struct rig r;
    if (!RIG_MAKE(&r, all_zones))
        return;
    CHECK_STR(pmm_zone_name(PMM_ZONE_DMA), "DMA");
    CHECK_STR(pmm_zone_name(PMM_ZONE_DMA32), "DMA32");
    CHECK_STR(pmm_zone_name(PMM_ZONE_NORMAL), "NORMAL");
    CHECK(pmm_table_bytes(r.pmm) > 0 && pmm_table_bytes(r.pmm) <= r.bytes);
    TEST_END;
}

TEST_SUITE(pmm);
