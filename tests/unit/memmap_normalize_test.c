/* Unit tests of mm/memmap.h: what a page becomes, and finding it. */
#include "hal/short.h"
#include "tests/unit/memmap_rig.h"

TEST("memmap.M1 regions come out sorted")
{
    becomes(t,
            RAWS({2 * MIB, 3 * MIB, MEM_USABLE}, {8 * MIB, 9 * MIB, MEM_BOOT},
                 {GIB, 2 * GIB, MEM_MMIO}, {4 * GIB, 6 * GIB, MEM_USABLE},
                 {TIB, TIB + PG, MEM_RESERVED}),
            WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {8 * MIB, 9 * MIB, MEM_BOOT, NULL},
                  {GIB, 2 * GIB, MEM_MMIO, NULL}, {4 * GIB, 6 * GIB, MEM_USABLE, NULL},
                  {TIB, TIB + PG, MEM_RESERVED, NULL}));
    TEST_END;
}

TEST("memmap.M2 neighbours of one type merge")
{
    becomes(t,
            RAWS({2 * MIB, 3 * MIB, MEM_USABLE}, {3 * MIB, 4 * MIB, MEM_USABLE},
                 {4 * MIB, 5 * MIB, MEM_BOOT}, {5 * MIB, 6 * MIB, MEM_LOADER},
                 {6 * MIB, 7 * MIB, MEM_USABLE}),
            WANTS({2 * MIB, 4 * MIB, MEM_USABLE, NULL}, {4 * MIB, 5 * MIB, MEM_BOOT, NULL},
                  {5 * MIB, 6 * MIB, MEM_LOADER, NULL}, {6 * MIB, 7 * MIB, MEM_USABLE, NULL}));
    becomes(
        t,
        RAWS({2 * MIB, 4 * MIB, MEM_RESERVED}, {3 * MIB, 5 * MIB, MEM_RESERVED},
             {5 * MIB, 6 * MIB, MEM_RESERVED}, {6 * MIB + PG, 7 * MIB, MEM_RESERVED}),
        WANTS({2 * MIB, 6 * MIB, MEM_RESERVED, NULL}, {6 * MIB + PG, 7 * MIB, MEM_RESERVED, NULL}));
    TEST_END;
}

TEST("memmap.M3 the least usable type wins")
{
    for (unsigned a = MEM_USABLE; a < MEM_TYPE_COUNT; a++) {
        for (unsigned b = a + 1; b < MEM_TYPE_COUNT; b++) {
            struct mem_region storage[4];
            struct memmap map;
            memmap_init(&map, storage, 4);
            add_all(
                t, &map,
                RAWS({2 * MIB, 4 * MIB, (enum mem_type)b}, {3 * MIB, 5 * MIB, (enum mem_type)a}));
            CHECK_EQ(memmap_normalize(&map), MM_OK);
            expect(t, &map,
                   WANTS({2 * MIB, 4 * MIB, (enum mem_type)b, NULL},
                         {4 * MIB, 5 * MIB, (enum mem_type)a, NULL}));
        }
    }
    TEST_END;
}

TEST("memmap.overlaps are resolved")
{
    becomes(t,
            RAWS({2 * MIB, 64 * MIB, MEM_USABLE}, {8 * MIB, 9 * MIB, MEM_ACPI_RECLAIM},
                 {8 * MIB + PG, 8 * MIB + 2 * PG, MEM_ACPI_NVS}, {8 * MIB, 12 * MIB, MEM_BOOT},
                 {63 * MIB, 65 * MIB, MEM_RUNTIME}, {63 * MIB, 65 * MIB, MEM_MMIO}),
            WANTS({2 * MIB, 8 * MIB, MEM_USABLE, NULL},
                  {8 * MIB, 8 * MIB + PG, MEM_ACPI_RECLAIM, NULL},
                  {8 * MIB + PG, 8 * MIB + 2 * PG, MEM_ACPI_NVS, NULL},
                  {8 * MIB + 2 * PG, 9 * MIB, MEM_ACPI_RECLAIM, NULL},
                  {9 * MIB, 12 * MIB, MEM_BOOT, NULL}, {12 * MIB, 63 * MIB, MEM_USABLE, NULL},
                  {63 * MIB, 65 * MIB, MEM_MMIO, NULL}));
    TEST_END;
}

