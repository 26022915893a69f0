/* Unit tests of mm/memmap.h: a test for each sentence of the header. Also linked into the kernel,
 * so nothing here needs a C library. Storage comes in exactly the size that the header promises to
 * be enough, from test_memory(), where ASan sees one region too many. */
#include "mm/memmap.h"
#include "tests/test.h"

#define PG PAGE_SIZE

struct raw {
    paddr_t base;
    paddr_t end;
    enum mem_type type;
};

struct want {
    paddr_t base;
    paddr_t end;
    enum mem_type type;
    const char *label;
};

#define RAWS(...)           (const struct raw[]){__VA_ARGS__}, COUNT_OF(struct raw, __VA_ARGS__)
#define WANTS(...)          (const struct want[]){__VA_ARGS__}, COUNT_OF(struct want, __VA_ARGS__)
#define COUNT_OF(type, ...) (sizeof((const type[]){__VA_ARGS__}) / sizeof(type))

/* What the listener was told. */
struct told {
    uint64_t calls;
    enum memmap_anomaly kind;
    paddr_t base;
    uint64_t size;
};

static void listen(void *ctx, enum memmap_anomaly kind, paddr_t base, uint64_t size)
{
    struct told *told = ctx;
    *told = (struct told){told->calls + 1, kind, base, size};
}

static bool start(struct test_state *t, struct memmap *map, size_t capacity)
{
    struct mem_region *storage = test_memory(capacity == 0 ? 1 : capacity * sizeof *storage);
    memmap_init(map, storage, capacity);
    return CHECK(storage != NULL);
}

static void add_all(struct test_state *t, struct memmap *map, const struct raw *raw, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(memmap_add(map, raw[i].base, raw[i].end - raw[i].base, raw[i].type), STATUS_OK);
}

/* A normalized map of these entries with room for `owners`. */
static bool make(struct test_state *t, struct memmap *map, size_t owners, const struct raw *raw,
                 size_t count)
{
    if (!start(t, map, memmap_capacity_for(count, owners)))
        return false;
    add_all(t, map, raw, count);
    return CHECK_EQ(memmap_normalize(map), STATUS_OK);
}

static void expect(struct test_state *t, const struct memmap *map, const struct want *want,
                   size_t count)
{
    CHECK_STR(memmap_check(map), NULL);
    if (!CHECK_EQ(map->count, count))
        return;
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(map->regions[i].base, want[i].base);
        CHECK_EQ(mem_region_end(&map->regions[i]), want[i].end);
        CHECK_EQ(map->regions[i].type, want[i].type);
        CHECK_STR(map->regions[i].label, want[i].label);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void shuffle(struct raw *raw, size_t count, uint64_t *state)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = next_random(state) % i;
        struct raw kept = raw[i - 1];
        raw[i - 1] = raw[j];
        raw[j] = kept;
    }
}

/* Whatever the order of the entries, the map comes to this. */
static void becomes(struct test_state *t, const struct raw *raw, size_t count,
                    const struct want *want, size_t wanted)
{
    struct raw order[16];
    uint64_t state = 42;
    if (!CHECK(count <= ARRAY_LEN(order)))
        return;
    for (size_t i = 0; i < count; i++)
        order[i] = raw[i];
    for (unsigned round = 0; round < 12; round++) {
        struct memmap map;
        if (!make(t, &map, 0, order, count))
            return;
        expect(t, &map, want, wanted);
        shuffle(order, count, &state);
    }
}

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
    CHECK_EQ(memmap_reserve(&map, 7 * MIB, PG, "one"), STATUS_OK);
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
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
    expect(t, &map, NULL, 0);
    CHECK(memmap_find(&map, 0) == NULL);
    TEST_END;
}

