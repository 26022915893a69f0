/* Unit tests of mm/memmap.h: a map and its storage, raw entries, and what is odd about them. */
#include "hal/short.h"
#include "tests/unit/memmap_rig.h"

/* --- storage, init, width --------------------------------------------------------------------- */

TEST("memmap.capacity_for is two for each entry and owner")
{
    CHECK_EQ(memmap_capacity_for(0, 0), 0);
    CHECK_EQ(memmap_capacity_for(3, 0), 6);
    CHECK_EQ(memmap_capacity_for(3, 4), 14);
    CHECK_EQ(memmap_capacity_for(SIZE_MAX / 4 + 1, 0), SIZE_MAX);
    CHECK_EQ(memmap_capacity_for(0, SIZE_MAX), SIZE_MAX);
    CHECK_EQ(memmap_capacity_for(SIZE_MAX / 4, SIZE_MAX / 4), SIZE_MAX / 4 * 4);
    TEST_END;
}

TEST("memmap.capacity_for is enough for the worst")
{
    /* Four nested entries, each less usable than the one around it: 7 pieces, and the border at
     * 1 MiB cuts one of them: 8 = 2 * 4. Then owners, each in the middle of a region. */
    struct memmap map;
    if (!make(t, &map, 2,
              RAWS({0x80000, 16 * MIB, MEM_USABLE}, {2 * MIB, 14 * MIB, MEM_BOOT},
                   {4 * MIB, 12 * MIB, MEM_ACPI_NVS}, {6 * MIB, 8 * MIB, MEM_MMIO})))
        return;
    CHECK_EQ(map.count, map.capacity - 4);
    CHECK_EQ(memmap_reserve(&map, 7 * MIB, PG, "one"), MM_OK);
    CHECK_EQ(memmap_early_alloc(&map, PG, MIB, 15 * MIB + PG, "two"), 15 * MIB);
    CHECK_EQ(map.count, map.capacity);
    CHECK_STR(memmap_check(&map), NULL);
    TEST_END;
}

TEST("memmap.init makes an empty map")
{
    struct memmap map;
    if (!start(t, &map, 4))
        return;
    CHECK_EQ(map.count, 0);
    CHECK_EQ(map.capacity, 4);
    CHECK_EQ(map.limit, (uint64_t)1 << 52);
    CHECK(!map.normalized && map.on_anomaly == NULL);
    for (unsigned i = 0; i < MEMMAP_ANOMALY_COUNT; i++)
        CHECK_EQ(map.anomalies[i], 0);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    expect(t, &map, NULL, 0);
    CHECK(memmap_find(&map, 0) == NULL);
    TEST_END;
}

TEST("memmap.a zeroed map offers nothing")
{
    struct memmap map = {.regions = NULL};
    CHECK_EQ(memmap_add(&map, 0, 0, MEM_USABLE), MM_OK); /* ignored: needs no slot */
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "x"), HAL_PADDR_NONE);
    CHECK(memmap_find(&map, MIB) == NULL);
    memmap_init(&map, NULL, 0);
    CHECK_EQ(memmap_add(&map, MIB, PG, MEM_USABLE), MM_FULL);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    CHECK_EQ(memmap_reserve(&map, MIB, PG, "x"), MM_FOREIGN);
    TEST_END;
}

TEST("memmap.the width is the nearest of 32 to 52")
{
    struct memmap map;
    const unsigned bits[][2] = {{0, 32},  {31, 32}, {32, 32}, {39, 39},
                                {52, 52}, {53, 52}, {64, 52}};
    for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
        memmap_init(&map, NULL, 0);
        memmap_set_width(&map, bits[i][0]);
        CHECK_EQ(map.limit, (uint64_t)1 << bits[i][1]);
    }
    TEST_END;
}

