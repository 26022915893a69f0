/* Each invariant of the allocator broken on purpose, and seen by pmm_check() under its own number.
 * Only this file and the allocator itself know the allocator's structures. */
#include "hal/short.h"
#include "tests/unit/pmm_rig.h"

#include "mm/extents.h"
#include "mm/pmm_struct.h"

static const struct mem_region map[] = {USABLE(1 * MIB, 63 * MIB),
                                        USABLE(HIGH, 64 * MIB),
                                        {.base = 5 * GIB, .size = 4 * MIB, .type = MEM_BOOT}};

/* NORMAL, in blocks from 4 GiB on: 0-3 an extent, 4 with its first 100 pages in use, 5 an extent,
 * 6 with pages 10-19 in use, 7-31 an extent, 32-33 withheld. */
#define HALF_USED  4u
#define TWO_RUNS   6u
#define EXTENT     7u
#define EXTENT_END 31u

static bool broken_make(struct test_state *t, struct rig *r)
{
    return RIG_MAKE(r, map) && CHECK_EQ(pmm_claim(r->pmm, HIGH + 8 * MIB, 100), MM_OK) &&
           CHECK_EQ(pmm_claim(r->pmm, HIGH + 12 * MIB + 40 * KIB, 10), MM_OK) &&
           CHECK_STR(pmm_check(r->pmm), NULL);
}

static struct zone *normal(struct rig *r)
{
    return r->pmm->zones[PMM_ZONE_NORMAL];
}

static struct summary *summary(struct rig *r, uint32_t block)
{
    return &normal(r)->lists.summaries[block];
}

typedef void break_fn(struct rig *);

/* Break a sound allocator in each way of the list; pmm_check() must name the invariant each time.
 */
static void expect_broken(struct test_state *t, const char *invariant, break_fn *const *ways,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rig r;
        char said[3] = "--";
        if (!broken_make(t, &r))
            return;
        ways[i](&r);
        const char *found = pmm_check(r.pmm);
        if (found != NULL) {
            said[0] = found[0];
            said[1] = found[1];
        }
        if (!CHECK_STR(said, invariant))
            CHECK_EQ(i, UINT64_MAX); /* says which way it was */
    }
}

/* ---- P1 ---- */

static void free_too_high(struct rig *r)
{
    normal(r)->free++;
}

static void free_too_low(struct rig *r)
{
    normal(r)->free--;
}

static void total_too_high(struct rig *r)
{
    normal(r)->total++;
}

static void low_water_above_free(struct rig *r)
{
    normal(r)->low_water = normal(r)->free + 1;
}

/* A whole run is marked as in use behind the summaries' back, in bits and summary alike. */
static void free_page_lost(struct rig *r)
{
    struct summary *s = summary(r, TWO_RUNS);
    block_set(&normal(r)->lists.bits[TWO_RUNS], 0, 1, PAGE_HEAD);
    s->free--;
}

TEST("pmm_broken.P1 wrong sums are seen")
{
    break_fn *const ways[] = {free_too_high, free_too_low, total_too_high, low_water_above_free,
                              free_page_lost};
    expect_broken(t, "P1", ways, ARRAY_LEN(ways));
    TEST_END;
}

/* ---- P2 ---- */

static void region_over_its_neighbour(struct rig *r)
{
    r->pmm->regions[0].pages++;
}

static void region_over_the_limit(struct rig *r)
{
    r->pmm->regions[1].pages = PMM_DMA32_LIMIT / HAL_PAGE_SIZE;
}

static void region_empty(struct rig *r)
{
    r->pmm->regions[2].pages = 0;
}

static void region_in_higher_zone(struct rig *r)
{
    r->pmm->regions[1].zone = PMM_ZONE_NORMAL;
}

static void region_in_lower_zone(struct rig *r)
{
    r->pmm->regions[1].zone = PMM_ZONE_DMA;
}

static void regions_swapped(struct rig *r)
{
    struct region first = r->pmm->regions[0];
    r->pmm->regions[0] = r->pmm->regions[1];
    r->pmm->regions[1] = first;
}