TEST("memmap.RAM is cut inward")
{
    becomes(t, RAWS({2 * MIB + 1, 3 * MIB - 1, MEM_USABLE}),
            WANTS({2 * MIB + PG, 3 * MIB - PG, MEM_USABLE, NULL}));
    becomes(t, RAWS({2 * MIB + 1, 2 * MIB + 2 * PG - 1, MEM_BOOT}), NULL, 0);
    becomes(t, RAWS({2 * MIB + 1, 2 * MIB + 2, MEM_LOADER}), NULL, 0);
    becomes(t, RAWS({2 * MIB - 1, 2 * MIB + PG + 1, MEM_LOADER}),
            WANTS({2 * MIB, 2 * MIB + PG, MEM_LOADER, NULL}));
    TEST_END;
}

TEST("memmap.RAM that touches merges before it is cut")
{
    becomes(t,
            RAWS({2 * MIB, 3 * MIB + 7, MEM_USABLE}, {3 * MIB + 7, 3 * MIB + 9, MEM_USABLE},
                 {3 * MIB + 9, 4 * MIB, MEM_USABLE}),
            WANTS({2 * MIB, 4 * MIB, MEM_USABLE, NULL}));
    TEST_END;
}

TEST("memmap.a page of two types of RAM is a hole")
{
    becomes(t, RAWS({2 * MIB, 3 * MIB + 7, MEM_USABLE}, {3 * MIB + 7, 4 * MIB, MEM_BOOT}),
            WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {3 * MIB + PG, 4 * MIB, MEM_BOOT, NULL}));
    becomes(t, RAWS({2 * MIB, 4 * MIB, MEM_USABLE}, {3 * MIB + 7, 3 * MIB + 8, MEM_LOADER}),
            WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {3 * MIB + PG, 4 * MIB, MEM_USABLE, NULL}));
    TEST_END;
}

TEST("memmap.other memory grows outward")
{
    becomes(t, RAWS({5 * MIB + 1, 5 * MIB + 2, MEM_ACPI_NVS}),
            WANTS({5 * MIB, 5 * MIB + PG, MEM_ACPI_NVS, NULL}));
    /* Into RAM around it, and into less reserved memory. */
    becomes(t, RAWS({2 * MIB, 8 * MIB, MEM_USABLE}, {5 * MIB - 1, 5 * MIB + 1, MEM_RUNTIME}),
            WANTS({2 * MIB, 5 * MIB - PG, MEM_USABLE, NULL},
                  {5 * MIB - PG, 5 * MIB + PG, MEM_RUNTIME, NULL},
                  {5 * MIB + PG, 8 * MIB, MEM_USABLE, NULL}));
    becomes(
        t, RAWS({2 * MIB, 3 * MIB + 8, MEM_ACPI_RECLAIM}, {3 * MIB + 8, 4 * MIB, MEM_RESERVED}),
        WANTS({2 * MIB, 3 * MIB, MEM_ACPI_RECLAIM, NULL}, {3 * MIB, 4 * MIB, MEM_RESERVED, NULL}));
    /* The BIOS's classic: RAM ends within a page. */
    becomes(t,
            RAWS({2 * MIB, 3 * MIB + 0xc00, MEM_USABLE}, {3 * MIB + 0xc00, 4 * MIB, MEM_RESERVED}),
            WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {3 * MIB, 4 * MIB, MEM_RESERVED, NULL}));
    TEST_END;
}