TEST("memmap.set_width does nothing after an entry")
{
    struct memmap map;
    if (!start(t, &map, 2))
        return;
    CHECK_EQ(memmap_add(&map, 0, 0, MEM_USABLE), MM_OK); /* not kept: the width is still open */
    memmap_set_width(&map, 40);
    CHECK_EQ(map.limit, TIB);
    CHECK_EQ(memmap_add(&map, MIB, PG, MEM_USABLE), MM_OK);
    memmap_set_width(&map, 36);
    CHECK_EQ(map.limit, TIB);
    memmap_init(&map, NULL, 0);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    memmap_set_width(&map, 36);
    CHECK_EQ(map.limit, (uint64_t)1 << 52);
    TEST_END;
}

/* --- add: anomalies --------------------------------------------------------------------------- */

/* A map of one earlier entry at 2 MiB meets the raw entry: it has exactly these anomalies, a bit
 * each, and is kept or not. */
static void meets(struct test_state *t, struct raw raw, uint64_t size, unsigned kinds, bool kept)
{
    struct memmap map;
    struct told told = {.calls = 0};
    if (!start(t, &map, 2))
        return;
    memmap_set_width(&map, 40);
    CHECK_EQ(memmap_add(&map, 2 * MIB, MIB, MEM_RESERVED), MM_OK);
    memmap_on_anomaly(&map, listen, &told);
    CHECK_EQ(memmap_add(&map, raw.base, size, raw.type), MM_OK);
    CHECK_EQ(map.count, kept ? 2 : 1);
    uint64_t calls = 0;
    for (unsigned kind = 0; kind < MEMMAP_ANOMALY_COUNT; kind++) {
        CHECK_EQ(map.anomalies[kind], (kinds >> kind) & 1u);
        calls += (kinds >> kind) & 1u;
    }
    CHECK_EQ(told.calls, calls);
    if (calls == 1 && (kinds & 1u << MEMMAP_LOW) == 0) {
        CHECK_EQ(kinds, 1u << told.kind);
        CHECK_EQ(told.base, raw.base);
        CHECK_EQ(told.size, size);
    }
}

TEST("memmap.an ignored entry has one anomaly")
{
    meets(t, (struct raw){MIB + 1, 0, MEM_USABLE}, 0, 1u << MEMMAP_EMPTY, false);
    meets(t, (struct raw){UINT64_MAX, 0, MEM_MMIO}, 0, 1u << MEMMAP_EMPTY, false);
    meets(t, (struct raw){PG, 0, MEM_USABLE}, UINT64_MAX, 1u << MEMMAP_WRAP, false);
    meets(t, (struct raw){UINT64_MAX, 0, MEM_NONE}, 2, 1u << MEMMAP_WRAP, false);
    /* Ends at 2^64 exactly: that end does not fit in 64 bits. */
    meets(t, (struct raw){~(PG - 1), 0, MEM_MMIO}, PG, 1u << MEMMAP_WRAP, false);
    meets(t, (struct raw){TIB, 0, MEM_MMIO}, PG, 1u << MEMMAP_TOO_HIGH, false);
    meets(t, (struct raw){UINT64_MAX - PG, 0, MEM_MMIO}, PG, 1u << MEMMAP_TOO_HIGH, false);
    TEST_END;
}

