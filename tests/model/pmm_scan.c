/* mm/scan.h: free runs that the lists cannot show, because they cross blocks or are aligned by
 * luck, are found; and no run is found that is not free. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

/* Leave pages [lo, hi) of block `b` free. */
static void leave(struct desk *d, unsigned b, unsigned lo, unsigned hi)
{
    hal_paddr_t base = HIGH + b * BLOCK;
    if (lo > 0)
        desk_claim(d, base, lo);
    desk_claim(d, base + hi * HAL_PAGE_SIZE, BLOCK_PAGES - hi);
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
    hal_paddr_t got = pmm_alloc_aligned(d.p, 2, align, 0);
    EXPECT(got == HIGH + 70 * BLOCK + page * HAL_PAGE_SIZE);
    EXPECT(model_accept(&d.m, got, 2, align, 0) == NULL);
    EXPECT(pmm_alloc_aligned(d.p, 2, align, 0) == HAL_PADDR_NONE);
    model_count_failure(&d.m, 0);
    desk_end(&d);
}

static void aligned_behind_many(void)
{
    aligned_at(0, BLOCK);
    aligned_at(128, 64 * HAL_PAGE_SIZE);
}

/* A run that is the end of one block and the start of the next, and no longer. */
static void run_over_a_border(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 2 * BLOCK)};
    struct desk d;
    DESK_MAKE(&d, regions);
    desk_claim(&d, HIGH, 472);
    desk_claim(&d, HIGH + BLOCK + 40 * HAL_PAGE_SIZE, 472);
    EXPECT(pmm_alloc(d.p, 81, 0) == HAL_PADDR_NONE);
    EXPECT(pmm_alloc_aligned(d.p, 41, 64 * HAL_PAGE_SIZE, 0) == HAL_PADDR_NONE);
    model_count_failure(&d.m, 0);
    model_count_failure(&d.m, 0);
    hal_paddr_t got = pmm_alloc(d.p, 80, 0);
    EXPECT(got == HIGH + BLOCK - 40 * HAL_PAGE_SIZE);
    EXPECT(model_accept(&d.m, got, 80, HAL_PAGE_SIZE, 0) == NULL);
    desk_end(&d);
}

/* Two pages of which a border lies in the middle, or one more page on either side. */
static void least_over_a_border(unsigned before, unsigned behind)
{
    static const struct mem_region regions[] = {RAM(HIGH, 2 * BLOCK)};
    struct desk d;
    DESK_MAKE(&d, regions);
    desk_claim(&d, HIGH, BLOCK_PAGES - before);
    desk_claim(&d, HIGH + BLOCK + behind * HAL_PAGE_SIZE, BLOCK_PAGES - behind);
    hal_paddr_t got = pmm_alloc(d.p, before + behind, 0);
    EXPECT(got == HIGH + BLOCK - before * HAL_PAGE_SIZE);
    EXPECT(model_accept(&d.m, got, before + behind, HAL_PAGE_SIZE, 0) == NULL);
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
    EXPECT(pmm_alloc(d.p, 10, 0) == HAL_PADDR_NONE);
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
    hal_paddr_t at = HIGH;
    for (unsigned i = 0; i < SHORT + 2; i++) {
        unsigned blocks = i == 0 ? 9 : i == SHORT + 1 ? 10 : 8;
        regions[map.count++] = (struct mem_region)RAM(at, blocks * BLOCK);
        at += (blocks + 1) * BLOCK;
    }
    size_t bytes = pmm_tables_size(&map, 1);
    void *tables = aligned_alloc(64, bytes);
    if (!EXPECT(tables != NULL && pmm_create_in(&map, 1, tables, bytes, &p) == MM_OK))
        return;
    EXPECT(pmm_alloc(p, 9 * BLOCK_PAGES, 0) == regions[0].base);
    EXPECT(pmm_alloc(p, 9 * BLOCK_PAGES, 0) == regions[SHORT + 1].base);
    EXPECT(pmm_alloc(p, 9 * BLOCK_PAGES, 0) == HAL_PADDR_NONE);
    EXPECT(pmm_check(p) == NULL);
    free(tables);
}

#define MANY   300u /* blocks: more than a piece of the scan looks at */
#define PIECE  256u /* blocks that it looks at */
#define BORDER (HIGH + PIECE * BLOCK)

/* All of MANY blocks is used, each block a run of its own. */
static void use_many(struct desk *d)
{
    desk_blocks(d, MANY, 1);
    for (unsigned b = 0; b < MANY; b++)
        EXPECT(pmm_claim(d->p, HIGH + b * BLOCK, BLOCK_PAGES) == MM_OK);
}

/* Of the used blocks, pages [lo, hi) of one become free. */
static void make_free(struct desk *d, unsigned b, unsigned lo, unsigned hi)
{
    hal_paddr_t base = HIGH + b * BLOCK;
    EXPECT(pmm_free(d->p, base, BLOCK_PAGES) == MM_OK);
    if (lo > 0)
        EXPECT(pmm_claim(d->p, base, lo) == MM_OK);
    if (hi < BLOCK_PAGES)
        EXPECT(pmm_claim(d->p, desk_page(base, hi), BLOCK_PAGES - hi) == MM_OK);
}

