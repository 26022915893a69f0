/* mm/extents.h: which extent the bounded search finds, where an extent begins, and what lies beside
 * it. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include "mm/extents.h"

#include <string.h>

#define SHORT 64 /* extents of 8 blocks, in one list with those of 9 */

/* In all 64 extents are tried: 9 blocks are wanted, and one extent has them, behind so many of 8.
 * One of 9 is the last of their list, one of 10 or 12 is alone in another. */
static void found_behind(unsigned blocks, unsigned others, bool found)
{
    struct mem_region regions[SHORT + 2];
    struct memmap map = {
        .regions = regions, .capacity = SHORT + 2, .limit = (uint64_t)1 << 52, .normalized = true};
    struct pmm *p = NULL;
    struct place at;
    for (unsigned i = 0; i <= others; i++)
        regions[map.count++] =
            (struct mem_region)RAM(HIGH + i * 13 * BLOCK, (i == 0 ? blocks : 8) * BLOCK);
    size_t bytes = pmm_tables_size(&map, 1);
    void *tables = aligned_alloc(64, bytes);
    if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == MM_OK))
        return;
    struct zone *z = p->zones[PMM_ZONE_NORMAL];
    EXPECT(zone_take_run(z, 9 * BLOCK_PAGES, 0, CLASS_RUNS, &at) == found);
    EXPECT(!found || lists_page(&z->lists, at) << HAL_PAGE_SHIFT == HIGH);
    free(tables);
}

static void sixty_four_extents(void)
{
    static const unsigned blocks[] = {9, 10, 12};
    for (unsigned i = 0; i < ARRAY_LEN(blocks); i++)
        for (unsigned others = SHORT - 2; others <= SHORT + 1; others++)
            found_behind(blocks[i], others, others < SHORT);
}

/* The first extent of a region, in a group of blocks that begins inside an extent of another: what
 * the summaries there hold was never written. */
static void region_inside_a_group(void)
{
    struct mem_region regions[] = {RAM(HIGH, 600 * BLOCK), RAM(HIGH + 601 * BLOCK, 9 * BLOCK)};
    struct memmap map = map_of(regions, ARRAY_LEN(regions));
    struct pmm *p = NULL;
    size_t bytes = pmm_tables_size(&map, 1);
    void *tables = aligned_alloc(64, bytes);
    if (!EXPECT(tables != NULL))
        return;
    memset(tables, 1, bytes);
    EXPECT(pmm_create_in(&map, 1, tables, bytes, &p) == MM_OK);
    EXPECT(pmm_claim(p, regions[1].base + 5 * BLOCK, BLOCK_PAGES) == MM_OK);
    EXPECT(pmm_check(p) == NULL);
    EXPECT(pmm_alloc(p, 5 * BLOCK_PAGES, 0) == regions[1].base);
    EXPECT(pmm_alloc(p, 600 * BLOCK_PAGES, 0) == regions[0].base);
    EXPECT(pmm_check(p) == NULL);
    free(tables);
}

/* In one extent: what the lists answer for every place, length and alignment. They must not miss a
 * run that lies in an extent alone, nor give one that does not fit. */
static void try_extent(unsigned skip, unsigned blocks, unsigned shift)
{
    const struct mem_region regions[] = {RAM(HIGH + skip * BLOCK, blocks * BLOCK)};
    unsigned align = 1u << shift;
    unsigned first = (skip + align - 1) / align * align;
    for (unsigned count = 1; count <= blocks; count++) {
        struct desk d;
        struct place at;
        DESK_MAKE(&d, regions);
        bool fits = first + count <= skip + blocks;
        bool got = zone_take_run(desk_normal(&d), (size_t)count * BLOCK_PAGES, BLOCK_SHIFT + shift,
                                 CLASS_RUNS, &at);
        EXPECT(got == fits);
        EXPECT(!got ||
               lists_page(&desk_normal(&d)->lists, at) == (HIGH + first * BLOCK) >> HAL_PAGE_SHIFT);
        EXPECT(pmm_check(d.p) == NULL);
        desk_drop(&d);
    }
}

