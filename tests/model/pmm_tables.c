/* What pmm_create_in() makes of its memory, to the byte, and which zones get magazines. Found
 * wanting by `make mutate`: each test here is of a change in mm/ that no other test saw. */
#include "hal/short.h"
#include "tests/model/expect.h"
#include "tests/model/maps.h"

#include "mm/extents.h"
#include "mm/pmm.h"
#include "mm/pmm_struct.h"

#include <stdlib.h>
#include <string.h>

#define HIGH (4 * GIB)

/* ---- sizes ---- */

struct layout {
    struct mem_region map[4];
    size_t entries;
    unsigned cpus;
    size_t regions, withheld;
    uint64_t blocks[PMM_ZONE_COUNT];
};

/* One group of open bits is 512 blocks, one word of group bits 64 groups; 1024 blocks are 2 GiB. */
static const struct layout layouts[] = {
    {{RAM(MIB, MIB)}, 1, 1, 1, 0, {1, 0, 0}},
    {{RAM(HIGH, 64 * MIB)}, 1, 1024, 1, 0, {0, 0, 32}},
    {{RAM(HIGH + MIB, 2 * MIB), BOOT(HIGH + 3 * MIB, MIB), BOOT(HIGH + 5 * MIB, 4096),
      BOOT(HIGH + 7 * MIB, MIB)},
     4,
     3,
     3,
     3,
     {0, 0, 2 + 1 + 1}},
    {{RAM(15 * MIB, 2 * MIB), BOOT(20 * MIB, 3 * MIB), RAM(HIGH + 4096, 40960)},
     3,
     2,
     4,
     1,
     {1, 1 + 2, 1}},
    {{RAM(HIGH, 1022 * 2 * MIB)}, 1, 1, 1, 0, {0, 0, 1022}},
    {{RAM(HIGH, 1023 * 2 * MIB)}, 1, 1, 1, 0, {0, 0, 1023}},
    {{RAM(HIGH, 1024 * 2 * MIB)}, 1, 1, 1, 0, {0, 0, 1024}},
    {{RAM(HIGH, 1025 * 2 * MIB)}, 1, 1, 1, 0, {0, 0, 1025}},
    {{RAM(HIGH, 64 * GIB)}, 1, 1, 1, 0, {0, 0, 64 * 512}},
    {{RAM(HIGH, 64 * GIB + 4096)}, 1, 1, 1, 0, {0, 0, 64 * 512 + 1}},
    {{RAM(HIGH, 512 * GIB)}, 1, 1, 1, 0, {0, 0, 512 * 512}},
    {{RAM(HIGH, 512 * GIB + 4096)}, 1, 1, 1, 0, {0, 0, 512 * 512 + 1}},
};

static size_t lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t zone_bytes(uint64_t blocks)
{
    size_t groups = (size_t)(blocks + 511) / 512;
    size_t lists = blocks < 1024 ? 128 : 192;
    return lines(sizeof(struct zone)) + lines(blocks * 128) + lines(blocks * 20) + groups * 64 +
           lines((groups + 63) / 64 * 8) + (CLASS_COUNT * lists + EXTENT_BINS) * 4;
}

/* The parts, each of whole cache lines; `more`: with the region and the blocks of a cut. */
static size_t parts(const struct layout *l, size_t more)
{
    size_t bytes = lines(sizeof(struct pmm)) + l->cpus * sizeof(struct magazine_cpu) +
                   lines(PMM_ZONE_COUNT * sizeof(struct zone *)) +
                   lines((PMM_ZONE_COUNT + 1) * sizeof(struct zone *)) +
                   lines(sizeof(struct pmm_machine_rank)) +
                   lines((l->regions + more) * sizeof(struct region)) +
                   lines(l->withheld * sizeof(struct withheld));
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        bytes += l->blocks[z] != 0 ? zone_bytes(l->blocks[z] + more) : 0;
    return bytes;
}

/* Not one byte less is enough, not one more is asked for, and pmm_tables_size() adds one cut. */
static void as_large_as_its_parts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
        struct layout l = layouts[i];
        struct memmap map = map_of(l.map, l.entries);
        size_t bytes = parts(&l, 0);
        struct pmm *p = NULL;
        void *tables = aligned_alloc(64, bytes);
        EXPECT(pmm_tables_size(&map, l.cpus) == parts(&l, 1));
        EXPECT(tables != NULL && pmm_create_in(&map, l.cpus, tables, bytes - 1, &p) == MM_FULL);
        EXPECT(p == NULL && pmm_create_in(&map, l.cpus, tables, bytes, &p) == MM_OK);
        free(tables);
    }
}

/* ---- large zones ---- */

/* A page at both ends of a group of open bits, and three in the middle, seen and given back. */
static void use_group(struct pmm *p, uint64_t group, uint64_t bytes)
{
    static const uint64_t at[] = {0, 1, 511 * MIB, 512 * MIB, 1023 * MIB};
    hal_paddr_t base = HIGH + group * GIB;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        hal_paddr_t page =
            hal_align_down(base + at[i], HAL_PAGE_SIZE) + (at[i] == 1 ? HAL_PAGE_SIZE : 0);
        if (page + HAL_PAGE_SIZE <= HIGH + bytes)
            EXPECT(pmm_claim(p, page, 1) == MM_OK && pmm_claim(p, page, 1) == MM_BUSY);
    }
}