TEST("memmap.a zeroed map offers nothing")
{
    struct memmap map = {.regions = NULL};
    CHECK_EQ(memmap_add(&map, 0, 0, MEM_USABLE), STATUS_OK); /* ignored: needs no slot */
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "x"), PADDR_NONE);
    CHECK(memmap_find(&map, MIB) == NULL);
    memmap_init(&map, NULL, 0);
    CHECK_EQ(memmap_add(&map, MIB, PG, MEM_USABLE), STATUS_FULL);
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, MIB, PG, "x"), STATUS_FOREIGN);
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
    CHECK_EQ(memmap_add(&map, 0, 0, MEM_USABLE), STATUS_OK); /* not kept: the width is still open */
    memmap_set_width(&map, 40);
    CHECK_EQ(map.limit, TIB);
    CHECK_EQ(memmap_add(&map, MIB, PG, MEM_USABLE), STATUS_OK);
    memmap_set_width(&map, 36);
    CHECK_EQ(map.limit, TIB);
    memmap_init(&map, NULL, 0);
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
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
    CHECK_EQ(memmap_add(&map, 2 * MIB, MIB, MEM_RESERVED), STATUS_OK);
    memmap_on_anomaly(&map, listen, &told);
    CHECK_EQ(memmap_add(&map, raw.base, size, raw.type), STATUS_OK);
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
    CHECK_EQ(memmap_add(&map, PG, 2 * MIB, MEM_USABLE), STATUS_OK);
    CHECK_EQ(told.kind, MEMMAP_LOW);
    CHECK_EQ(told.base, PG);
    CHECK_EQ(told.size, MIB - PG);
    CHECK_EQ(memmap_add(&map, MIB - PG, PG, MEM_BOOT), STATUS_OK);
    CHECK_EQ(map.anomalies[MEMMAP_LOW], 2);
    CHECK_EQ(told.size, PG);
    CHECK_EQ(memmap_add(&map, MIB, PG, MEM_BOOT), STATUS_OK);
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
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
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
    CHECK_EQ(memmap_add(&map, 1, 1, MEM_TYPE_COUNT), STATUS_FULL);
    CHECK_EQ(map.count, 1);
    for (unsigned i = 0; i < MEMMAP_ANOMALY_COUNT; i++)
        CHECK_EQ(map.anomalies[i], 0);
    CHECK_EQ(memmap_add(&map, MIB, 0, MEM_USABLE), STATUS_OK); /* needs no slot */
    CHECK_EQ(map.anomalies[MEMMAP_EMPTY], 1);
    TEST_END;
}

