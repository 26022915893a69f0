/* Unit tests of mm/memmap.h: windows for memory that may be added, which are told after the map is clean. */
#include "hal/short.h"
#include "tests/unit/memmap_rig.h"

static bool make_two(struct test_state *t, struct memmap *map, size_t windows)
{
    return make(t, map, windows,
                RAWS({2 * MIB, 4 * MIB, MEM_USABLE}, {8 * MIB, 9 * MIB, MEM_MMIO}));
}

TEST("memmap.add_window fills holes, and windows that touch are one")
{
    struct memmap map;
    if (!make_two(t, &map, 4))
        return;
    CHECK_EQ(memmap_add_window(&map, 9 * MIB, MIB), MM_OK); /* behind all that there is */
    CHECK_EQ(memmap_add_window(&map, 5 * MIB, MIB), MM_OK);
    CHECK_EQ(memmap_add_window(&map, 7 * MIB, MIB), MM_OK);
    CHECK_EQ(memmap_add_window(&map, 4 * MIB, PG), MM_OK);
    expect(t, &map,
           WANTS({2 * MIB, 4 * MIB, MEM_USABLE, NULL}, {4 * MIB, 4 * MIB + PG, MEM_HOTPLUG, NULL},
                 {5 * MIB, 6 * MIB, MEM_HOTPLUG, NULL}, {7 * MIB, 8 * MIB, MEM_HOTPLUG, NULL},
                 {8 * MIB, 9 * MIB, MEM_MMIO, NULL}, {9 * MIB, 10 * MIB, MEM_HOTPLUG, NULL}));
    CHECK_EQ(memmap_add_window(&map, 6 * MIB, MIB), MM_OK); /* between two */
    CHECK_EQ(memmap_add_window(&map, MIB, MIB), MM_OK);     /* from the floor on */
    expect(t, &map,
           WANTS({MIB, 2 * MIB, MEM_HOTPLUG, NULL}, {2 * MIB, 4 * MIB, MEM_USABLE, NULL},
                 {4 * MIB, 4 * MIB + PG, MEM_HOTPLUG, NULL}, {5 * MIB, 8 * MIB, MEM_HOTPLUG, NULL},
                 {8 * MIB, 9 * MIB, MEM_MMIO, NULL}, {9 * MIB, 10 * MIB, MEM_HOTPLUG, NULL}));
    TEST_END;
}

/* All or nothing: the map is as it was. */
static void refuses(struct test_state *t, struct memmap *map, hal_paddr_t base, uint64_t size,
                    mm_status_t status)
{
    size_t count = map->count;
    CHECK_EQ(memmap_add_window(map, base, size), status);
    CHECK_EQ(map->count, count);
    CHECK_STR(memmap_check(map), NULL);
}

TEST("memmap.add_window says what is wrong and changes nothing")
{
    struct memmap map;
    if (!start(t, &map, 16))
        return;
    CHECK_EQ(memmap_add_window(&map, 5 * MIB, PG), MM_INVALID); /* before normalize */
    if (!make_two(t, &map, 1))
        return;
    refuses(t, &map, 5 * MIB, 0, MM_INVALID);
    refuses(t, &map, 5 * MIB, PG + 1, MM_INVALID);
    refuses(t, &map, 5 * MIB + 1, PG, MM_INVALID);
    refuses(t, &map, MIB - PG, PG, MM_INVALID);
    refuses(t, &map, 5 * MIB, (uint64_t)0 - 4 * MIB, MM_OVERFLOW);
    refuses(t, &map, map.limit - PG, 2 * PG, MM_FOREIGN);
    refuses(t, &map, 4 * MIB - PG, 2 * PG, MM_OVERLAP);
    refuses(t, &map, 8 * MIB - PG, 2 * PG, MM_OVERLAP);
    refuses(t, &map, 5 * MIB, 8 * MIB, MM_OVERLAP);
    map.capacity = map.count;
    refuses(t, &map, 5 * MIB, PG, MM_FULL);
    map.capacity = map.count + 1;
    CHECK_EQ(memmap_add_window(&map, map.limit - PG, PG), MM_OK);
    TEST_END;
}

TEST("memmap.a window is nobody's to take, and can have an owner")
{
    struct memmap map;
    if (!make_two(t, &map, 2))
        return;
    CHECK_EQ(memmap_add_window(&map, 5 * MIB, 2 * MIB), MM_OK);
    CHECK_EQ(memmap_early_alloc(&map, 3 * MIB, PG, 0, "tables"), HAL_PADDR_NONE);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "tables"), 4 * MIB - PG);
    CHECK_EQ(memmap_reserve(&map, 5 * MIB, PG, "a device"), MM_OK);
    CHECK(!mem_type_is_free_ram(MEM_HOTPLUG) && mem_type_is_allocatable(MEM_HOTPLUG));
    CHECK(mem_type_is_free_ram(MEM_USABLE) && mem_type_is_free_ram(MEM_LOADER));
    CHECK(mem_type_is_free_ram(MEM_BOOT) && !mem_type_is_free_ram(MEM_BAD));
    TEST_END;
}

TEST_SUITE(memmap_window);
