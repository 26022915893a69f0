/* Making an allocator, what its tables cost, and reclaiming what the firmware gives up: the
 * sentences of mm/pmm_create.h, one test each. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

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
    CHECK_EQ(pmm_create_in(&r.map, 0, r.tables, r.bytes, &out), MM_INVALID);
    CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, r.bytes / 2, &out), MM_FULL);
    CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, 0, &out), MM_FULL);
    r.map.normalized = false;
    CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, r.bytes, &out), MM_INVALID);
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
    CHECK_EQ(pmm_create_in(&r.map, 1, tables, bytes / 2, &out), MM_FULL);
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
    CHECK_EQ(pmm_create_in(&r.map, 3, tables, bytes, &r.pmm), MM_OK);
    CHECK(pmm_table_bytes(r.pmm) <= bytes);
    for (size_t n = 1; n < 400; n += 7)
        CHECK(pmm_alloc(r.pmm, n, 0) != HAL_PADDR_NONE);
    for (size_t i = 0; i < 64; i++)
        CHECK_EQ(tables[bytes + i], 0xA5);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.create_in serves a thousand CPUs")
{
    struct rig r;
    rig_map(&r, tiny, ARRAY_LEN(tiny));
    size_t bytes = pmm_tables_size(&r.map, 1024);
    void *tables = test_memory(bytes);
    if (!CHECK(tables != NULL))
        return;
    CHECK_EQ(pmm_create_in(&r.map, 1024, tables, bytes, &r.pmm), MM_OK);
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
        CHECK(pmm_tables_size(&r.map, 1) <= sizes[i] / HAL_PAGE_SIZE * 5 / 16 + 5 * KIB);
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
        uint64_t pages = sizes[i] / HAL_PAGE_SIZE;
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
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, 32 * MIB, 16), MM_OK);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.an empty map makes an allocator that has nothing")
{
    struct rig r;
    rig_map(&r, tiny, 0);
    r.bytes = pmm_tables_size(&r.map, 1);
    r.tables = test_memory(r.bytes + 64);
    if (!CHECK_EQ(pmm_create_in(&r.map, 1, r.tables, r.bytes, &r.pmm), MM_OK))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_free(r.pmm, 32 * MIB, 1), MM_FOREIGN);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.create labels its tables, high, and never gives them out")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: the tables would lie in memory that has an owner");
    struct rig r;
    rig_map(&r, all_zones, ARRAY_LEN(all_zones));
    CHECK_EQ(pmm_create(&r.map, 1, &r.pmm), MM_OK);
    const struct mem_region *found = NULL;
    for (size_t i = 0; i < r.map.count; i++)
        if (r.map.regions[i].label != NULL)
            found = &r.map.regions[i];
    if (!CHECK(found != NULL))
        return;
    CHECK_STR(found->label, "page allocator tables");
    CHECK(found->base >= HIGH); /* high, not in the DMA zone */
    CHECK(found->size >= pmm_table_bytes(r.pmm));
    CHECK_EQ(rig_free(&r), 127 * 256 - found->size / HAL_PAGE_SIZE);
    CHECK_EQ(pmm_free(r.pmm, found->base, 1), MM_RESERVED);
    CHECK_EQ(pmm_claim(r.pmm, found->base, 1), MM_RESERVED);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.create without room answers MM_NO_MEMORY and changes nothing")
{
    if (!test_env_has_fake_ram())
        SKIP("needs fake RAM: the tables would lie in memory that has an owner");
    struct rig r;
    const struct mem_region one_page[] = {USABLE(32 * MIB, 4 * KIB)};
    rig_map(&r, one_page, 1);
    CHECK_EQ(pmm_create(&r.map, 1024, &r.pmm), MM_NO_MEMORY);
    CHECK(r.pmm == NULL);
    CHECK_EQ(r.map.count, 1);
    CHECK(r.map.regions[0].label == NULL);
    CHECK_EQ(pmm_create(&r.map, 0, &r.pmm), MM_INVALID);
    r.map.normalized = false;
    CHECK_EQ(pmm_create(&r.map, 1, &r.pmm), MM_INVALID);
    TEST_END;
}

TEST("pmm.reclaim adds withheld memory and merges across the former border")
{
    struct rig r;
    if (!RIG_MAKE(&r, patchwork))
        return;
    CHECK_EQ(pmm_claim(r.pmm, 33 * MIB + 64 * KIB, 1), MM_RESERVED);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[2]), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 513 + 240);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).largest_run, 240 + 256); /* merged with its neighbour */
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).runs, 3);
    rig_audit(t, &r);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB + 64 * KIB, 1), MM_ALREADY_FREE);
    CHECK_EQ(pmm_alloc(r.pmm, 496, 0), 33 * MIB + 64 * KIB);
    CHECK_EQ(pmm_free(r.pmm, 33 * MIB + 64 * KIB, 496), MM_OK);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[7]), MM_OK);
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
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[2]), MM_OK);
    rig_snap(&r, &before);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[2]), MM_ALREADY_FREE);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[0]), MM_FOREIGN); /* usable from the start */
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[1]), MM_FOREIGN); /* usable, but owned */
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[4]), MM_FOREIGN); /* runtime services */
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[5]), MM_FOREIGN); /* withheld, but owned */
    struct mem_region wrong = r.map.regions[7];
    wrong.size -= HAL_PAGE_SIZE;
    CHECK_EQ(pmm_reclaim(r.pmm, &wrong), MM_FOREIGN);
    wrong.base += HAL_PAGE_SIZE;
    CHECK_EQ(pmm_reclaim(r.pmm, &wrong), MM_FOREIGN);
    wrong = (struct mem_region){.base = 5 * GIB, .size = 1 * MIB, .type = MEM_BOOT};
    CHECK_EQ(pmm_reclaim(r.pmm, &wrong), MM_FOREIGN);
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
    CHECK_EQ(pmm_claim(r.pmm, 11 * MIB, 1), MM_OK);
    CHECK_EQ(pmm_reclaim(r.pmm, &r.map.regions[1]), MM_OK);
    rig_audit(t, &r);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).largest_run, 5 * 256 - 1);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).largest_run, 19 * 256 + 1);
    CHECK_EQ(rig_free(&r), 27 * 256);
    CHECK_EQ(pmm_free(r.pmm, 11 * MIB, 1), MM_OK);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).largest_run, 8 * 256);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).free_blocks, 4);
    rig_audit(t, &r);
    TEST_END;
}

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

TEST_SUITE(pmm_create);