TEST("memmap.a kept entry can have several anomalies")
{
    meets(t, (struct raw){4 * MIB, 0, MEM_USABLE}, PG, 0, true);
    meets(t, (struct raw){2 * MIB, 0, MEM_USABLE}, PG, 0, true); /* the same base is in order */
    meets(t, (struct raw){MIB, 0, MEM_USABLE}, PG, 1u << MEMMAP_UNSORTED, true);
    meets(t, (struct raw){TIB - PG, 0, MEM_MMIO}, PG, 0, true);
    meets(t, (struct raw){TIB - PG, 0, MEM_MMIO}, 2 * PG, 1u << MEMMAP_TOO_HIGH, true);
    meets(t, (struct raw){4 * MIB + 1, 0, MEM_BOOT}, PG, 1u << MEMMAP_UNALIGNED, true);
    meets(t, (struct raw){4 * MIB, 0, MEM_BOOT}, PG - 1, 1u << MEMMAP_UNALIGNED, true);
    meets(t, (struct raw){4 * MIB, 0, MEM_NONE}, PG, 1u << MEMMAP_UNKNOWN, true);
    meets(t, (struct raw){4 * MIB, 0, MEM_TYPE_COUNT}, PG, 1u << MEMMAP_UNKNOWN, true);
    meets(t, (struct raw){4 * MIB, 0, (enum mem_type)0x7fffffff}, PG, 1u << MEMMAP_UNKNOWN, true);
    meets(t, (struct raw){0, 0, MEM_LOADER}, PG, 1u << MEMMAP_LOW | 1u << MEMMAP_UNSORTED, true);
    meets(t, (struct raw){0, 0, MEM_ACPI_NVS}, PG, 1u << MEMMAP_UNSORTED, true);
    meets(t, (struct raw){1, 0, MEM_TYPE_COUNT}, TIB,
          1u << MEMMAP_UNSORTED | 1u << MEMMAP_TOO_HIGH | 1u << MEMMAP_UNALIGNED |
              1u << MEMMAP_UNKNOWN,
          true);
    TEST_END;
}

TEST("memmap.LOW tells the part below the floor")
{
    struct memmap map;
    struct told told = {.calls = 0};
    if (!start(t, &map, 4))
        return;
    memmap_on_anomaly(&map, listen, &told);
    CHECK_EQ(memmap_add(&map, PG, 2 * MIB, MEM_USABLE), MM_OK);
    CHECK_EQ(told.kind, MEMMAP_LOW);
    CHECK_EQ(told.base, PG);
    CHECK_EQ(told.size, MIB - PG);
    CHECK_EQ(memmap_add(&map, MIB - PG, PG, MEM_BOOT), MM_OK);
    CHECK_EQ(map.anomalies[MEMMAP_LOW], 2);
    CHECK_EQ(told.size, PG);
    CHECK_EQ(memmap_add(&map, MIB, PG, MEM_BOOT), MM_OK);
    CHECK_EQ(map.anomalies[MEMMAP_LOW], 2);
    TEST_END;
}

TEST("memmap.OVERLAP tells the part covered before")
{
    struct memmap map;
    struct told told = {.calls = 0};
    if (!start(t, &map, 12))
        return;
    add_all(t, &map,
            RAWS({0, PG, MEM_RESERVED}, {4 * MIB, 8 * MIB, MEM_USABLE},
                 {6 * MIB, 10 * MIB, MEM_BOOT}, {10 * MIB, 11 * MIB, MEM_USABLE},
                 {20 * MIB, 20 * MIB + 100, MEM_USABLE},
                 {20 * MIB + 100, 20 * MIB + PG, MEM_RESERVED}));
    memmap_on_anomaly(&map, listen, &told);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    /* Entries that touch do not overlap, and rounding to pages makes no overlap. */
    CHECK_EQ(map.anomalies[MEMMAP_OVERLAP], 1);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.kind, MEMMAP_OVERLAP);
    CHECK_EQ(told.base, 6 * MIB);
    CHECK_EQ(told.size, 2 * MIB);
    TEST_END;
}

