/* mm/pmm_check.h: a sound allocator broken in one place after another. pmm_check() tells each with
 * a sentence of its own, in every zone, and tells nothing of what only looks odd. The unit tests
 * ask for the invariant's number alone; here no condition can stand in for another. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include "mm/extents.h"
#include "mm/zone_bad.h"

#include <string.h>

#define CPUS 2u
#define ENTRY(base_, size_, type_)                                                                 \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = (type_)                                          \
    }

/* Regions 0 and 1 are the first entry, cut at 16 MiB; 2 to 4 the others. */
static const struct mem_region memory[] = {
    ENTRY(1 * MIB, 63 * MIB, MEM_USABLE), ENTRY(HIGH, 64 * MIB, MEM_USABLE),
    ENTRY(5 * GIB, 4 * MIB, MEM_BOOT), ENTRY(6 * GIB, HAL_PAGE_SIZE, MEM_BOOT)};

/* NORMAL, in blocks from 4 GiB on: 0-3 an extent, 4 with its first 100 pages in use, 5 an extent, 6
 * with pages 10-19 in use, 7-31 an extent, 32-33 withheld, 34 open with one withheld page. */
enum {
    EXTENT_1 = 0,
    HALF_USED = 4,
    TWO_RUNS = 6,
    EXTENT = 7,
    EXTENT_END = 31,
    WITHHELD = 32,
    LAST = 34
};

static struct mem_region regions[8];
static struct memmap map;
static struct pmm *pmm;
static void *tables;

static bool make(void)
{
    memcpy(regions, memory, sizeof memory);
    map = (struct memmap){.regions = regions,
                          .capacity = ARRAY_LEN(regions),
                          .count = ARRAY_LEN(memory),
                          .limit = (uint64_t)1 << 52,
                          .normalized = true};
    size_t bytes = hal_align_up(pmm_tables_size(&map, CPUS), 64);
    tables = aligned_alloc(64, bytes);
    return EXPECT(tables != NULL) &&
           EXPECT(pmm_create_in(&map, CPUS, tables, bytes, &pmm) == MM_OK) &&
           EXPECT(pmm_claim(pmm, HIGH + 8 * MIB, 100) == MM_OK) &&
           EXPECT(pmm_claim(pmm, HIGH + 12 * MIB + 40 * KIB, 10) == MM_OK) &&
           EXPECT(pmm_check(pmm) == NULL);
}

static struct zone *normal(void)
{
    return pmm->zones[PMM_ZONE_NORMAL];
}

static struct summary *summary(unsigned block)
{
    return &normal()->lists.summaries[block];
}

static struct bins *bins_of(unsigned block)
{
    return &normal()->lists.runs[summary(block)->class];
}

static void told(const char *sentence, int line)
{
    const char *found = pmm_check(pmm);
    bool same =
        found == NULL || sentence == NULL ? found == sentence : strcmp(found, sentence) == 0;
    if (!same)
        printf("  told \"%s\"\n", found != NULL ? found : "nothing");
    expect(same, sentence != NULL ? sentence : "nothing is told", line);
    free(tables);
}

/* Break it thus: then exactly this is told. */
#define TOLD(sentence, ...)                                                                        \
    do {                                                                                           \
        if (!make())                                                                               \
            return;                                                                                \
        __VA_ARGS__;                                                                               \
        told((sentence), __LINE__);                                                                \
    } while (0)

static void sums(void)
{
    static const char counter[] = "P1: the free pages of a zone are not what its counter says";
    static const char total[] =
        "P1: free, parked and allocated pages of a zone do not add up to its total";
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        TOLD(counter, pmm->zones[z]->free++);
        TOLD(counter, pmm->zones[z]->free--);
        TOLD(total, pmm->zones[z]->total++);
        TOLD(total, pmm->zones[z]->total--);
        TOLD("P1: a zone has fewer free pages than its low-water mark",
             pmm->zones[z]->low_water = pmm->zones[z]->free + 1);
        TOLD(NULL, pmm->zones[z]->low_water = pmm->zones[z]->free);
        TOLD("P4: the blocks of a zone that CPUs own are not as many as it counts",
             pmm->zones[z]->owned++);
    }
}

