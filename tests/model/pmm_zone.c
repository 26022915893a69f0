/* The lists of a zone where the searches give up, miss, or pass over what they must not touch:
 * blocks without an aligned place, extents that are too short, extents side by side, blocks that a
 * CPU may not own. Knows the allocator's own structures. And the ways to break P2 and P3 that the
 * unit tests, which the kernel carries, leave out. */
#include "tests/model/expect.h"
#include "tests/model/pmm_desk.h"

#include "hal/host/host.h"
#include "mm/extents.h"
#include "mm/pmm_struct.h"

#include <string.h>

#define HIGH  (4 * GIB)
#define BLOCK (2 * MIB)

static struct zone *normal(struct desk *d)
{
    return d->p->zones[PMM_ZONE_NORMAL];
}

static uint64_t parked(struct desk *d)
{
    struct pmm_stats s;
    pmm_stats(d->p, PMM_ZONE_NORMAL, &s);
    return s.parked;
}

/* ---- searches that give up ---- */

/* Leave pages [lo, hi) of block `b` free. */
static void leave(struct desk *d, unsigned b, unsigned lo, unsigned hi)
{
    paddr_t base = HIGH + b * BLOCK;
    if (lo > 0)
        desk_claim(d, base, lo);
    desk_claim(d, base + hi * PAGE_SIZE, BLOCK_PAGES - hi);
}

/* 70 blocks whose free run cannot be had aligned, in so many lists that the search gives up before
 * they come to the one block that fits: at its start, or inside. */
static void aligned_at(unsigned page, uint64_t align)
{
    static const struct mem_region regions[] = {RAM(HIGH, 71 * BLOCK)};
    struct desk d;
    unsigned b = 0;
    DESK_MAKE(&d, regions);
    for (; b < 2; b++)
        leave(&d, b, 100, 102);
    for (; b < 70; b++)
        leave(&d, b, 100, 103 + (b - 2) / 4);
    leave(&d, b, page, page + 40);
    paddr_t got = pmm_alloc_aligned(d.p, 2, align, 0);
    EXPECT(got == HIGH + 70 * BLOCK + page * PAGE_SIZE);
    EXPECT(model_accept(&d.m, got, 2, align, 0) == NULL);
    EXPECT(pmm_alloc_aligned(d.p, 2, align, 0) == PADDR_NONE);
    model_count_failure(&d.m, 0);
    desk_end(&d);
}

static void aligned_behind_many(void)
{
    aligned_at(0, BLOCK);
    aligned_at(128, 64 * PAGE_SIZE);
}

/* A run that is the end of one block and the start of the next, and no longer. */
static void run_over_a_border(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 2 * BLOCK)};
    struct desk d;
    DESK_MAKE(&d, regions);
    desk_claim(&d, HIGH, 472);
    desk_claim(&d, HIGH + BLOCK + 40 * PAGE_SIZE, 472);
    EXPECT(pmm_alloc(d.p, 81, 0) == PADDR_NONE);
    EXPECT(pmm_alloc_aligned(d.p, 41, 64 * PAGE_SIZE, 0) == PADDR_NONE);
    model_count_failure(&d.m, 0);
    model_count_failure(&d.m, 0);
    paddr_t got = pmm_alloc(d.p, 80, 0);
    EXPECT(got == HIGH + BLOCK - 40 * PAGE_SIZE);
    EXPECT(model_accept(&d.m, got, 80, PAGE_SIZE, 0) == NULL);
    desk_end(&d);
}

/* Two pages of which a border lies in the middle, or one more page on either side. */
static void least_over_a_border(unsigned before, unsigned behind)
{
    static const struct mem_region regions[] = {RAM(HIGH, 2 * BLOCK)};
    struct desk d;
    DESK_MAKE(&d, regions);
    desk_claim(&d, HIGH, BLOCK_PAGES - before);
    desk_claim(&d, HIGH + BLOCK + behind * PAGE_SIZE, BLOCK_PAGES - behind);
    paddr_t got = pmm_alloc(d.p, before + behind, 0);
    EXPECT(got == HIGH + BLOCK - before * PAGE_SIZE);
    EXPECT(model_accept(&d.m, got, before + behind, PAGE_SIZE, 0) == NULL);
    desk_end(&d);
}