TEST("memmap.the first MiB is reserved")
{
    becomes(t,
            RAWS({0x2000, 0x9f000, MEM_USABLE}, {0x9f000, 0xa0000, MEM_BOOT},
                 {0xf0000, 2 * MIB, MEM_LOADER}),
            WANTS({0x2000, 0xa0000, MEM_RESERVED, NULL}, {0xf0000, MIB, MEM_RESERVED, NULL},
                  {MIB, 2 * MIB, MEM_LOADER, NULL}));
    becomes(t,
            RAWS({0x1000, 0x9fc00, MEM_USABLE}, {0x9fc00, 0xa0000, MEM_ACPI_NVS},
                 {0xe0000, MIB, MEM_RESERVED}, {MIB - PG, MIB, MEM_USABLE}),
            WANTS({0x1000, 0x9f000, MEM_RESERVED, NULL}, {0x9f000, 0xa0000, MEM_ACPI_NVS, NULL},
                  {0xe0000, MIB, MEM_RESERVED, NULL}));
    becomes(t, RAWS({MIB - 1, MIB + PG, MEM_USABLE}), WANTS({MIB, MIB + PG, MEM_USABLE, NULL}));
    becomes(t, RAWS({MIB - PG, MIB, MEM_USABLE}), WANTS({MIB - PG, MIB, MEM_RESERVED, NULL}));
    TEST_END;
}

TEST("memmap.what ends beyond the width is cut")
{
    struct memmap map;
    if (!start(t, &map, 6))
        return;
    memmap_set_width(&map, 36);
    CHECK_EQ(memmap_add(&map, 60 * GIB, 60 * GIB, MEM_USABLE), MM_OK);
    CHECK_EQ(memmap_add(&map, 64 * GIB - 1, 1, MEM_MMIO), MM_OK);
    CHECK_EQ(memmap_add(&map, 2 * GIB, UINT64_MAX - 2 * GIB, MEM_PERSISTENT), MM_OK);
    CHECK_EQ(map.anomalies[MEMMAP_TOO_HIGH], 2);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    expect(t, &map,
           WANTS({2 * GIB, 64 * GIB - PG, MEM_PERSISTENT, NULL},
                 {64 * GIB - PG, 64 * GIB, MEM_MMIO, NULL}));
    CHECK_EQ(memmap_reserve(&map, 64 * GIB - 1, 1, "the last page"), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 64 * GIB - PG, PG + 1, "beyond"), MM_FOREIGN);
    TEST_END;
}

TEST("memmap.normalize without storage is full")
{
    struct memmap map;
    if (!start(t, &map, 3))
        return;
    add_all(t, &map, RAWS({3 * MIB, 4 * MIB, MEM_BOOT}, {2 * MIB, 5 * MIB, MEM_USABLE}));
    CHECK_EQ(memmap_normalize(&map), MM_FULL);
    CHECK(!map.normalized);
    CHECK_EQ(map.count, 2);
    CHECK_EQ(map.regions[0].base, 3 * MIB);
    CHECK_EQ(map.regions[1].base, 2 * MIB);
    CHECK_EQ(map.regions[1].size, 3 * MIB);
    CHECK_EQ(map.anomalies[MEMMAP_OVERLAP], 0);
    TEST_END;
}

TEST("memmap.a second normalize finds nothing to do")
{
    struct memmap map;
    if (!make(t, &map, 1, RAWS({2 * MIB, 8 * MIB, MEM_USABLE}, {3 * MIB, 9 * MIB, MEM_BOOT})))
        return;
    CHECK_EQ(memmap_reserve(&map, 4 * MIB, PG, "image"), MM_OK);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    CHECK_EQ(map.anomalies[MEMMAP_OVERLAP], 1);
    expect(t, &map,
           WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {3 * MIB, 4 * MIB, MEM_BOOT, NULL},
                 {4 * MIB, 4 * MIB + PG, MEM_BOOT, "image"},
                 {4 * MIB + PG, 9 * MIB, MEM_BOOT, NULL}));
    TEST_END;
}