static void places(void)
{
    static const char order[] = "P2: two regions overlap or are not in address order";
    static const char zone[] = "P2: a region is empty or does not lie in its zone";
    TOLD(NULL, memset(pmm->cpus[CPUS - 1].stash.pages, 0x7f,
                      sizeof pmm->cpus->stash.pages)); /* before it */
    TOLD(order, pmm->regions[1].first_page--);
    TOLD(order, pmm->regions[2].pages = GIB / HAL_PAGE_SIZE + 1);
    TOLD(order, pmm->regions[3].pages = GIB / HAL_PAGE_SIZE + 1);
    TOLD(zone, pmm->regions[0].pages++);
    TOLD(zone, pmm->regions[1].pages = (HIGH - 16 * MIB) / HAL_PAGE_SIZE + 1);
    TOLD(zone, pmm->regions[2].first_page--);
    for (unsigned i = 0; i < 5; i++) {
        TOLD(zone, pmm->regions[i].pages = 0);
        TOLD(zone, pmm->regions[i].zone = PMM_ZONE_COUNT);
        TOLD(zone, pmm->regions[i].zone = UINT32_MAX);
    }
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        TOLD(zone, pmm->zones[z] = NULL);
}

static void unlist(unsigned block)
{
    unsigned bin = lists_run_bin(&normal()->lists, summary(block)->longest);
    bins_of(block)->head[bin] = BLOCK_NONE;
    bins_of(block)->mask[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

static void list_at(unsigned class, unsigned bin, uint32_t block)
{
    normal()->lists.runs[class].head[bin] = block;
    normal()->lists.runs[class].mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

static void lists_of_blocks(void)
{
    static const char mask[] = "P3: the mask of lists does not say which have blocks";
    static const char wrong[] = "P3: a block is in a list where it does not belong";
    static const char lost[] = "P3: a partly used block is in no list";
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        for (unsigned bin = 0; bin < 128; bin++)
            TOLD(mask, normal()->lists.runs[class].mask[bin / 64] ^= (uint64_t)1 << (bin % 64));
    TOLD(lost, unlist(HALF_USED));
    TOLD(lost, unlist(TWO_RUNS));
    TOLD(wrong, summary(HALF_USED)->class ^= 1);
    TOLD(wrong, summary(HALF_USED)->prev = TWO_RUNS);
    TOLD(wrong, summary(HALF_USED)->next = HALF_USED);
    TOLD(wrong, summary(HALF_USED)->next = normal()->lists.blocks);
    TOLD(wrong, summary(HALF_USED)->next = EXTENT);
    TOLD(wrong, *summary(EXTENT + 3) = *summary(TWO_RUNS); unlist(TWO_RUNS);
         list_at(summary(TWO_RUNS)->class,
                 lists_run_bin(&normal()->lists, summary(TWO_RUNS)->longest), EXTENT + 3));
    TOLD(wrong, unlist(HALF_USED); list_at(summary(HALF_USED)->class, 7, HALF_USED));
    TOLD(wrong, unlist(HALF_USED); list_at(summary(HALF_USED)->class, 0, HALF_USED));
    TOLD("P3: a block that a CPU owns is in a list", summary(HALF_USED)->owner = CPUS);
    TOLD("P3: a block that a CPU owns is in a list", unlist(HALF_USED);
         summary(HALF_USED)->longest = 0; summary(HALF_USED)->owner = 1;
         summary(HALF_USED)->withheld = 1);
    TOLD("P3: a block is not in the list for its longest free run", summary(TWO_RUNS)->longest++);
    TOLD("P3: a block is not in the list for its longest free run", summary(TWO_RUNS)->longest--);
    TOLD("P3: a block is not in the list for its longest free run", summary(TWO_RUNS)->longest = 0);
}

static void extent_to(unsigned block, unsigned bin)
{
    struct bins *e = &normal()->lists.extents;
    e->head[bin] = block;
    e->mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

static void unlist_extent(unsigned block)
{
    struct bins *e = &normal()->lists.extents;
    unsigned bin = extents_bin(summary(block)->length);
    e->head[bin] = BLOCK_NONE;
    e->mask[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

static void lists_of_extents(void)
{
    static const char mask[] = "P3: the mask of extents does not say which lists have some";
    static const char wrong[] = "P3: an extent is in a list where it does not belong";
    static const char lost[] = "P3: a free extent is in no list";
    for (unsigned bin = 0; bin < EXTENT_BINS; bin++)
        TOLD(mask, normal()->lists.extents.mask[bin / 64] ^= (uint64_t)1 << (bin % 64));
    TOLD(lost, unlist_extent(EXTENT));
    TOLD(lost, unlist_extent(EXTENT_1));
    TOLD(wrong, unlist_extent(EXTENT); extent_to(EXTENT, 2));
    TOLD(wrong, summary(EXTENT)->prev = EXTENT_1);
    TOLD(wrong, summary(EXTENT)->next = EXTENT);
    TOLD(wrong, summary(EXTENT)->next = normal()->lists.blocks);
    TOLD(wrong, extent_to(HALF_USED, extents_bin(summary(HALF_USED)->frame)));
    TOLD(wrong, summary(WITHHELD)->prev = BLOCK_NONE; summary(WITHHELD)->next = BLOCK_NONE;
         extent_to(WITHHELD, 2));
}

static void summaries(void)
{
    static const char withheld[] = "P4: a summary does not say truly whether pages are withheld";
    static const char stashed[] =
        "P4: the pages of a zone that CPUs have stashed are not as many as it counts";
    static const char count[] = "P4: a summary's free count is not what the bits say";
    static const char words[] = "P4: a summary does not say truly which words have free pages";
    static const unsigned open[] = {HALF_USED, TWO_RUNS, LAST};
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        TOLD("P4: a summary has another block's address", summary(open[i])->frame++);
        TOLD("P4: a block belongs to a CPU that does not exist",
             summary(open[i])->owner = CPUS + 1);
        TOLD(count, summary(open[i])->free++);
        TOLD(words, summary(open[i])->words ^= 1);
        TOLD(words, summary(open[i])->words ^= 0x80);
        TOLD(open[i] == LAST ? stashed : withheld, summary(open[i])->withheld ^= 1);
    }
    TOLD(count, summary(HALF_USED)->free--);
    TOLD(count, block_set(&normal()->lists.bits[HALF_USED], 99, 100, PAGE_FREE));
    TOLD(count, block_set(&normal()->lists.bits[TWO_RUNS], 300, 301, PAGE_HEAD));
}

static void tags(void)
{
    static const char wrong[] = "P4: the tags of an extent differ";
    TOLD(wrong, summary(EXTENT)->length = 0);
    TOLD(wrong, summary(EXTENT_1)->length = 0);
    TOLD(wrong, normal()->lists.region_count = 1; summary(EXTENT)->length++;
         *summary(WITHHELD) = *summary(EXTENT)); /* a tag in the next region */
    TOLD(wrong, summary(EXTENT)->length++);
    TOLD(wrong, summary(EXTENT)->length++; *summary(WITHHELD) = *summary(EXTENT));
    TOLD(wrong, summary(EXTENT)->length--);
    TOLD(wrong, summary(EXTENT_END)->length--);
    TOLD(wrong, summary(EXTENT_END)->withheld = 1);
    TOLD(wrong, summary(WITHHELD)->withheld = 0);
}

static void extents_that_touch(void)
{
    const uint32_t cut = EXTENT + 10;
    TOLD("P5: two extents touch", summary(EXTENT)->length = cut - EXTENT;
         *summary(cut - 1) = (struct summary){.length = cut - EXTENT};
         *summary(cut) = (struct summary){.length = EXTENT_END + 1 - cut};
         summary(EXTENT_END)->length = EXTENT_END + 1 - cut);
    TOLD("P5: a wholly free block is in no extent",
         block_set(&normal()->lists.bits[HALF_USED], 0, 512, PAGE_FREE);
         summary(HALF_USED)->free = 512; summary(HALF_USED)->longest = 512;
         summary(HALF_USED)->words = 0xFF);
}

/* The map gets one entry more, at its place. */
static void insert(size_t at, hal_paddr_t base, uint64_t size, enum mem_type type,
                   const char *label)
{
    memmove(&regions[at + 1], &regions[at], (map.count - at) * sizeof *regions);
    regions[at] = (struct mem_region){base, size, type, label};
    map.count++;
}

static void owners(void)
{
    static const char owned[] =
        "P7: a region of the allocator reaches into memory with another owner";
    for (size_t i = 0; i < ARRAY_LEN(memory); i++)
        TOLD(owned, regions[i].label = "image");
    for (unsigned type = 0; type < MEM_TYPE_COUNT; type++) {
        bool ours = type == MEM_HOTPLUG || type == MEM_USABLE || type == MEM_BOOT ||
                    type == MEM_LOADER || type == MEM_BAD;
        TOLD(ours ? NULL : owned, regions[1].type = (enum mem_type)type);
    }
    TOLD(NULL, insert(1, HIGH - MIB, MIB, MEM_RESERVED, NULL));
    TOLD(owned, insert(1, HIGH - MIB, MIB + 1, MEM_RESERVED, NULL));
    TOLD(NULL, insert(2, HIGH + 64 * MIB, 1, MEM_RESERVED, NULL));
    TOLD(owned, insert(2, HIGH + 64 * MIB - 1, 1, MEM_RESERVED, NULL));
    TOLD(NULL, insert(4, 6 * GIB + HAL_PAGE_SIZE, MIB, MEM_RESERVED, NULL));
    TOLD(owned, insert(4, 6 * GIB + HAL_PAGE_SIZE - 1, MIB, MEM_RESERVED, NULL));
}

/* In blocks from 4 GiB on: 0 an extent, 1 partly used, 2-9 an extent, 10-11 withheld. */
#define PARTLY   1u
#define EXTENT   2u
#define WITHHELD 10u

static const struct mem_region broken_map[] = {RAM(HIGH, 10 * BLOCK),
                                               BOOT(HIGH + 10 * BLOCK, 2 * BLOCK)};

static struct summary *desk_summary(struct desk *d, uint32_t block)
{
    return &desk_normal(d)->lists.summaries[block];
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
    struct bins *bins = &desk_normal(d)->lists.runs[CLASS_KERNEL_PAGES];
    bins->head[bin] = block;
    bins->mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

static void list_of_a_closed_block(struct desk *d)
{
    put_head(d, EXTENT, 1);
}

static void list_of_no_block(struct desk *d)
{
    put_head(d, desk_normal(d)->lists.blocks, 1);
}

static void list_of_another_class(struct desk *d)
{
    put_head(d, PARTLY, lists_run_bin(&desk_normal(d)->lists, desk_summary(d, PARTLY)->longest));
}

static void list_of_an_owned_block(struct desk *d)
{
    lists_move(&desk_normal(d)->lists, PARTLY, 0);
    desk_summary(d, PARTLY)->owner = 1;
    desk_summary(d, PARTLY)->class = CLASS_KERNEL_PAGES;
    put_head(d, PARTLY, 0);
}

static void owned_block_still_listed(struct desk *d)
{
    desk_summary(d, PARTLY)->owner = 1;
}

static void owned_block_withheld(struct desk *d)
{
    lists_move(&desk_normal(d)->lists, PARTLY, 0);
    desk_summary(d, PARTLY)->owner = 1;
    desk_summary(d, PARTLY)->withheld = 1;
}

static void put_extent(struct desk *d, uint32_t first, unsigned bin)
{
    struct bins *bins = &desk_normal(d)->lists.extents;
    bins->head[bin] = first;
    bins->mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

static void extent_of_no_block(struct desk *d)
{
    put_extent(d, desk_normal(d)->lists.blocks, 5);
}

static void extent_of_an_open_block(struct desk *d)
{
    put_extent(d, PARTLY, 5);
}

static void extent_withheld(struct desk *d)
{
    desk_summary(d, WITHHELD)->prev = BLOCK_NONE;
    desk_summary(d, WITHHELD)->next = BLOCK_NONE;
    put_extent(d, WITHHELD, 2);
}

static void extent_link_back_wrong(struct desk *d)
{
    desk_summary(d, EXTENT)->prev = 0;
}

static void extents_in_a_circle(struct desk *d)
{
    desk_summary(d, EXTENT)->next = EXTENT;
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

/* Page 5 of block 4 and page 1 of the withheld blocks wait. */
static struct pmm_retiring waiting[2];

static void make_waiting(void)
{
    memset(waiting, 0, sizeof waiting);
    EXPECT(pmm_retire(pmm, HIGH + 8 * MIB + 5 * HAL_PAGE_SIZE, &waiting[0]) == MM_OK);
    EXPECT(pmm_retire(pmm, 5 * GIB + HAL_PAGE_SIZE, &waiting[1]) == MM_OK);
    EXPECT(pmm_retire(pmm, HIGH + 6 * MIB, NULL) == MM_OK);
}

static void bad_pages(void)
{
    static const char count[] = "P9: the bad pages of a zone are not as many as it counts";
    static const char whose[] = "P9: a page that waits to become bad is not the zone's";
    static const char taken[] =
        "P9: a page that waits to become bad is free, or in a block that a CPU owns";
    TOLD(NULL, make_waiting());
    TOLD(count, make_waiting(); normal()->bad++);
    TOLD(count, make_waiting(); normal()->bad--);
    TOLD(count, pmm->zones[PMM_ZONE_DMA]->bad++);
    TOLD(whose, make_waiting(); waiting[0].waits = false);
    TOLD(whose, make_waiting(); waiting[1].page = 7 * GIB / HAL_PAGE_SIZE);
    TOLD(whose, make_waiting(); waiting[1].page = MIB / HAL_PAGE_SIZE);
    TOLD(taken, make_waiting(); waiting[0].page = HIGH / HAL_PAGE_SIZE);
    TOLD(taken, make_waiting(); waiting[0].page = (HIGH + 8 * MIB) / HAL_PAGE_SIZE + 100);
}

/* A page of a block that a CPU owns must not wait. */
static void waits_in_an_owned_block(void)
{
    struct desk d;
    struct pmm_retiring late = {.waits = false};
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t page = pmm_alloc(d.p, 1, 0);
    EXPECT(desk_normal(&d)->owned == 1 && pmm_check(d.p) == NULL);
    zone_retire_later(desk_normal(&d), page >> HAL_PAGE_SHIFT, &late);
    const char *found = pmm_check(d.p);
    EXPECT(found != NULL &&
           strcmp(found, "P9: a page that waits to become bad is free, or in a block that a CPU "
                         "owns") == 0);
    desk_drop(&d);
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
    host_ram_create(HIGH + DESK_BLOCKS * BLOCK);
    expect_run("P1: each sum is told by its own sentence", sums);
    expect_run("P2: each region out of its place is told", places);
    expect_run("P3: each bit, link and list of blocks is told", lists_of_blocks);
    expect_run("P3: each bit, link and list of extents is told", lists_of_extents);
    expect_run("P4: each field of a summary is told", summaries);
    expect_run("P4: each tag of an extent is told", tags);
    expect_run("P5: extents that touch are told", extents_that_touch);
    expect_run("P7: an owner is told from the first byte to the last", owners);
    expect_run("P9: each bad page that is not what is said is told", bad_pages);
    expect_run("P9: a page that waits in a block that a CPU owns is told", waits_in_an_owned_block);
    expect_run("P2 broken is seen", broken_p2);
    expect_run("P3 broken is seen", broken_p3);
    return expect_total();
}