static void one_page_over_a_border(void)
{
    least_over_a_border(1, 1);
    least_over_a_border(1, 2);
    least_over_a_border(2, 1);
}

/* What cannot be had before free pages is no part of their run: full blocks, owned ones, extents
 * and single pages of firmware memory. */
static void behind_what_cannot_be_had(void)
{
    static const struct mem_region regions[] = {BOOT(HIGH, BLOCK), RAM(HIGH + BLOCK, 3 * BLOCK)};
    struct desk d;
    DESK_MAKE(&d, regions);
    leave(&d, 1, 0, 9);
    desk_claim(&d, HIGH + 2 * BLOCK, BLOCK_PAGES);
    leave(&d, 3, 0, 9);
    EXPECT(pmm_alloc(d.p, 10, 0) == PADDR_NONE);
    model_count_failure(&d.m, 0);
    desk_end(&d);
}

#define SHORT 64 /* extents of 8 blocks, in one list with those of 9 */

/* The list of extents of 8 or 9 blocks has 64 too short ones first. */
static void extent_behind_many(void)
{
    struct mem_region regions[SHORT + 2];
    struct memmap map = {
        .regions = regions, .capacity = SHORT + 2, .limit = (uint64_t)1 << 52, .normalized = true};
    struct pmm *p = NULL;
    paddr_t at = HIGH;
    for (unsigned i = 0; i < SHORT + 2; i++) {
        unsigned blocks = i == 0 ? 9 : i == SHORT + 1 ? 10 : 8;
        regions[map.count++] = (struct mem_region)RAM(at, blocks * BLOCK);
        at += (blocks + 1) * BLOCK;
    }
    size_t bytes = pmm_tables_size(&map, 1);
    void *tables = aligned_alloc(64, bytes);
    if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == STATUS_OK))
        return;
    EXPECT(pmm_alloc(p, 9 * BLOCK_PAGES, 0) == regions[0].base);
    EXPECT(pmm_alloc(p, 9 * BLOCK_PAGES, 0) == regions[SHORT + 1].base);
    EXPECT(pmm_alloc(p, 9 * BLOCK_PAGES, 0) == PADDR_NONE);
    EXPECT(pmm_check(p) == NULL);
    free(tables);
}

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
    if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == STATUS_OK))
        return;
    struct zone *z = p->zones[PMM_ZONE_NORMAL];
    EXPECT(zone_take_run(z, 9 * BLOCK_PAGES, 0, CLASS_RUNS, &at) == found);
    EXPECT(!found || lists_page(&z->lists, at) << PAGE_SHIFT == HIGH);
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
    EXPECT(pmm_create_in(&map, 1, tables, bytes, &p) == STATUS_OK);
    EXPECT(pmm_claim(p, regions[1].base + 5 * BLOCK, BLOCK_PAGES) == STATUS_OK);
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
        bool got = zone_take_run(normal(&d), (size_t)count * BLOCK_PAGES, BLOCK_SHIFT + shift,
                                 CLASS_RUNS, &at);
        EXPECT(got == fits);
        EXPECT(!got || lists_page(&normal(&d)->lists, at) == (HIGH + first * BLOCK) >> PAGE_SHIFT);
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

/* Which list a length belongs to, counted up from the shortest: single lengths first, then seven a
 * list for runs, then four lists an octave for extents. */
static void list_of_each_length(void)
{
    for (uint32_t exact = 64; exact <= 128; exact += 64) {
        const struct lists l = {.exact_bins = exact};
        unsigned list = 0;
        for (unsigned length = 0; length < BLOCK_PAGES; length++) {
            list += length != 0 && (length <= exact || (length - exact) % 7 == 0);
            EXPECT(lists_run_bin(&l, length) == list && list < exact + RUN_BINS_ABOVE);
        }
    }
    unsigned list = 0;
    uint32_t width = 1; /* of a list */
    for (uint32_t length = 0; length < 1u << 20; length++) {
        width = length >= 8 * width && length >= 8 ? 2 * width : width;
        list += length != 0 && length % width == 0;
        EXPECT(extents_bin(length) == list);
    }
    EXPECT(extents_bin(UINT32_MAX) < EXTENT_BINS);
}