TEST("memmap.many entries in any order come out sorted")
{
    enum { N = 500 };
    struct memmap map;
    uint64_t state = 7;
    if (!start(t, &map, memmap_capacity_for(N, 0)))
        return;
    /* 263 is prime to 500: every multiple of 2 pages once, in a wild order. */
    for (unsigned i = 0; i < N; i++)
        CHECK_EQ(memmap_add(&map, 4 * MIB + i * 263 % N * 2 * PG,
                            PG * (1 + next_random(&state) % 2), MEM_USABLE),
                 MM_OK);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    CHECK_STR(memmap_check(&map), NULL);
    for (unsigned i = 0; i < N; i++)
        CHECK(memmap_find(&map, 4 * MIB + i * 2 * PG) != NULL);
    CHECK_EQ(map.anomalies[MEMMAP_OVERLAP], 0);
    TEST_END;
}

/* --- the floor -------------------------------------------------------------------------------- */

TEST("memmap.set_floor says from where on memory is offered, but for page 0")
{
    const struct {
        hal_paddr_t floor, first;
    } cases[] = {{0, PG}, {1, PG}, {PG, PG}, {PG + 1, 2 * PG}, {3 * MIB, 3 * MIB}};
    struct memmap map;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (!start(t, &map, memmap_capacity_for(1, 0)))
            return;
        memmap_set_floor(&map, cases[i].floor);
        add_all(t, &map, RAWS({0, 4 * MIB, MEM_USABLE}));
        memmap_set_floor(&map, 2 * MIB); /* too late */
        CHECK_EQ(map.anomalies[MEMMAP_LOW], 1);
        CHECK_EQ(memmap_normalize(&map), MM_OK);
        memmap_set_floor(&map, 2 * MIB);
        expect(t, &map,
               WANTS({0, cases[i].first, MEM_RESERVED, NULL},
                     {cases[i].first, 4 * MIB, MEM_USABLE, NULL}));
    }
    if (!start(t, &map, 0)) /* empty, and clean */
        return;
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    memmap_set_floor(&map, 2 * MIB);
    memmap_set_width(&map, 40);
    CHECK(map.floor == MEMMAP_FLOOR && map.limit == (uint64_t)1 << 52);
    if (!start(t, &map, memmap_capacity_for(1, 0)))
        return;
    memmap_set_floor(&map, UINT64_MAX);
    add_all(t, &map, RAWS({0, 4 * MIB, MEM_USABLE}));
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    expect(t, &map, WANTS({0, 4 * MIB, MEM_RESERVED, NULL}));
    TEST_END;
}

/* --- find ------------------------------------------------------------------------------------- */

TEST("memmap.find gives the region or NULL")
{
    struct memmap map;
    if (!make(t, &map, 0,
              RAWS({2 * MIB, 3 * MIB, MEM_USABLE}, {3 * MIB, 4 * MIB, MEM_BOOT},
                   {8 * MIB, 9 * MIB, MEM_MMIO})))
        return;
    CHECK(memmap_find(&map, 0) == NULL);
    CHECK(memmap_find(&map, 2 * MIB - 1) == NULL);
    CHECK(memmap_find(&map, 2 * MIB) == &map.regions[0]);
    CHECK(memmap_find(&map, 3 * MIB - 1) == &map.regions[0]);
    CHECK(memmap_find(&map, 3 * MIB) == &map.regions[1]);
    CHECK(memmap_find(&map, 4 * MIB) == NULL);
    CHECK(memmap_find(&map, 8 * MIB + 5) == &map.regions[2]);
    CHECK(memmap_find(&map, 9 * MIB) == NULL);
    CHECK(memmap_find(&map, UINT64_MAX) == NULL);
    TEST_END;
}

TEST("memmap.find before normalize is NULL")
{
    struct memmap map;
    if (!start(t, &map, 2))
        return;
    add_all(t, &map, RAWS({2 * MIB, 3 * MIB, MEM_USABLE}));
    CHECK(memmap_find(&map, 2 * MIB) == NULL);
    TEST_END;
}

TEST_SUITE(memmap_normalize);
