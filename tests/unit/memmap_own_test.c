/* Unit tests of mm/memmap.h: who owns what: memmap_reserve and memmap_early_alloc. */
#include "hal/short.h"
#include "tests/unit/memmap_rig.h"

/* --- reserve ---------------------------------------------------------------------------------- */

static bool make_two(struct test_state *t, struct memmap *map, size_t owners)
{
    return make(t, map, owners,
                RAWS({0, 0xa0000, MEM_USABLE}, {2 * MIB, 4 * MIB, MEM_USABLE},
                     {4 * MIB, 6 * MIB, MEM_BOOT}, {8 * MIB, 9 * MIB, MEM_MMIO}));
}

TEST("memmap.reserve grows outward to whole pages")
{
    struct memmap map;
    if (!make_two(t, &map, 1))
        return;
    CHECK_EQ(memmap_reserve(&map, 3 * MIB - 1, 2, "tables"), MM_OK);
    expect(t, &map,
           WANTS({0, 0xa0000, MEM_RESERVED, NULL}, {2 * MIB, 3 * MIB - PG, MEM_USABLE, NULL},
                 {3 * MIB - PG, 3 * MIB + PG, MEM_USABLE, "tables"},
                 {3 * MIB + PG, 4 * MIB, MEM_USABLE, NULL}, {4 * MIB, 6 * MIB, MEM_BOOT, NULL},
                 {8 * MIB, 9 * MIB, MEM_MMIO, NULL}));
    TEST_END;
}

TEST("memmap.any stored region can be owned")
{
    struct memmap map;
    if (!make_two(t, &map, 3))
        return;
    CHECK_EQ(memmap_reserve(&map, 0x8000, PG, "trampoline"), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 8 * MIB, MIB, "framebuffer"), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, 2 * MIB, "image"), MM_OK); /* two types */
    expect(t, &map,
           WANTS({0, 0x8000, MEM_RESERVED, NULL}, {0x8000, 0x9000, MEM_RESERVED, "trampoline"},
                 {0x9000, 0xa0000, MEM_RESERVED, NULL}, {2 * MIB, 3 * MIB, MEM_USABLE, NULL},
                 {3 * MIB, 4 * MIB, MEM_USABLE, "image"}, {4 * MIB, 5 * MIB, MEM_BOOT, "image"},
                 {5 * MIB, 6 * MIB, MEM_BOOT, NULL}, {8 * MIB, 9 * MIB, MEM_MMIO, "framebuffer"}));
    TEST_END;
}

TEST("memmap.pages of one owner merge")
{
    static const char a[] = "page tables";
    static const char b[] = "page tables"; /* the same text elsewhere is the same owner */
    struct memmap map;
    if (!make(t, &map, 2, RAWS({2 * MIB, 4 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_reserve(&map, 2 * MIB, PG, a), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + 2 * PG, PG, "stack"), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + PG, PG, b), MM_OK);
    expect(t, &map,
           WANTS({2 * MIB, 2 * MIB + 2 * PG, MEM_USABLE, "page tables"},
                 {2 * MIB + 2 * PG, 2 * MIB + 3 * PG, MEM_USABLE, "stack"},
                 {2 * MIB + 3 * PG, 4 * MIB, MEM_USABLE, NULL}));
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + 3 * PG, PG, "stac"), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + 4 * PG, PG, "stack"), MM_OK);
    CHECK_EQ(map.count, 5);
    CHECK_STR(memmap_check(&map), NULL);
    TEST_END;
}

TEST("memmap.pages of one owner keep their types")
{
    struct memmap map;
    if (!make_two(t, &map, 2))
        return;
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, MIB, "image"), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 4 * MIB, 2 * MIB, "image"), MM_OK);
    expect(t, &map,
           WANTS({0, 0xa0000, MEM_RESERVED, NULL}, {2 * MIB, 3 * MIB, MEM_USABLE, NULL},
                 {3 * MIB, 4 * MIB, MEM_USABLE, "image"}, {4 * MIB, 6 * MIB, MEM_BOOT, "image"},
                 {8 * MIB, 9 * MIB, MEM_MMIO, NULL}));
    TEST_END;
}