/* The next list that has a block, for one and two such lists at all places. */
static void next_lists(void)
{
    for (unsigned a = 0; a < RUN_BINS; a++)
        for (unsigned b = a; b < RUN_BINS; b += 1 + b % 13) {
            struct bins bins = {.mask = {0}};
            bins.mask[a / 64] |= (uint64_t)1 << (a % 64);
            bins.mask[b / 64] |= (uint64_t)1 << (b % 64);
            bins.head = (uint32_t *)bins.mask; /* not read; not NULL */
            for (unsigned from = 0; from <= RUN_BINS; from++) {
                unsigned next = from <= a ? a : from <= b ? b : RUN_BINS;
                EXPECT(bins_next(&bins, RUN_BINS, from) == next);
            }
        }
}

/* ---- extents side by side ---- */

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
        EXPECT(pmm_free(d.p, HIGH + b * BLOCK, 1) ==
               (withheld ? STATUS_RESERVED : STATUS_ALREADY_FREE));
        if (withheld)
            EXPECT(pmm_claim(d.p, HIGH + b * BLOCK, 1) == STATUS_RESERVED);
    }
    EXPECT(pmm_claim(d.p, HIGH + BLOCK, 600) == STATUS_RESERVED);
    desk_claim(&d, HIGH + 5 * BLOCK, 512);
    EXPECT(desk_compare(&d));
    EXPECT(pmm_reclaim(d.p, &regions[1]) == STATUS_OK);
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
    if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == STATUS_OK))
        return;
    struct zone *z = p->zones[PMM_ZONE_NORMAL];
    for (unsigned round = 0; round < 60; round++) {
        compare_firsts(z, &p->regions[1]);
        rng = rng * 1664525 + 1013904223;
        unsigned b = 7 + (rng >> 8) % 2500;
        bool withheld = b >= 707 && b < 1607;
        status_t s = pmm_claim(p, HIGH + b * BLOCK, 1);
        EXPECT(withheld ? s == STATUS_RESERVED : s == STATUS_OK || s == STATUS_BUSY);
    }
    compare_firsts(z, &p->regions[0]);
    EXPECT(pmm_check(p) == NULL);
    free(tables);
}

/* ---- blocks that a CPU may not own ---- */

/* Pages freed one after another bring their block to this CPU, but not one with withheld pages:
 * those look like parked ones there. */
static void withheld_is_not_parked(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 65 * MIB),
                                                BOOT(HIGH + 65 * MIB, 512 * KIB),
                                                RAM(HIGH + 65 * MIB + 512 * KIB, 64 * MIB)};
    const paddr_t base = HIGH + 64 * MIB;
    struct desk d;
    DESK_MAKE(&d, regions);
    for (unsigned i = 0; i < 8; i++)
        desk_claim(&d, base + i * PAGE_SIZE, 1);
    for (unsigned i = 0; i < 8; i++) {
        desk_give(&d, base + i * PAGE_SIZE, 1);
        EXPECT(desk_compare(&d) && parked(&d) == 0);
    }
    EXPECT(pmm_reclaim(d.p, &regions[1]) == STATUS_OK);
    model_reclaim(&d.m, 1);
    desk_end(&d);
}

/* Three single pages of a block freed: it comes to this CPU exactly if it has singles only. */
static void own_by_freeing(struct desk *d, paddr_t block, bool owned)
{
    for (unsigned i = 0; i < 3; i++)
        desk_claim(d, block + i * 2 * PAGE_SIZE, 1);
    for (unsigned i = 0; i < 3; i++)
        desk_give(d, block + i * 2 * PAGE_SIZE, 1);
    EXPECT((parked(d) != 0) == owned);
    EXPECT(desk_compare(d));
}

static const struct mem_region two_hundred[] = {RAM(HIGH, 200 * MIB)};

/* A run of two pages that begins at `page` of a block: no block of single pages. */
static void run_in_block(unsigned b, unsigned page)
{
    struct desk d;
    const paddr_t block = HIGH + b * BLOCK;
    const paddr_t run = block + page * PAGE_SIZE;
    DESK_MAKE(&d, two_hundred);
    desk_claim(&d, run, 2);
    own_by_freeing(&d, block, false);
    EXPECT(pmm_free(d.p, run, 1) == STATUS_WRONG_LENGTH);
    desk_give(&d, run, 2);
    desk_end(&d);
}