static void use_all_groups(uint64_t bytes, int dirt)
{
    struct mem_region whole[] = {RAM(HIGH, bytes)};
    struct memmap map = map_of(whole, 1);
    size_t size = lines(pmm_tables_size(&map, 1));
    struct pmm *p = NULL;
    struct pmm_stats s;
    void *tables = aligned_alloc(64, size);
    memset(tables, dirt, size);
    if (!EXPECT(pmm_create_in(&map, 1, tables, size, &p) == MM_OK))
        return;
    for (uint64_t group = (bytes - 1) / GIB + 1; group-- > 0;)
        use_group(p, group, bytes);
    EXPECT(pmm_check(p) == NULL);
    pmm_stats(p, PMM_ZONE_NORMAL, &s);
    EXPECT(s.total == bytes / HAL_PAGE_SIZE && s.free == s.total - s.allocs && s.allocs > 4);
    free(tables);
}

static void every_group_is_its_own(void)
{
    static const uint64_t sizes[] = {GIB + 2 * MIB, 2 * GIB - 2 * MIB, 64 * GIB,
                                     65 * GIB,      512 * GIB,         512 * GIB + 4096};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        use_all_groups(sizes[i], 0xFF);
        use_all_groups(sizes[i], 0);
    }
}

/* ---- magazines ---- */

/* Pages that are parked after one was taken from a zone of this size: by the CPU that owns its block. */
static uint64_t parks(uint64_t usable, uint64_t firmware, unsigned cpus)
{
    struct mem_region regions[] = {RAM(HIGH, usable), BOOT(HIGH + usable, firmware)};
    struct memmap map = map_of(regions, firmware != 0 ? 2 : 1);
    size_t size = lines(pmm_tables_size(&map, cpus));
    struct pmm *p = NULL;
    struct pmm_stats s = {.parked = 0};
    void *tables = aligned_alloc(64, size);
    if (EXPECT(tables != NULL && pmm_create_in(&map, cpus, tables, size, &p) == MM_OK)) {
        if (firmware != 0) {
            EXPECT(pmm_alloc(p, 1, 0) != HAL_PADDR_NONE);
            pmm_stats(p, PMM_ZONE_NORMAL, &s);
            EXPECT(s.parked == 0 && pmm_reclaim(p, &regions[1]) == MM_OK);
        }
        EXPECT(pmm_alloc(p, 1, 0) != HAL_PADDR_NONE && pmm_check(p) == NULL);
        pmm_stats(p, PMM_ZONE_NORMAL, &s);
    }
    free(tables);
    return s.parked;
}

static void magazines_park_a_quarter_at_most(void)
{
    static const struct {
        unsigned cpus;
        uint64_t least;
    } zones[] = {{1, 64 * MIB}, {2, 114 * MIB}, {3, 171 * MIB}, {5, 285 * MIB}};
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        EXPECT(parks(zones[i].least - HAL_PAGE_SIZE, 0, zones[i].cpus) == 0);
        EXPECT(parks(zones[i].least, 0, zones[i].cpus) > 0);
        EXPECT(parks(zones[i].least - MIB, MIB, zones[i].cpus) > 0);
    }
}

/* ---- what is not there ---- */

/* Behind the last withheld piece the tables hold what they held; it is not taken for a piece. */
static void stale_withheld_pieces(void)
{
    static const uint64_t page = (uint64_t)1 << 24;
    struct mem_region regions[] = {RAM(HIGH, 4 * MIB), BOOT(HIGH + 4 * MIB, MIB)};
    const struct mem_region nowhere = BOOT(page * HAL_PAGE_SIZE, page * HAL_PAGE_SIZE);
    struct memmap map = map_of(regions, 2);
    size_t size = lines(pmm_tables_size(&map, 1));
    struct pmm *p = NULL;
    uint64_t *tables = aligned_alloc(64, size);
    for (size_t i = 0; i < size / sizeof *tables; i++)
        tables[i] = page;
    if (EXPECT(pmm_create_in(&map, 1, tables, size, &p) == MM_OK)) {
        EXPECT(pmm_reclaim(p, &nowhere) == MM_FOREIGN);
        EXPECT(pmm_reclaim(p, &regions[1]) == MM_OK && pmm_check(p) == NULL);
    }
    free(tables);
}

/* 2^31 - 1 regions are more than block numbers allow: refused before one of them is read. */
static void too_many_regions(void)
{
    static _Alignas(64) unsigned char tables[4096];
    struct memmap map = map_of(NULL, (size_t)INT32_MAX);
    struct pmm *p = NULL;
    EXPECT(pmm_create_in(&map, 1, tables, sizeof tables, &p) == MM_INVALID);
    EXPECT(pmm_create(&map, 1, &p) == MM_INVALID && p == NULL);
}

int main(void)
{
    expect_run("tables are as large as their parts, to the byte", as_large_as_its_parts);
    expect_run("each 512 blocks have open bits of their own", every_group_is_its_own);
    expect_run("a zone has magazines when at most a quarter can be parked",
               magazines_park_a_quarter_at_most);
    expect_run("stale memory is no withheld piece", stale_withheld_pieces);
    expect_run("too many regions are refused unread", too_many_regions);
    return expect_total();
}