/* The call answers `status`, and every region is what it was. */
static void refuses(struct test_state *t, struct memmap *map, hal_paddr_t base, uint64_t size,
                    const char *label, mm_status_t status)
{
    struct mem_region before[16];
    size_t count = map->count;
    for (size_t i = 0; i < count && i < ARRAY_LEN(before); i++)
        before[i] = map->regions[i];
    CHECK_EQ(memmap_reserve(map, base, size, label), status);
    CHECK_EQ(map->count, count);
    for (size_t i = 0; i < count && i < ARRAY_LEN(before); i++) {
        CHECK_EQ(map->regions[i].base, before[i].base);
        CHECK_EQ(map->regions[i].size, before[i].size);
        CHECK(map->regions[i].label == before[i].label);
    }
}

TEST("memmap.reserve says what is wrong")
{
    struct memmap map;
    if (!make_two(t, &map, 2))
        return;
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, PG, "stack"), MM_OK);
    refuses(t, &map, 2 * MIB, 0, "x", MM_INVALID);
    refuses(t, &map, 2 * MIB, PG, NULL, MM_INVALID);
    refuses(t, &map, 2 * MIB, PG, "", MM_INVALID);
    refuses(t, &map, 2 * MIB, UINT64_MAX, "x", MM_OVERFLOW);
    refuses(t, &map, UINT64_MAX, 1, "x", MM_OVERFLOW);
    refuses(t, &map, (uint64_t)0xffff << 48, PG, "x", MM_FOREIGN); /* a virtual address */
    refuses(t, &map, UINT64_MAX - 1, 1, "x", MM_FOREIGN);
    refuses(t, &map, 6 * MIB, PG, "x", MM_FOREIGN);
    refuses(t, &map, 2 * MIB - PG, 2 * PG, "x", MM_FOREIGN);
    refuses(t, &map, 5 * MIB, MIB + 1, "x", MM_FOREIGN);
    refuses(t, &map, 5 * MIB, 3 * MIB + PG, "x", MM_FOREIGN); /* a hole in the middle */
    refuses(t, &map, 2 * MIB, 100 * MIB, "x", MM_FOREIGN);    /* before overlap */
    refuses(t, &map, 9 * MIB, PG, "x", MM_FOREIGN);           /* above everything */
    refuses(t, &map, 3 * MIB, PG, "x", MM_OVERLAP);
    refuses(t, &map, 3 * MIB, PG, "stac", MM_OVERLAP);
    refuses(t, &map, 3 * MIB, PG, "stack2", MM_OVERLAP);
    refuses(t, &map, 3 * MIB + PG - 1, 2, "x", MM_OVERLAP);
    refuses(t, &map, 2 * MIB, 3 * MIB, "x", MM_OVERLAP);
    TEST_END;
}

/* Boot code says of pages again whose they are: of all, of a part, beyond both ends, across another type, and
 * over several pieces. No slot is needed for what is known. */