/* Inside the block, and over its end: in the first block and the last but one. */
static void run_over_the_end(void)
{
    run_in_block(0, 300);
    run_in_block(99, 300);
    run_in_block(0, BLOCK_PAGES - 1);
    run_in_block(98, BLOCK_PAGES - 1);
}

/* A single last page does no harm, whatever the next block has. */
static void single_at_the_end(void)
{
    for (unsigned next = 0; next < 3; next++) {
        struct desk d;
        DESK_MAKE(&d, two_hundred);
        desk_claim(&d, HIGH + BLOCK - PAGE_SIZE, 1);
        if (next > 0)
            desk_claim(&d, HIGH + BLOCK + (next - 1) * PAGE_SIZE, 2);
        own_by_freeing(&d, HIGH, true);
        EXPECT(pmm_free(d.p, HIGH + BLOCK - PAGE_SIZE, 2) == STATUS_WRONG_LENGTH);
        desk_give(&d, HIGH + BLOCK - PAGE_SIZE, 1);
        desk_end(&d);
    }
}

/* The last block of a zone has no next one; what lies behind the tables is not asked. */
static void last_block_of_the_zone(void)
{
    struct desk d;
    DESK_MAKE(&d, two_hundred);
    desk_claim(&d, HIGH + 200 * MIB - PAGE_SIZE, 1);
    own_by_freeing(&d, HIGH + 198 * MIB, true);
    desk_end(&d);
}

/* Between a free and the look at its block another CPU may take all its pages: the CPU then owns a
 * block that has nothing to offer, and asks the zone. Done here by telling of the free twice. */
static void owned_block_without_pages(void)
{
    struct desk d;
    paddr_t first = PADDR_NONE;
    DESK_MAKE(&d, two_hundred);
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        paddr_t got = pmm_alloc(d.p, 1, 0);
        EXPECT(model_accept(&d.m, got, 1, PAGE_SIZE, 0) == NULL);
        first = i == 0 ? got : first;
        EXPECT(align_down(got, BLOCK) == align_down(first, BLOCK));
    }
    pmm_drain(d.p);
    for (unsigned i = 0; i < 2; i++)
        magazine_saw_free(&d.p->cpus[0], normal(&d), first / BLOCK,
                          (uint32_t)((first - HIGH) / BLOCK));
    EXPECT(d.p->cpus[0].magazines[MAGAZINE_GIVE].zone == normal(&d));
    paddr_t got = pmm_alloc(d.p, 1, 0);
    EXPECT(model_accept(&d.m, got, 1, PAGE_SIZE, 0) == NULL);
    EXPECT(align_down(got, BLOCK) != align_down(first, BLOCK));
    desk_give(&d, first, 1);
    desk_end(&d);
}

/* ---- P2 and P3 broken on purpose ---- */

/* In blocks from 4 GiB on: 0 an extent, 1 partly used, 2-9 an extent, 10-11 withheld. */
#define PARTLY   1u
#define EXTENT   2u
#define WITHHELD 10u

static const struct mem_region broken_map[] = {RAM(HIGH, 10 * BLOCK),
                                               BOOT(HIGH + 10 * BLOCK, 2 * BLOCK)};

static struct summary *summary(struct desk *d, uint32_t block)
{
    return &normal(d)->lists.summaries[block];
}

static void region_of_no_zone(struct desk *d)
{
    d->p->regions[0].zone = PMM_ZONE_COUNT;
}

static void region_of_a_zone_without_tables(struct desk *d)
{
    d->p->regions[0].zone = PMM_ZONE_DMA32;
}

