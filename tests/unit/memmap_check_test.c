/* Unit tests of mm/memmap.h: each invariant broken on purpose, so that memmap_check names it. */
#include "hal/short.h"
#include "tests/unit/memmap_rig.h"

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

TEST_SUITE(memmap_check);