TEST("memmap.reserve by the same owner may overlap")
{
    static const char text[] = "image"; /* the same text elsewhere */
    struct memmap map;
    if (!make_two(t, &map, 2))
        return;
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, 4 * PG, "image"), MM_OK);
    refuses(t, &map, 3 * MIB, 4 * PG, text, MM_OK);
    refuses(t, &map, 3 * MIB + PG, PG, text, MM_OK);
    refuses(t, &map, 3 * MIB + 1, 1, text, MM_OK);
    CHECK_EQ(memmap_reserve(&map, 3 * MIB - PG, 2 * PG, text), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 3 * MIB + 3 * PG, 2 * PG, text), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 3 * MIB + 8 * PG, PG, text), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, MIB + PG, text), MM_OK);
    expect(t, &map,
           WANTS({0, 0xa0000, MEM_RESERVED, NULL}, {2 * MIB, 3 * MIB - PG, MEM_USABLE, NULL},
                 {3 * MIB - PG, 4 * MIB, MEM_USABLE, "image"},
                 {4 * MIB, 4 * MIB + PG, MEM_BOOT, "image"},
                 {4 * MIB + PG, 6 * MIB, MEM_BOOT, NULL}, {8 * MIB, 9 * MIB, MEM_MMIO, NULL}));
    refuses(t, &map, 3 * MIB, MIB + PG, "image", MM_OK);
    map.capacity = map.count; /* all slots are taken */
    refuses(t, &map, 3 * MIB + PG, MIB - PG, "image", MM_OK);
    refuses(t, &map, 4 * MIB, 2 * PG, "image", MM_FULL);              /* needs a cut */
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, 3 * MIB, "image"), MM_OK); /* to where a region ends */
    CHECK_EQ(memmap_reserve(&map, 2 * MIB, 2 * MIB, "image"), MM_OK);
    expect(t, &map,
           WANTS({0, 0xa0000, MEM_RESERVED, NULL}, {2 * MIB, 4 * MIB, MEM_USABLE, "image"},
                 {4 * MIB, 6 * MIB, MEM_BOOT, "image"}, {8 * MIB, 9 * MIB, MEM_MMIO, NULL}));
    TEST_END;
}

TEST("memmap.reserve before normalize is invalid")
{
    struct memmap map;
    if (!start(t, &map, 8))
        return;
    add_all(t, &map, RAWS({2 * MIB, 3 * MIB, MEM_USABLE}));
    refuses(t, &map, 2 * MIB, PG, "x", MM_INVALID);
    TEST_END;
}

TEST("memmap.reserve without room is full")
{
    struct memmap map;
    if (!make(t, &map, 0, RAWS({2 * MIB, 3 * MIB, MEM_USABLE})))
        return;
    refuses(t, &map, 2 * MIB + PG, PG, "x", MM_FULL); /* two cuts, one slot */
    CHECK_EQ(memmap_reserve(&map, 2 * MIB, PG, "x"), MM_OK);
    refuses(t, &map, 3 * MIB - PG, PG, "y", MM_FULL);                   /* one cut, no slot */
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + PG, MIB - PG, "y"), MM_OK); /* no cut */
    expect(
        t, &map,
        WANTS({2 * MIB, 2 * MIB + PG, MEM_USABLE, "x"}, {2 * MIB + PG, 3 * MIB, MEM_USABLE, "y"}));
    /* Joined at the very end of the storage. */
    if (!make(t, &map, 0, RAWS({2 * MIB, 3 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_reserve(&map, 2 * MIB, PG, "x"), MM_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + PG, MIB - PG, "x"), MM_OK);
    expect(t, &map, WANTS({2 * MIB, 3 * MIB, MEM_USABLE, "x"}));
    TEST_END;
}

/* --- early_alloc ------------------------------------------------------------------------------ */

TEST("memmap.early_alloc takes the highest place")
{
    struct memmap map;
    if (!make(t, &map, 3,
              RAWS({MIB, 64 * MIB, MEM_USABLE}, {4 * GIB, 5 * GIB, MEM_USABLE},
                   {6 * GIB, 7 * GIB, MEM_BOOT}, {8 * GIB, 9 * GIB, MEM_RESERVED})))
        return;
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "a"), 5 * GIB - PG);
    CHECK_EQ(memmap_early_alloc(&map, 1, PG, 0, "b"), 5 * GIB - 2 * PG);
    CHECK_EQ(memmap_early_alloc(&map, PG + 1, PG, 0, "b"), 5 * GIB - 4 * PG);
    expect(t, &map,
           WANTS({MIB, 64 * MIB, MEM_USABLE, NULL}, {4 * GIB, 5 * GIB - 4 * PG, MEM_USABLE, NULL},
                 {5 * GIB - 4 * PG, 5 * GIB - PG, MEM_USABLE, "b"},
                 {5 * GIB - PG, 5 * GIB, MEM_USABLE, "a"}, {6 * GIB, 7 * GIB, MEM_BOOT, NULL},
                 {8 * GIB, 9 * GIB, MEM_RESERVED, NULL}));
    TEST_END;
}