/* Two pages over the border of two blocks, wherever a piece of the scan ends. */
static void over_the_end_of_a_piece(void)
{
    for (unsigned b = PIECE - 4; b < PIECE + 3; b++) {
        struct desk d;
        use_many(&d);
        make_free(&d, b, BLOCK_PAGES - 1, BLOCK_PAGES);
        make_free(&d, b + 1, 0, 1);
        EXPECT(pmm_alloc(d.p, 2, 0) == desk_page(HIGH, (b + 1) * BLOCK_PAGES - 1));
        EXPECT(pmm_alloc(d.p, 1, 0) == HAL_PADDR_NONE);
        desk_close(&d);
    }
}

typedef void change_fn(struct desk *);

/* The first piece ends in a run of 100 pages and an extent; `change` is what others do then. 1100
 * pages are searched for, and must be found at `expected` (0: not at all). */
static void changed_between_pieces(change_fn *change, hal_paddr_t expected)
{
    struct desk d;
    struct place at;
    struct scan s = {.pages = 1100};
    use_many(&d);
    make_free(&d, PIECE - 1, BLOCK_PAGES - 100, BLOCK_PAGES);
    make_free(&d, PIECE, 0, BLOCK_PAGES);
    make_free(&d, PIECE + 1, 0, BLOCK_PAGES);
    struct zone *z = desk_normal(&d);
    EXPECT(zone_scan_run(z, &s, CLASS_RUNS, &at) == SCAN_MORE);
    if (change != NULL)
        change(&d);
    enum scan_result result = zone_scan_run(z, &s, CLASS_RUNS, &at);
    EXPECT(result == (expected != 0 ? SCAN_FOUND : SCAN_NOTHING));
    EXPECT(expected == 0 || lists_page(&z->lists, at) << HAL_PAGE_SHIFT == expected);
    desk_close(&d);
}

static void take_its_beginning(struct desk *d)
{
    EXPECT(pmm_claim(d->p, BORDER - HAL_PAGE_SIZE, 1) == MM_OK);
}

static void take_its_middle(struct desk *d)
{
    EXPECT(pmm_claim(d->p, BORDER + 3 * HAL_PAGE_SIZE, 1) == MM_OK);
}

/* The block in which the run began becomes part of the extent, or lies inside one. */
static void free_before_it(struct desk *d)
{
    EXPECT(pmm_free(d->p, BORDER - BLOCK, BLOCK_PAGES - 100) == MM_OK);
}

static void free_more_before_it(struct desk *d)
{
    free_before_it(d);
    EXPECT(pmm_free(d->p, BORDER - 2 * BLOCK, BLOCK_PAGES) == MM_OK);
}

static void while_others_change_it(void)
{
    changed_between_pieces(NULL, BORDER - 100 * HAL_PAGE_SIZE);
    changed_between_pieces(take_its_beginning, 0);
    changed_between_pieces(take_its_middle, 0);
    changed_between_pieces(free_before_it, BORDER - BLOCK);
    changed_between_pieces(free_more_before_it, BORDER - 2 * BLOCK);
}

/* One page was given back to a block that a CPU owns, behind more blocks than a piece looks at, used ones
 * and one that is free. */
static void returned_behind_many(void)
{
    struct desk d;
    struct place at;
    struct scan s = {.pages = 1};
    use_many(&d);
    struct zone *z = desk_normal(&d);
    EXPECT(pmm_free(d.p, HIGH + 3 * BLOCK, BLOCK_PAGES) == MM_OK);
    z->lists.summaries[3].owner = 1; /* neither says anything of a block that is wholly free */
    block_fill(&z->lists.bits[3], PAGE_FREE);
    EXPECT(pmm_free(d.p, HIGH + (MANY - 1) * BLOCK, BLOCK_PAGES) == MM_OK);
    for (unsigned i = 0; i < 2; i++)
        EXPECT(pmm_claim(d.p, desk_page(HIGH + (MANY - 1) * BLOCK, i), 1) == MM_OK);
    zone_own_block(z, MANY - 1, 1);
    EXPECT(pmm_free(d.p, desk_page(HIGH + (MANY - 1) * BLOCK, 1), 1) == MM_OK);
    EXPECT(zone_take_returned(z, &s, &at) == SCAN_MORE);
    EXPECT(zone_take_returned(z, &s, &at) == SCAN_FOUND);
    EXPECT(at.block == MANY - 1 && at.index == 1);
    s = (struct scan){.pages = 1};
    EXPECT(zone_take_returned(z, &s, &at) == SCAN_MORE);
    EXPECT(zone_take_returned(z, &s, &at) == SCAN_NOTHING);
    EXPECT(zone_disown_block(z, MANY - 1));
    desk_close(&d);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("an aligned run behind many that are not", aligned_behind_many);
    expect_run("a run over the border of two blocks", run_over_a_border);
    expect_run("a run of one page on each side of a border", one_page_over_a_border);
    expect_run("a run does not begin in what lies before it", behind_what_cannot_be_had);
    expect_run("an extent behind many that are too short", extent_behind_many);
    expect_run("a run where a piece of the scan ends", over_the_end_of_a_piece);
    expect_run("a run that others change between two pieces", while_others_change_it);
    expect_run("a page given back to an owned block behind many", returned_behind_many);
    return expect_total();
}