TEST("pmm_broken.P2 regions out of their zone or over each other are seen")
{
    break_fn *const ways[] = {region_over_its_neighbour, region_over_the_limit, region_empty,
                              region_in_higher_zone,     region_in_lower_zone,  regions_swapped};
    expect_broken(t, "P2", ways, ARRAY_LEN(ways));
    TEST_END;
}

/* ---- P3 ---- */

static void clear_bin(struct zone *z, uint32_t block)
{
    struct bins *bins = &z->lists.runs[z->lists.summaries[block].class];
    unsigned bin = lists_run_bin(&z->lists, z->lists.summaries[block].longest);
    bins->head[bin] = BLOCK_NONE;
    bins->mask[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

static void block_in_no_list(struct rig *r)
{
    clear_bin(normal(r), HALF_USED);
}

static void block_under_wrong_length(struct rig *r)
{
    struct zone *z = normal(r);
    struct bins *bins = &z->lists.runs[summary(r, HALF_USED)->class];
    clear_bin(z, HALF_USED);
    bins->head[7] = HALF_USED;
    bins->mask[0] |= 1 << 7;
}

static void longest_too_high(struct rig *r)
{
    summary(r, HALF_USED)->longest++;
}

static unsigned other_class(struct rig *r)
{
    return (summary(r, HALF_USED)->class + 1u) % CLASS_COUNT;
}

static void class_wrong(struct rig *r)
{
    summary(r, HALF_USED)->class = other_class(r) & 3;
}

static void mask_says_empty(struct rig *r)
{
    struct bins *bins = &normal(r)->lists.runs[summary(r, HALF_USED)->class];
    unsigned bin = lists_run_bin(&normal(r)->lists, summary(r, HALF_USED)->longest);
    bins->mask[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

static void mask_says_used(struct rig *r)
{
    normal(r)->lists.runs[other_class(r)].mask[0] |= 1 << 5;
}

static void link_back_wrong(struct rig *r)
{
    summary(r, HALF_USED)->prev = TWO_RUNS;
}

static void list_runs_in_circle(struct rig *r)
{
    summary(r, HALF_USED)->next = HALF_USED;
    summary(r, HALF_USED)->prev = BLOCK_NONE;
}

static void link_out_of_range(struct rig *r)
{
    summary(r, HALF_USED)->next = normal(r)->lists.blocks;
}

static void extent_in_no_list(struct rig *r)
{
    struct bins *e = &normal(r)->lists.extents;
    for (unsigned i = 0; i < EXTENT_BINS; i++)
        e->head[i] = BLOCK_NONE;
    for (unsigned i = 0; i < EXTENT_BINS / 64; i++)
        e->mask[i] = 0;
}

static void extent_mask_wrong(struct rig *r)
{
    normal(r)->lists.extents.mask[extents_bin(EXTENT_END - EXTENT + 1) / 64] ^=
        (uint64_t)1 << (extents_bin(EXTENT_END - EXTENT + 1) % 64);
}

static void extent_under_wrong_length(struct rig *r)
{
    struct bins *e = &normal(r)->lists.extents;
    unsigned from = extents_bin(EXTENT_END - EXTENT + 1);
    unsigned to = extents_bin(2);
    e->head[to] = e->head[from];
    e->mask[to / 64] |= (uint64_t)1 << (to % 64);
    e->head[from] = BLOCK_NONE;
    e->mask[from / 64] &= ~((uint64_t)1 << (from % 64));
}

TEST("pmm_broken.P3 blocks and extents in the wrong list are seen")
{
    break_fn *const ways[] = {
        block_in_no_list,  block_under_wrong_length, longest_too_high,  class_wrong,
        mask_says_empty,   mask_says_used,           link_back_wrong,   list_runs_in_circle,
        link_out_of_range, extent_in_no_list,        extent_mask_wrong, extent_under_wrong_length};
    expect_broken(t, "P3", ways, ARRAY_LEN(ways));
    TEST_END;
}

/* ---- P4 ---- */

static void free_count_too_high(struct rig *r)
{
    summary(r, HALF_USED)->free++;
}

static void free_count_too_low(struct rig *r)
{
    summary(r, HALF_USED)->free--;
}

static void word_too_many(struct rig *r)
{
    summary(r, HALF_USED)->words |= 1;
}

static void word_too_few(struct rig *r)
{
    summary(r, TWO_RUNS)->words &= 0xFE;
}

static void bit_of_used_page_flipped(struct rig *r)
{
    block_set(&normal(r)->lists.bits[HALF_USED], 99, 100, PAGE_FREE);
}

static void bit_of_free_page_flipped(struct rig *r)
{
    block_set(&normal(r)->lists.bits[TWO_RUNS], 300, 301, PAGE_HEAD);
}

static void address_wrong(struct rig *r)
{
    summary(r, TWO_RUNS)->frame++;
}

static void owner_does_not_exist(struct rig *r)
{
    summary(r, TWO_RUNS)->owner = 2; /* CPU 1 of a machine with one */
}

static void withheld_without_pages(struct rig *r)
{
    summary(r, TWO_RUNS)->withheld = 1;
}

static void tag_too_long(struct rig *r)
{
    summary(r, EXTENT)->length = normal(r)->lists.blocks + 1;
}

static void tag_zero(struct rig *r)
{
    summary(r, EXTENT)->length = 0;
}

static void tags_differ(struct rig *r)
{
    summary(r, EXTENT_END)->length--;
}

static void tags_differ_in_kind(struct rig *r)
{
    summary(r, EXTENT_END)->withheld = 1;
}

TEST("pmm_broken.P4 summaries and bits that differ are seen")
{
    break_fn *const ways[] = {free_count_too_high,
                              free_count_too_low,
                              word_too_many,
                              word_too_few,
                              bit_of_used_page_flipped,
                              bit_of_free_page_flipped,
                              address_wrong,
                              owner_does_not_exist,
                              withheld_without_pages,
                              tag_too_long,
                              tag_zero,
                              tags_differ,
                              tags_differ_in_kind};
    expect_broken(t, "P4", ways, ARRAY_LEN(ways));
    TEST_END;
}

/* ---- P5 ---- */

static void extent_in_two(struct rig *r)
{
    const uint32_t cut = EXTENT + 10;
    summary(r, EXTENT)->length = cut - EXTENT;
    *summary(r, cut - 1) = (struct summary){.length = cut - EXTENT};
    *summary(r, cut) = (struct summary){.length = EXTENT_END + 1 - cut};
    summary(r, EXTENT_END)->length = EXTENT_END + 1 - cut;
}

static void whole_block_left_open(struct rig *r)
{
    block_set(&normal(r)->lists.bits[HALF_USED], 0, 512, PAGE_FREE);
    summary(r, HALF_USED)->free = 512;
    summary(r, HALF_USED)->longest = 512;
    summary(r, HALF_USED)->words = 0xFF;
    normal(r)->free += 100;
}

TEST("pmm_broken.P5 extents that touch are seen")
{
    break_fn *const ways[] = {extent_in_two, whole_block_left_open};
    expect_broken(t, "P5", ways, ARRAY_LEN(ways));
    TEST_END;
}

/* ---- P7 ---- */

static void free_page_gets_an_owner(struct rig *r)
{
    r->regions[1].label = "image"; /* the map names an owner, the allocator has it free */
}

static void withheld_page_gets_an_owner(struct rig *r)
{
    r->regions[2].label = "boot info";
}

static void region_grows_over_an_owner(struct rig *r)
{
    r->regions[3] = (struct mem_region){5 * GIB + 4 * MIB, 4 * MIB, MEM_LOADER, "stack"};
    r->map.count = 4;
    r->pmm->regions[3].pages += 1;
}

TEST("pmm_broken.P7 a free page with an owner is seen")
{
    break_fn *const ways[] = {free_page_gets_an_owner, withheld_page_gets_an_owner,
                              region_grows_over_an_owner};
    expect_broken(t, "P7", ways, ARRAY_LEN(ways));
    TEST_END;
}

TEST_SUITE(pmm_broken);