TEST("memmap.add after normalize is invalid")
{
    struct memmap map;
    if (!make(t, &map, 4, RAWS({2 * MIB, 3 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_add(&map, 4 * MIB, PG, MEM_USABLE), STATUS_INVALID);
    CHECK_EQ(memmap_add(&map, 4 * MIB, 0, MEM_USABLE), STATUS_INVALID);
    CHECK_EQ(memmap_add_uefi(&map, 4 * MIB, PG, 99, 0), STATUS_INVALID);
    CHECK_EQ(map.anomalies[MEMMAP_EMPTY] + map.anomalies[MEMMAP_UNKNOWN], 0);
    expect(t, &map, WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}));
    TEST_END;
}

TEST("memmap.add_uefi translates")
{
    struct memmap map;
    if (!start(t, &map, 8))
        return;
    CHECK_EQ(memmap_add_uefi(&map, 2 * MIB, MIB, 7, 0xf), STATUS_OK);
    CHECK_EQ(memmap_add_uefi(&map, 3 * MIB, MIB, 4, 8), STATUS_OK);
    CHECK_EQ(memmap_add_uefi(&map, 4 * MIB, MIB, 0x80000001u, 8), STATUS_OK);
    CHECK_EQ(memmap_add_uefi(&map, 5 * MIB, 4 * MIB - 5 * MIB, 7, 8), STATUS_OK); /* end < base */
    CHECK_EQ(map.anomalies[MEMMAP_UNKNOWN], 1);
    CHECK_EQ(map.anomalies[MEMMAP_WRAP], 1);
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
    expect(t, &map,
           WANTS({2 * MIB, 3 * MIB, MEM_USABLE, NULL}, {3 * MIB, 4 * MIB, MEM_BOOT, NULL},
                 {4 * MIB, 5 * MIB, MEM_RESERVED, NULL}));
    TEST_END;
}

/* --- normalize: what a page becomes ----------------------------------------------------------- */

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
            CHECK_EQ(memmap_normalize(&map), STATUS_OK);
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
    CHECK_EQ(memmap_add(&map, 60 * GIB, 60 * GIB, MEM_USABLE), STATUS_OK);
    CHECK_EQ(memmap_add(&map, 64 * GIB - 1, 1, MEM_MMIO), STATUS_OK);
    CHECK_EQ(memmap_add(&map, 2 * GIB, UINT64_MAX - 2 * GIB, MEM_PERSISTENT), STATUS_OK);
    CHECK_EQ(map.anomalies[MEMMAP_TOO_HIGH], 2);
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
    expect(t, &map,
           WANTS({2 * GIB, 64 * GIB - PG, MEM_PERSISTENT, NULL},
                 {64 * GIB - PG, 64 * GIB, MEM_MMIO, NULL}));
    CHECK_EQ(memmap_reserve(&map, 64 * GIB - 1, 1, "the last page"), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 64 * GIB - PG, PG + 1, "beyond"), STATUS_FOREIGN);
    TEST_END;
}

TEST("memmap.normalize without storage is full")
{
    struct memmap map;
    if (!start(t, &map, 3))
        return;
    add_all(t, &map, RAWS({3 * MIB, 4 * MIB, MEM_BOOT}, {2 * MIB, 5 * MIB, MEM_USABLE}));
    CHECK_EQ(memmap_normalize(&map), STATUS_FULL);
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
    CHECK_EQ(memmap_reserve(&map, 4 * MIB, PG, "image"), STATUS_OK);
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
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
                 STATUS_OK);
    CHECK_EQ(memmap_normalize(&map), STATUS_OK);
    CHECK_STR(memmap_check(&map), NULL);
    for (unsigned i = 0; i < N; i++)
        CHECK(memmap_find(&map, 4 * MIB + i * 2 * PG) != NULL);
    CHECK_EQ(map.anomalies[MEMMAP_OVERLAP], 0);
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
    CHECK_EQ(memmap_reserve(&map, 3 * MIB - 1, 2, "tables"), STATUS_OK);
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
    CHECK_EQ(memmap_reserve(&map, 0x8000, PG, "trampoline"), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 8 * MIB, MIB, "framebuffer"), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, 2 * MIB, "image"), STATUS_OK); /* two types */
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
    CHECK_EQ(memmap_reserve(&map, 2 * MIB, PG, a), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + 2 * PG, PG, "stack"), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + PG, PG, b), STATUS_OK);
    expect(t, &map,
           WANTS({2 * MIB, 2 * MIB + 2 * PG, MEM_USABLE, "page tables"},
                 {2 * MIB + 2 * PG, 2 * MIB + 3 * PG, MEM_USABLE, "stack"},
                 {2 * MIB + 3 * PG, 4 * MIB, MEM_USABLE, NULL}));
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + 3 * PG, PG, "stac"), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + 4 * PG, PG, "stack"), STATUS_OK);
    CHECK_EQ(map.count, 5);
    CHECK_STR(memmap_check(&map), NULL);
    TEST_END;
}