static void extents_exactly(void)
{
    for (unsigned skip = 0; skip < 9; skip++)
        for (unsigned blocks = 1; blocks < 10; blocks += 1 + blocks / 4)
            for (unsigned shift = 0; shift < 4; shift++)
                try_extent(skip, blocks, shift);
}

/* Two closed extents touch when one is withheld: the first block of each is found, not its
 * neighbour's. */
static void free_beside_withheld(void)
{
    static const struct mem_region regions[] = {
        RAM(HIGH, 2 * BLOCK), BOOT(HIGH + 2 * BLOCK, 2 * BLOCK), RAM(HIGH + 4 * BLOCK, 2 * BLOCK)};
    struct desk d;
    DESK_MAKE(&d, regions);
    for (unsigned b = 0; b < 6; b++) {
        bool withheld = b == 2 || b == 3;
        EXPECT(pmm_free(d.p, HIGH + b * BLOCK, 1) == (withheld ? MM_RESERVED : MM_ALREADY_FREE));
        if (withheld)
            EXPECT(pmm_claim(d.p, HIGH + b * BLOCK, 1) == MM_RESERVED);
    }
    EXPECT(pmm_claim(d.p, HIGH + BLOCK, 600) == MM_RESERVED);
    desk_claim(&d, HIGH + 5 * BLOCK, 512);
    EXPECT(desk_compare(&d));
    EXPECT(pmm_reclaim(d.p, &regions[1]) == MM_OK);
    model_reclaim(&d.m, 1);
    EXPECT(desk_compare(&d));
    desk_claim(&d, HIGH, 5 * BLOCK_PAGES);
    desk_end(&d);
}

/* Every block of the first region, by a walk from its start. */
static void compare_firsts(struct zone *z, const struct region *r)
{
    uint32_t end = r->first_block + r->blocks;
    for (uint32_t b = r->first_block; b < end;) {
        uint32_t next = lists_next(&z->lists, b);
        for (uint32_t at = b; at < next && !lists_is_open(&z->lists, b); at++)
            EXPECT(extents_first(&z->lists, r, at) == b);
        b = next;
    }
}

/* Extents of every length between open blocks, over the borders of words and groups of open bits.
 */
static void extents_among_open_blocks(void)
{
    struct mem_region regions[] = {RAM(HIGH, 3 * BLOCK), RAM(HIGH + 7 * BLOCK, 700 * BLOCK),
                                   BOOT(HIGH + 707 * BLOCK, 900 * BLOCK),
                                   RAM(HIGH + 1607 * BLOCK, 900 * BLOCK)};
    struct memmap map = map_of(regions, 4);
    struct pmm *p = NULL;
    uint32_t rng = 12345;
    size_t bytes = pmm_tables_size(&map, 1);
    void *tables = aligned_alloc(64, bytes);
    if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == MM_OK))
        return;
    struct zone *z = p->zones[PMM_ZONE_NORMAL];
    for (unsigned round = 0; round < 60; round++) {
        compare_firsts(z, &p->regions[1]);
        rng = rng * 1664525 + 1013904223;
        unsigned b = 7 + (rng >> 8) % 2500;
        bool withheld = b >= 707 && b < 1607;
        mm_status_t s = pmm_claim(p, HIGH + b * BLOCK, 1);
        EXPECT(withheld ? s == MM_RESERVED : s == MM_OK || s == MM_BUSY);
    }
    compare_firsts(z, &p->regions[0]);
    EXPECT(pmm_check(p) == NULL);
    free(tables);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("of all extents 64 are tried", sixty_four_extents);
    expect_run("a region begins inside a group of blocks", region_inside_a_group);
    expect_run("the lists find what fits in an extent, no more", extents_exactly);
    expect_run("free memory beside withheld memory", free_beside_withheld);
    expect_run("the first block of every extent", extents_among_open_blocks);
    return expect_total();
}
