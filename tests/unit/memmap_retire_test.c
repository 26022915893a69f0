/* Unit tests of mm/memmap.h: pages that are known to be bad before there is an allocator. */
#include "hal/short.h"
#include "tests/unit/memmap_rig.h"

static bool make_three(struct test_state *t, struct memmap *map, size_t owners)
{
    return make(t, map, owners,
                RAWS({2 * MIB, 4 * MIB, MEM_USABLE}, {4 * MIB, 6 * MIB, MEM_BOOT},
                     {6 * MIB, 7 * MIB, MEM_RUNTIME}, {8 * MIB, 9 * MIB, MEM_LOADER}));
}

TEST("memmap.retire grows outward to whole pages and joins what touches")
{
    struct memmap map;
    if (!make_three(t, &map, 4))
        return;
    CHECK_EQ(memmap_retire(&map, 3 * MIB - 1, 1), MM_OK);
    CHECK_EQ(memmap_retire(&map, 3 * MIB, 1), MM_OK);
    CHECK_EQ(memmap_retire(&map, 3 * MIB - PG, 2 * PG), MM_OK); /* known already */
    CHECK_EQ(memmap_retire(&map, 8 * MIB, MIB), MM_OK);
    expect(t, &map,
           WANTS({2 * MIB, 3 * MIB - PG, MEM_USABLE, NULL},
                 {3 * MIB - PG, 3 * MIB + PG, MEM_BAD, NULL},
                 {3 * MIB + PG, 4 * MIB, MEM_USABLE, NULL}, {4 * MIB, 6 * MIB, MEM_BOOT, NULL},
                 {6 * MIB, 7 * MIB, MEM_RUNTIME, NULL}, {8 * MIB, 9 * MIB, MEM_BAD, NULL}));
    TEST_END;
}

TEST("memmap.retire over several types makes one region")
{
    struct memmap map;
    if (!make_three(t, &map, 2))
        return;
    CHECK_EQ(memmap_retire(&map, 5 * MIB, PG), MM_OK);
    CHECK_EQ(memmap_retire(&map, 3 * MIB, 3 * MIB), MM_OK);
    expect(t, &map,
           WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {3 * MIB, 6 * MIB, MEM_BAD, NULL},
                 {6 * MIB, 7 * MIB, MEM_RUNTIME, NULL}, {8 * MIB, 9 * MIB, MEM_LOADER, NULL}));
    TEST_END;
}

/* All or nothing: the map is as it was. */
static void refuses(struct test_state *t, struct memmap *map, hal_paddr_t base, uint64_t size,
                    mm_status_t status)
{
    size_t count = map->count;
    CHECK_EQ(memmap_retire(map, base, size), status);
    CHECK_EQ(map->count, count);
    for (size_t i = 0; i < map->count; i++)
        CHECK(map->regions[i].type != MEM_BAD);
    CHECK_STR(memmap_check(map), NULL);
}

TEST("memmap.retire says what is wrong and changes nothing")
{
    struct memmap map;
    if (!start(t, &map, 16))
        return;
    CHECK_EQ(memmap_retire(&map, 2 * MIB, PG), MM_INVALID); /* before normalize */
    if (!make_three(t, &map, 1))
        return;
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, PG, "image"), MM_OK);
    refuses(t, &map, 2 * MIB, 0, MM_INVALID);
    refuses(t, &map, 2 * MIB, UINT64_MAX, MM_OVERFLOW);
    refuses(t, &map, (uint64_t)1 << 60, PG, MM_FOREIGN);
    refuses(t, &map, 7 * MIB, PG, MM_FOREIGN);
    refuses(t, &map, 8 * MIB - PG, 2 * PG, MM_FOREIGN);
    refuses(t, &map, 3 * MIB - PG, 3 * PG, MM_OVERLAP);
    refuses(t, &map, 5 * MIB, MIB + PG, MM_RESERVED);
    refuses(t, &map, 6 * MIB, PG, MM_RESERVED);
    map.capacity = map.count + 1; /* one cut fits, two do not */
    refuses(t, &map, 4 * MIB + PG, PG, MM_FULL);
    CHECK_EQ(memmap_retire(&map, 4 * MIB, PG), MM_OK);
    TEST_END;
}

TEST("memmap.early_alloc takes no bad page")
{
    struct memmap map;
    if (!make(t, &map, 4, RAWS({2 * MIB, 2 * MIB + 4 * PG, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_retire(&map, 2 * MIB + 3 * PG, PG), MM_OK);
    CHECK_EQ(memmap_retire(&map, 2 * MIB + PG, PG), MM_OK);
    CHECK_EQ(memmap_early_alloc(&map, 2 * PG, PG, 0, "tables"), HAL_PADDR_NONE);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "tables"), 2 * MIB + 2 * PG);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "tables"), 2 * MIB);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "tables"), HAL_PADDR_NONE);
    TEST_END;
}

TEST_SUITE(memmap_retire);