static void put_head(struct desk *d, uint32_t block, unsigned bin)
{
    struct bins *bins = &normal(d)->lists.runs[CLASS_KERNEL_PAGES];
    bins->head[bin] = block;
    bins->mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

static void list_of_a_closed_block(struct desk *d)
{
    put_head(d, EXTENT, 1);
}

static void list_of_no_block(struct desk *d)
{
    put_head(d, normal(d)->lists.blocks, 1);
}

static void list_of_another_class(struct desk *d)
{
    put_head(d, PARTLY, lists_run_bin(&normal(d)->lists, summary(d, PARTLY)->longest));
}

static void list_of_an_owned_block(struct desk *d)
{
    lists_put(&normal(d)->lists, PARTLY, 0);
    summary(d, PARTLY)->owner = 1;
    summary(d, PARTLY)->class = CLASS_KERNEL_PAGES;
    put_head(d, PARTLY, 0);
}

static void owned_block_still_listed(struct desk *d)
{
    summary(d, PARTLY)->owner = 1;
}

static void owned_block_withheld(struct desk *d)
{
    lists_put(&normal(d)->lists, PARTLY, 0);
    summary(d, PARTLY)->owner = 1;
    summary(d, PARTLY)->withheld = 1;
}

static void put_extent(struct desk *d, uint32_t first, unsigned bin)
{
    struct bins *bins = &normal(d)->lists.extents;
    bins->head[bin] = first;
    bins->mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

static void extent_of_no_block(struct desk *d)
{
    put_extent(d, normal(d)->lists.blocks, 5);
}

static void extent_of_an_open_block(struct desk *d)
{
    put_extent(d, PARTLY, 5);
}

static void extent_withheld(struct desk *d)
{
    summary(d, WITHHELD)->prev = BLOCK_NONE;
    summary(d, WITHHELD)->next = BLOCK_NONE;
    put_extent(d, WITHHELD, 2);
}

static void extent_link_back_wrong(struct desk *d)
{
    summary(d, EXTENT)->prev = 0;
}

static void extents_in_a_circle(struct desk *d)
{
    summary(d, EXTENT)->next = EXTENT;
}

typedef void break_fn(struct desk *);

static void expect_broken(const char *invariant, break_fn *const *ways, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct desk d;
        DESK_MAKE(&d, broken_map);
        desk_claim(&d, HIGH + PARTLY * BLOCK, 7);
        EXPECT(pmm_check(d.p) == NULL);
        ways[i](&d);
        const char *found = pmm_check(d.p);
        if (!EXPECT(found != NULL && found[0] == invariant[0] && found[1] == invariant[1]))
            printf("  way %zu: %s\n", i, found != NULL ? found : "nothing found");
        desk_drop(&d);
    }
}

static void broken_p2(void)
{
    break_fn *const ways[] = {region_of_no_zone, region_of_a_zone_without_tables};
    expect_broken("P2", ways, ARRAY_LEN(ways));
}

static void broken_p3(void)
{
    break_fn *const ways[] = {
        list_of_a_closed_block, list_of_no_block,         list_of_another_class,
        list_of_an_owned_block, owned_block_still_listed, owned_block_withheld,
        extent_of_no_block,     extent_of_an_open_block,  extent_withheld,
        extent_link_back_wrong, extents_in_a_circle};
    expect_broken("P3", ways, ARRAY_LEN(ways));
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("an aligned run behind many that are not", aligned_behind_many);
    expect_run("a run over the border of two blocks", run_over_a_border);
    expect_run("a run of one page on each side of a border", one_page_over_a_border);
    expect_run("a run does not begin in what lies before it", behind_what_cannot_be_had);
    expect_run("an extent behind many that are too short", extent_behind_many);
    expect_run("of all extents 64 are tried", sixty_four_extents);
    expect_run("a region begins inside a group of blocks", region_inside_a_group);
    expect_run("the lists find what fits in an extent, no more", extents_exactly);
    expect_run("the list of each length", list_of_each_length);
    expect_run("the next list that has a block", next_lists);
    expect_run("free memory beside withheld memory", free_beside_withheld);
    expect_run("the first block of every extent", extents_among_open_blocks);
    expect_run("a block with withheld pages is not owned", withheld_is_not_parked);
    expect_run("a block with a run, or the start of one, is not owned", run_over_the_end);
    expect_run("a block whose last page is a single one is owned", single_at_the_end);
    expect_run("the last block of a zone is owned", last_block_of_the_zone);
    expect_run("an owned block without pages gives none", owned_block_without_pages);
    expect_run("P2 broken is seen", broken_p2);
    expect_run("P3 broken is seen", broken_p3);
    return expect_total();
}