TEST("memmap.early_alloc keeps alignment and limit")
{
    struct memmap map;
    if (!make(t, &map, 4, RAWS({MIB, 64 * MIB, MEM_USABLE}, {4 * GIB, 5 * GIB + PG, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_early_alloc(&map, PG, GIB, 0, "a"), 5 * GIB);
    CHECK_EQ(memmap_early_alloc(&map, 2 * PG, GIB, 0, "b"), 4 * GIB);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 4 * GIB, "c"), 64 * MIB - PG);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 8 * MIB + PG - 1, "d"), 8 * MIB - PG);
    CHECK_STR(memmap_check(&map), NULL);
    TEST_END;
}

TEST("memmap.the DMA zone is entered last")
{
    struct memmap map;
    if (!make(t, &map, 4, RAWS({MIB, 15 * MIB, MEM_USABLE}, {16 * MIB, 17 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_early_alloc(&map, MIB - PG, PG, 0, "a"), 16 * MIB + PG);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "b"), 16 * MIB);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "c"), 15 * MIB - PG);
    TEST_END;
}

TEST("memmap.early_alloc passes over owned memory")
{
    struct memmap map;
    if (!make(t, &map, 3, RAWS({32 * MIB, 33 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_reserve(&map, 33 * MIB - PG, PG, "image"), MM_OK);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "a"), 33 * MIB - 2 * PG);
    CHECK_EQ(memmap_early_alloc(&map, MIB - 2 * PG, PG, 0, "b"), 32 * MIB);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "c"), HAL_PADDR_NONE);
    CHECK_STR(memmap_check(&map), NULL);
    TEST_END;
}

/* A call that gives nothing has changed nothing. */
static void gives_nothing(struct test_state *t, struct memmap *map, uint64_t size, uint64_t align,
                          hal_paddr_t limit, const char *label)
{
    size_t count = map->count;
    CHECK_EQ(memmap_early_alloc(map, size, align, limit, label), HAL_PADDR_NONE);
    CHECK_EQ(map->count, count);
    for (size_t i = 0; i < count; i++)
        CHECK(map->regions[i].label == NULL);
}

TEST("memmap.early_alloc gives none for bad arguments")
{
    struct memmap map;
    if (!make(t, &map, 4, RAWS({0, 64 * MIB, MEM_USABLE})))
        return;
    gives_nothing(t, &map, 0, PG, 0, "x");
    gives_nothing(t, &map, PG, PG, 0, NULL);
    gives_nothing(t, &map, PG, PG, 0, "");
    gives_nothing(t, &map, PG, 0, 0, "x");
    gives_nothing(t, &map, PG, PG / 2, 0, "x");
    gives_nothing(t, &map, PG, 3 * PG, 0, "x");
    gives_nothing(t, &map, 64 * MIB, PG, 0, "x");
    gives_nothing(t, &map, 64 * MIB + PG, PG, 0, "x");
    gives_nothing(t, &map, UINT64_MAX, PG, 0, "x");
    gives_nothing(t, &map, map.limit + 1, PG, 0, "x");
    gives_nothing(t, &map, PG, GIB, 0, "x");
    gives_nothing(t, &map, PG, PG, 1, "x");
    gives_nothing(t, &map, PG, PG, MIB, "x"); /* the first MiB is never allocated */
    gives_nothing(t, &map, PG, PG, MIB / 2, "x");
    memmap_init(&map, map.regions, map.capacity);
    add_all(t, &map, RAWS({2 * MIB, 3 * MIB, MEM_USABLE}));
    gives_nothing(t, &map, PG, PG, 0, "x"); /* before normalize */
    TEST_END;
}

TEST("memmap.early_alloc gives none without storage")
{
    struct memmap map;
    if (!make(t, &map, 0, RAWS({32 * MIB, 33 * MIB, MEM_USABLE})))
        return;
    gives_nothing(t, &map, PG, PG, 33 * MIB - PG, "x");
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "x"), 33 * MIB - PG);
    TEST_END;
}

TEST_SUITE(memmap_own);