TEST("memmap.pages of one owner keep their types")
{
    struct memmap map;
    if (!make_two(t, &map, 2))
        return;
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, MIB, "image"), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 4 * MIB, 2 * MIB, "image"), STATUS_OK);
    expect(t, &map,
           WANTS({0, 0xa0000, MEM_RESERVED, NULL}, {2 * MIB, 3 * MIB, MEM_USABLE, NULL},
                 {3 * MIB, 4 * MIB, MEM_USABLE, "image"}, {4 * MIB, 6 * MIB, MEM_BOOT, "image"},
                 {8 * MIB, 9 * MIB, MEM_MMIO, NULL}));
    TEST_END;
}

/* The call answers `status`, and every region is what it was. */
static void refuses(struct test_state *t, struct memmap *map, paddr_t base, uint64_t size,
                    const char *label, status_t status)
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
    CHECK_EQ(memmap_reserve(&map, 3 * MIB, PG, "stack"), STATUS_OK);
    refuses(t, &map, 2 * MIB, 0, "x", STATUS_INVALID);
    refuses(t, &map, 2 * MIB, PG, NULL, STATUS_INVALID);
    refuses(t, &map, 2 * MIB, PG, "", STATUS_INVALID);
    refuses(t, &map, 2 * MIB, UINT64_MAX, "x", STATUS_OVERFLOW);
    refuses(t, &map, UINT64_MAX, 1, "x", STATUS_OVERFLOW);
    refuses(t, &map, (uint64_t)0xffff << 48, PG, "x", STATUS_FOREIGN); /* a virtual address */
    refuses(t, &map, UINT64_MAX - 1, 1, "x", STATUS_FOREIGN);
    refuses(t, &map, 6 * MIB, PG, "x", STATUS_FOREIGN);
    refuses(t, &map, 2 * MIB - PG, 2 * PG, "x", STATUS_FOREIGN);
    refuses(t, &map, 5 * MIB, MIB + 1, "x", STATUS_FOREIGN);
    refuses(t, &map, 5 * MIB, 3 * MIB + PG, "x", STATUS_FOREIGN); /* a hole in the middle */
    refuses(t, &map, 2 * MIB, 100 * MIB, "x", STATUS_FOREIGN);    /* before overlap */
    refuses(t, &map, 9 * MIB, PG, "x", STATUS_FOREIGN);           /* above everything */
    refuses(t, &map, 3 * MIB, PG, "x", STATUS_OVERLAP);
    refuses(t, &map, 3 * MIB, PG, "stack", STATUS_OVERLAP);
    refuses(t, &map, 3 * MIB + PG - 1, 2, "x", STATUS_OVERLAP);
    refuses(t, &map, 2 * MIB, 3 * MIB, "x", STATUS_OVERLAP);
    TEST_END;
}

TEST("memmap.reserve before normalize is invalid")
{
    struct memmap map;
    if (!start(t, &map, 8))
        return;
    add_all(t, &map, RAWS({2 * MIB, 3 * MIB, MEM_USABLE}));
    refuses(t, &map, 2 * MIB, PG, "x", STATUS_INVALID);
    TEST_END;
}

TEST("memmap.reserve without room is full")
{
    struct memmap map;
    if (!make(t, &map, 0, RAWS({2 * MIB, 3 * MIB, MEM_USABLE})))
        return;
    refuses(t, &map, 2 * MIB + PG, PG, "x", STATUS_FULL); /* two cuts, one slot */
    CHECK_EQ(memmap_reserve(&map, 2 * MIB, PG, "x"), STATUS_OK);
    refuses(t, &map, 3 * MIB - PG, PG, "y", STATUS_FULL);                   /* one cut, no slot */
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + PG, MIB - PG, "y"), STATUS_OK); /* no cut */
    expect(
        t, &map,
        WANTS({2 * MIB, 2 * MIB + PG, MEM_USABLE, "x"}, {2 * MIB + PG, 3 * MIB, MEM_USABLE, "y"}));
    /* Joined at the very end of the storage. */
    if (!make(t, &map, 0, RAWS({2 * MIB, 3 * MIB, MEM_USABLE})))
        return;
    CHECK_EQ(memmap_reserve(&map, 2 * MIB, PG, "x"), STATUS_OK);
    CHECK_EQ(memmap_reserve(&map, 2 * MIB + PG, MIB - PG, "x"), STATUS_OK);
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
    CHECK_EQ(memmap_reserve(&map, 33 * MIB - PG, PG, "image"), STATUS_OK);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "a"), 33 * MIB - 2 * PG);
    CHECK_EQ(memmap_early_alloc(&map, MIB - 2 * PG, PG, 0, "b"), 32 * MIB);
    CHECK_EQ(memmap_early_alloc(&map, PG, PG, 0, "c"), PADDR_NONE);
    CHECK_STR(memmap_check(&map), NULL);
    TEST_END;
}

