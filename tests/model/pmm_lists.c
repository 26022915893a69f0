/* mm/lists.h: the list of each length, and where the bounded search in the lists gives up. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

#include "mm/extents.h"

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

/* Leave pages [lo, lo + length) of block `b` free, and nothing else of it. */
static void leave(struct desk *d, unsigned b, unsigned lo, unsigned length)
{
    hal_paddr_t base = HIGH + b * BLOCK;
    if (lo > 0)
        EXPECT(pmm_claim(d->p, base, lo) == MM_OK);
    unsigned hi = lo + length;
    EXPECT(pmm_claim(d->p, desk_page(base, hi), BLOCK_PAGES - hi) == MM_OK);
}

/* The whole scan, piece by piece. */
static bool scan(struct desk *d, size_t pages, unsigned shift, struct place *at)
{
    struct scan s = {.pages = pages, .align_shift = shift};
    enum scan_result result = SCAN_MORE;
    while (result == SCAN_MORE)
        result = zone_scan_run(desk_normal(d), &s, CLASS_RUNS, at);
    return result == SCAN_FOUND;
}

/* Do the lists show the place? If not, zone_take_run() finds nothing, and the scan finds it. */
static void lists_find_it(struct desk *d, size_t pages, unsigned shift, bool found,
                          hal_paddr_t expected)
{
    struct place at;
    bool got = zone_take_run(desk_normal(d), pages, shift, CLASS_RUNS, &at);
    EXPECT(got == found);
    if (!got)
        EXPECT(scan(d, pages, shift, &at));
    EXPECT(lists_page(&desk_normal(d)->lists, at) << HAL_PAGE_SHIFT == expected);
}

/* In one list four blocks are tried: the fifth is not seen. */
static void four_of_a_list(void)
{
    for (unsigned others = 0; others < 8; others++) {
        struct desk d;
        desk_blocks(&d, others + 1, 1);
        leave(&d, 0, 128, 2);
        for (unsigned b = 1; b <= others; b++)
            leave(&d, b, 101, 2); /* not at an even page */
        lists_find_it(&d, 2, 1, others < 4, desk_page(HIGH, 128));
        desk_close(&d);
    }
}

/* Blocks of the same list whose run is too short are passed over, and are not tried. */
static void short_ones_are_not_tried(void)
{
    struct desk d;
    desk_blocks(&d, 12, 1);
    leave(&d, 0, 128, 70);
    for (unsigned b = 1; b < 12; b++)
        leave(&d, b, 128, 64 + b % 6);
    lists_find_it(&d, 70, 0, true, desk_page(HIGH, 128));
    desk_close(&d);
}

/* But they are looked at: the 33rd block of a list is not seen. */
static void thirty_two_looks(void)
{
    for (unsigned others = 29; others < 36; others++)
        for (unsigned shift = 0; shift < 2; shift++) {
            struct desk d;
            desk_blocks(&d, others + 1, 1);
            leave(&d, 0, 128, 70);
            for (unsigned b = 1; b <= others; b++)
                leave(&d, b, 128, 69);
            lists_find_it(&d, 70, shift, others < 32, desk_page(HIGH, 128));
            desk_close(&d);
        }
}

/* In all 64 are tried: 15 lists with four blocks each, then one with `some`, then one with `last`.
 * The one that fits is the last of that list, or in a list of its own. */
static void tries_in_all(unsigned some, unsigned last, bool own_list, bool found)
{
    struct desk d;
    desk_blocks(&d, 61 + some + last, 1);
    leave(&d, 0, 0, own_list ? 40 : 19);
    for (unsigned b = 1; b < 61 + some + last; b++)
        leave(&d, b, 100, b < 61 + some ? 3 + (b - 1) / 4 : 19);
    lists_find_it(&d, 2, BLOCK_SHIFT, found, HIGH);
    desk_close(&d);
}

static void sixty_four_in_all(void)
{
    tries_in_all(3, 0, true, true);
    tries_in_all(3, 1, true, false);
    tries_in_all(3, 0, false, true);
    tries_in_all(3, 1, false, false);
    tries_in_all(2, 1, false, true);
    tries_in_all(4, 0, true, false);
}

/* Zones of 2 GiB and more have a list for each length up to 127, smaller ones up to 63. */
static uint32_t exact_lists(unsigned blocks)
{
    struct desk d;
    desk_blocks(&d, blocks, 1);
    uint32_t exact = desk_normal(&d)->lists.exact_bins;
    desk_close(&d);
    return exact;
}

static void lists_by_size(void)
{
    EXPECT(exact_lists(1023) == 64);
    EXPECT(exact_lists(1024) == 128);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("the list of each length", list_of_each_length);
    expect_run("the next list that has a block", next_lists);
    expect_run("of one list four blocks are tried", four_of_a_list);
    expect_run("a block whose run is too short is not tried", short_ones_are_not_tried);
    expect_run("of one list 32 blocks are looked at", thirty_two_looks);
    expect_run("of all lists 64 blocks are tried", sixty_four_in_all);
    expect_run("a zone of 2 GiB has more lists", lists_by_size);
    return expect_total();
}