TEST("memmap.the same entry twice is one overlap")
{
    struct memmap map;
    if (!make(t, &map, 0,
              RAWS({4 * MIB, 8 * MIB, MEM_USABLE}, {4 * MIB, 8 * MIB, MEM_USABLE},
                   {5 * MIB, 6 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(map.anomalies[MEMMAP_OVERLAP], 2);
    expect(t, &map, WANTS({4 * MIB, 8 * MIB, MEM_USABLE, NULL}));
    TEST_END;
}

TEST("memmap.add without a slot is full")
{
    struct memmap map;
    if (!start(t, &map, 1))
        return;
    add_all(t, &map, RAWS({2 * MIB, 3 * MIB, MEM_USABLE}));
    CHECK_EQ(memmap_add(&map, 1, 1, MEM_TYPE_COUNT), MM_FULL);
    CHECK_EQ(map.count, 1);
    for (unsigned i = 0; i < MEMMAP_ANOMALY_COUNT; i++)
        CHECK_EQ(map.anomalies[i], 0);
    CHECK_EQ(memmap_add(&map, MIB, 0, MEM_USABLE), MM_OK); /* needs no slot */
    CHECK_EQ(map.anomalies[MEMMAP_EMPTY], 1);
    TEST_END;
}

TEST("memmap.add after normalize is invalid")
{
    struct memmap map;
    if (!make(t, &map, 4, RAWS({2 * MIB, 3 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_add(&map, 4 * MIB, PG, MEM_USABLE), MM_INVALID);
    CHECK_EQ(memmap_add(&map, 4 * MIB, 0, MEM_USABLE), MM_INVALID);
    CHECK_EQ(memmap_add_uefi(&map, 4 * MIB, PG, 99, 0), MM_INVALID);
    CHECK_EQ(map.anomalies[MEMMAP_EMPTY] + map.anomalies[MEMMAP_UNKNOWN], 0);
    expect(t, &map, WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}));
    TEST_END;
}

TEST("memmap.add_uefi translates")
{
    struct memmap map;
    if (!start(t, &map, 8))
        return;
    CHECK_EQ(memmap_add_uefi(&map, 2 * MIB, MIB, 7, 0xf), MM_OK);
    CHECK_EQ(memmap_add_uefi(&map, 3 * MIB, MIB, 4, 8), MM_OK);
    CHECK_EQ(memmap_add_uefi(&map, 4 * MIB, MIB, 0x80000001u, 8), MM_OK);
    CHECK_EQ(memmap_add_uefi(&map, 5 * MIB, 4 * MIB - 5 * MIB, 7, 8), MM_OK); /* end < base */
    CHECK_EQ(map.anomalies[MEMMAP_UNKNOWN], 1);
    CHECK_EQ(map.anomalies[MEMMAP_WRAP], 1);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    expect(t, &map,
           WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {3 * MIB, 4 * MIB, MEM_BOOT, NULL},
                 {4 * MIB, 5 * MIB, MEM_RESERVED, NULL}));
    TEST_END;
}

TEST("memmap.RAM without write-back is told and reserved")
{
    struct memmap map;
    struct told told = {.calls = 0};
    if (!start(t, &map, 8))
        return;
    memmap_on_anomaly(&map, listen, &told);
    CHECK_EQ(memmap_add_uefi(&map, 2 * MIB, MIB, 7, 7), MM_OK);
    CHECK_EQ(told.calls, 1);
    CHECK_EQ(told.kind, MEMMAP_NO_WB);
    CHECK_EQ(told.base, 2 * MIB);
    CHECK_EQ(told.size, MIB);
    CHECK_EQ(memmap_add_uefi(&map, 3 * MIB, MIB, 7, 8), MM_OK);
    CHECK_EQ(memmap_add_uefi(&map, 4 * MIB, MIB, 0, 0), MM_OK);
    CHECK_EQ(memmap_add_uefi(&map, 5 * MIB, 0, 7, 0), MM_OK); /* ignored: one anomaly only */
    CHECK_EQ(map.anomalies[MEMMAP_NO_WB], 1);
    CHECK_EQ(map.anomalies[MEMMAP_EMPTY], 1);
    CHECK_EQ(memmap_normalize(&map), MM_OK);
    expect(t, &map,
           WANTS({2 * MIB, 3 * MIB, MEM_RESERVED, NULL}, {3 * MIB, 4 * MIB, MEM_USABLE, NULL},
                 {4 * MIB, 5 * MIB, MEM_RESERVED, NULL}));
    TEST_END;
}

TEST_SUITE(memmap_add);