/* A call that gives nothing has changed nothing. */
static void gives_nothing(struct test_state *t, struct memmap *map, uint64_t size, uint64_t align,
                          paddr_t limit, const char *label)
{
    size_t count = map->count;
    CHECK_EQ(memmap_early_alloc(map, size, align, limit, label), PADDR_NONE);
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

/* --- check: each invariant broken on purpose ---------------------------------------------------
 */

/* Two good regions that touch; a test breaks one thing. */
static void good_map(struct memmap *map, struct mem_region storage[2])
{
    storage[0] = (struct mem_region){2 * MIB, MIB, MEM_USABLE, NULL};
    storage[1] = (struct mem_region){3 * MIB, MIB, MEM_BOOT, NULL};
    memmap_init(map, storage, 2);
    map->count = 2;
    map->normalized = true;
}

#define BROKEN(change, text)                                                                       \
    do {                                                                                           \
        struct mem_region r[2];                                                                    \
        struct memmap map;                                                                         \
        good_map(&map, r);                                                                         \
        CHECK_STR(memmap_check(&map), NULL);                                                       \
        change;                                                                                    \
        CHECK_STR(memmap_check(&map), text);                                                       \
    } while (0)

TEST("memmap.check sees M1 broken")
{
    BROKEN(map.normalized = false, "M1: the map is not normalized yet");
    BROKEN(r[1].size = 0, "M1: a region is empty");
    BROKEN(r[1].size = (uint64_t)0 - 3 * MIB, "M1: a region wraps");
    BROKEN(r[1].size = UINT64_MAX - 3 * MIB, "M1: a region ends beyond the physical address width");
    BROKEN(r[1].size = map.limit - 3 * MIB + PG,
           "M1: a region ends beyond the physical address width");
    BROKEN((r[0].base = 4 * MIB, r[0].size = PG), "M1: regions are not sorted");
    BROKEN(r[0].size += PG, "M1: two regions overlap");
    BROKEN(r[1].base = r[0].base, "M1: two regions overlap");
    TEST_END;
}

TEST("memmap.check sees M2 broken")
{
    BROKEN(r[1].type = MEM_USABLE, "M2: two regions that touch should be one");
    BROKEN((r[1].type = MEM_USABLE, r[0].label = "a", r[1].label = "a"),
           "M2: two regions that touch should be one");
    BROKEN((r[1].type = MEM_USABLE, r[1].label = "a"), NULL);
    BROKEN((r[1].type = MEM_USABLE, r[0].label = "a"), NULL);
    BROKEN((r[1].type = MEM_USABLE, r[0].label = "ab", r[1].label = "a"), NULL);
    BROKEN((r[1].type = MEM_USABLE, r[0].size -= PG), NULL);
    TEST_END;
}

TEST("memmap.check sees M3 broken")
{
    BROKEN(r[1].size -= 1, "M3: a region is not whole pages");
    BROKEN((r[0].base += 8, r[0].size -= PG), "M3: a region is not whole pages");
    BROKEN(r[1].type = MEM_NONE, "M3: a region has a type that is no type of memory");
    BROKEN(r[1].type = MEM_TYPE_COUNT, "M3: a region has a type that is no type of memory");
    BROKEN(r[0].base = 0, "M3: memory in the first MiB is offered for use");
    BROKEN((r[0].base = MIB - PG, r[0].type = MEM_LOADER),
           "M3: memory in the first MiB is offered for use");
    BROKEN((r[0].base = 0, r[0].type = MEM_RESERVED), NULL);
    TEST_END;
}

TEST("memmap.check sees M4 and M5 broken")
{
    BROKEN(r[0].label = "", "M4: an owner has no name");
    BROKEN(map.capacity = 1, "M5: more regions than the storage holds");
    TEST_END;
}

/* --- UEFI and names --------------------------------------------------------------------------- */

TEST("memmap.UEFI types become ours")
{
    static const enum mem_type table[] = {
        MEM_RESERVED, MEM_LOADER,   MEM_LOADER,     MEM_BOOT,         MEM_BOOT,     MEM_RUNTIME,
        MEM_RUNTIME,  MEM_USABLE,   MEM_UNUSABLE,   MEM_ACPI_RECLAIM, MEM_ACPI_NVS, MEM_MMIO,
        MEM_MMIO,     MEM_RESERVED, MEM_PERSISTENT, MEM_UNACCEPTED};
    for (uint32_t i = 0; i < ARRAY_LEN(table); i++) {
        bool known = false;
        CHECK_EQ(mem_type_from_uefi(i, 0xf, &known), table[i]);
        CHECK(known);
        CHECK_EQ(mem_type_from_uefi(i, 0xf, NULL), table[i]);
    }
    static const uint32_t unknown[] = {16, 17, 0x6fffffff, 0x70000000, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        bool known = true;
        CHECK_EQ(mem_type_from_uefi(unknown[i], 0xf, &known), MEM_RESERVED);
        CHECK(!known);
    }
    TEST_END;
}

TEST("memmap.RAM needs WB and neither RP nor SP")
{
    static const uint32_t ram[] = {1, 2, 3, 4, 7};
    for (size_t i = 0; i < ARRAY_LEN(ram); i++) {
        enum mem_type type = mem_type_from_uefi(ram[i], 8, NULL);
        CHECK(mem_type_is_ram(type));
        CHECK_EQ(mem_type_from_uefi(ram[i], 0, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 7, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x2008, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x40008, NULL), MEM_SPECIFIC);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x42008, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x40000, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], ~(uint64_t)0x42000, NULL), type);
    }
    CHECK_EQ(mem_type_from_uefi(14, 0, NULL), MEM_PERSISTENT);
    CHECK_EQ(mem_type_from_uefi(6, 0x42000, NULL), MEM_RUNTIME);
    TEST_END;
}

TEST("memmap.every type and anomaly has its own name")
{
    CHECK_STR(mem_type_name(MEM_USABLE), "usable");
    CHECK_STR(mem_type_name(MEM_ACPI_NVS), "ACPI NVS");
    CHECK_STR(mem_type_name(MEM_TYPE_COUNT), "unknown type");
    CHECK_STR(mem_type_name((enum mem_type)0x7fffffff), "unknown type");
    CHECK_STR(memmap_anomaly_text(MEMMAP_OVERLAP), "overlap");
    CHECK_STR(memmap_anomaly_text(MEMMAP_ANOMALY_COUNT), "unknown anomaly");
    for (unsigned i = 0; i <= MEM_TYPE_COUNT; i++) {
        CHECK(mem_type_name((enum mem_type)i)[0] != '\0');
        for (unsigned j = 0; j < i; j++)
            CHECK(mem_type_name((enum mem_type)i) != mem_type_name((enum mem_type)j));
    }
    for (unsigned i = 0; i <= MEMMAP_ANOMALY_COUNT; i++)
        CHECK(memmap_anomaly_text((enum memmap_anomaly)i)[0] != '\0');
    TEST_END;
}

TEST_SUITE(memmap);
