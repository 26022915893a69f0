/* mm/magazine.h and mm/zone.h: which blocks a CPU may own. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

static void give(struct desk *d, hal_paddr_t at)
{
    EXPECT(pmm_free(d->p, at, 1) == MM_OK);
}

/* A whole block is owned when it is a quarter of what is free for each CPU, at most. */
static void whole_block(unsigned cpus, unsigned used, bool owned)
{
    struct desk d;
    desk_blocks(&d, 256 * cpus, cpus);
    unsigned left = 4 * cpus * BLOCK_PAGES;
    EXPECT(desk_normal(&d)->magazines);
    EXPECT(pmm_claim(d.p, desk_page(HIGH, left), 256 * cpus * BLOCK_PAGES - left) == MM_OK);
    if (used != 0)
        EXPECT(pmm_claim(d.p, desk_page(HIGH, left - used), used) == MM_OK);
    EXPECT(desk_stats(&d).free == left - used);
    EXPECT(pmm_alloc(d.p, 1, 0) != HAL_PADDR_NONE);
    EXPECT(desk_stats(&d).parked == (owned ? BLOCK_PAGES - 1 : 0));
    desk_close(&d);
}

static void no_more_than_a_share(void)
{
    for (unsigned cpus = 1; cpus < 4; cpus++) {
        whole_block(cpus, 0, true);
        whole_block(cpus, 1, false);
    }
}

/* All that is free is one block, so nobody may own it: its pages are taken from the zone. */
static void page_by_page(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    desk_take_pages(&d, 1, 0);
    pmm_drain(d.p);
    EXPECT(desk_normal(&d)->lists.summaries[0].class == CLASS_PAGES);
    EXPECT(pmm_claim(d.p, HIGH + BLOCK, (DESK_BLOCKS - 1) * BLOCK_PAGES) == MM_OK);
    EXPECT(pmm_claim(d.p, desk_page(HIGH, 100), 1) == MM_OK);
    EXPECT(pmm_claim(d.p, desk_page(HIGH, 110), 1) == MM_OK);
    EXPECT(pmm_claim(d.p, desk_page(HIGH, 112), BLOCK_PAGES - 112) == MM_OK);
    for (unsigned i = 1; i < 112; i++) {
        if (i == 100 || i == 110)
            continue;
        EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(HIGH, i));
        EXPECT(desk_stats(&d).parked == 0);
        EXPECT(pmm_check(d.p) == NULL);
    }
    EXPECT(pmm_alloc(d.p, 1, 0) == HAL_PADDR_NONE);
    desk_close(&d);
}

/* A block with `left` free pages: is it owned when the next page is asked for? */
static void partly_used(unsigned left, bool owned)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take_pages(&d, BLOCK_PAGES - left, 0);
    pmm_drain(d.p);
    EXPECT(desk_stats(&d).parked == 0);
    hal_paddr_t got = pmm_alloc(d.p, 1, 0);
    EXPECT(got == desk_page(block, BLOCK_PAGES - left));
    give(&d, got);
    EXPECT(desk_stats(&d).parked == (owned ? left : 0));
    desk_close(&d);
}

static void owned_from_two_pages_on(void)
{
    partly_used(1, false);
    partly_used(2, true);
    partly_used(3, true);
}

/* Pages freed one after another bring their block to this CPU, but not one with withheld pages:
 * those look like parked ones there. */
static void withheld_is_not_parked(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 65 * MIB),
                                                BOOT(HIGH + 65 * MIB, 512 * KIB),
                                                RAM(HIGH + 65 * MIB + 512 * KIB, 64 * MIB)};
    const hal_paddr_t base = HIGH + 64 * MIB;
    struct desk d;
    DESK_MAKE(&d, regions);
    for (unsigned i = 0; i < 8; i++)
        desk_claim(&d, base + i * HAL_PAGE_SIZE, 1);
    for (unsigned i = 0; i < 8; i++) {
        desk_give(&d, base + i * HAL_PAGE_SIZE, 1);
        EXPECT(desk_compare(&d) && desk_stats(&d).parked == 0);
    }
    EXPECT(pmm_reclaim(d.p, &regions[1]) == MM_OK);
    model_reclaim(&d.m, 1);
    desk_end(&d);
}

/* Three single pages of a block freed: it comes to this CPU exactly if it has singles only. */
static void own_by_freeing(struct desk *d, hal_paddr_t block, bool owned)
{
    for (unsigned i = 0; i < 3; i++)
        desk_claim(d, block + i * 2 * HAL_PAGE_SIZE, 1);
    for (unsigned i = 0; i < 3; i++)
        desk_give(d, block + i * 2 * HAL_PAGE_SIZE, 1);
    EXPECT((desk_stats(d).parked != 0) == owned);
    EXPECT(desk_compare(d));
}

static const struct mem_region two_hundred[] = {RAM(HIGH, 200 * MIB)};

/* A run of two pages that begins at `page` of a block: no block of single pages. */
static void run_in_block(unsigned b, unsigned page)
{
    struct desk d;
    const hal_paddr_t block = HIGH + b * BLOCK;
    const hal_paddr_t run = block + page * HAL_PAGE_SIZE;
    DESK_MAKE(&d, two_hundred);
    desk_claim(&d, run, 2);
    own_by_freeing(&d, block, false);
    EXPECT(pmm_free(d.p, run, 1) == MM_WRONG_LENGTH);
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
        desk_claim(&d, HIGH + BLOCK - HAL_PAGE_SIZE, 1);
        if (next > 0)
            desk_claim(&d, HIGH + BLOCK + (next - 1) * HAL_PAGE_SIZE, 2);
        own_by_freeing(&d, HIGH, true);
        EXPECT(pmm_free(d.p, HIGH + BLOCK - HAL_PAGE_SIZE, 2) == MM_WRONG_LENGTH);
        desk_give(&d, HIGH + BLOCK - HAL_PAGE_SIZE, 1);
        desk_end(&d);
    }
}

/* The last block of a zone has no next one; what lies behind the tables is not asked. */
static void last_block_of_the_zone(void)
{
    struct desk d;
    DESK_MAKE(&d, two_hundred);
    desk_claim(&d, HIGH + 200 * MIB - HAL_PAGE_SIZE, 1);
    own_by_freeing(&d, HIGH + 198 * MIB, true);
    desk_end(&d);
}

/* Between a free and the look at its block another CPU may take all its pages: the CPU then owns a
 * block that has nothing to offer, and asks the zone. Done here without any free. */
static void owned_block_without_pages(void)
{
    struct desk d;
    hal_paddr_t first = HAL_PADDR_NONE;
    DESK_MAKE(&d, two_hundred);
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        hal_paddr_t got = pmm_alloc(d.p, 1, 0);
        EXPECT(model_accept(&d.m, got, 1, HAL_PAGE_SIZE, 0) == NULL);
        first = i == 0 ? got : first;
        EXPECT(hal_align_down(got, BLOCK) == hal_align_down(first, BLOCK));
    }
    pmm_drain(d.p);
    magazine_adopt(&d.p->cpus[0], desk_normal(&d), (uint32_t)((first - HIGH) / BLOCK));
    EXPECT(d.p->cpus[0].magazines[MAGAZINE_GIVE].zone == desk_normal(&d));
    hal_paddr_t got = pmm_alloc(d.p, 1, 0);
    EXPECT(model_accept(&d.m, got, 1, HAL_PAGE_SIZE, 0) == NULL);
    EXPECT(hal_align_down(got, BLOCK) != hal_align_down(first, BLOCK));
    desk_give(&d, first, 1);
    desk_end(&d);
}

static const struct mem_region big[] = {RAM(HIGH, 256 * MIB)};

static uint64_t block_of(hal_paddr_t at)
{
    return at / (2 * MIB);
}

/* A run was claimed in a block of single pages: no CPU may own that block any more. */
static void a_block_with_a_run_has_no_owner(void)
{
    struct desk d;
    desk_make(&d, big, ARRAY_LEN(big), 1);
    hal_paddr_t page = pmm_alloc(d.p, 1, 0);
    pmm_drain(d.p);
    hal_paddr_t run = block_of(page) * 2 * MIB + 100 * HAL_PAGE_SIZE;
    EXPECT(pmm_claim(d.p, run, 3) == MM_OK);
    hal_paddr_t second = pmm_alloc(d.p, 1, 0);
    EXPECT(second != HAL_PADDR_NONE && pmm_check(d.p) == NULL);
    EXPECT(pmm_free(d.p, run, 1) == MM_WRONG_LENGTH); /* its owner would park it unasked */
    EXPECT(pmm_free(d.p, run, 3) == MM_OK);
    EXPECT(pmm_check(d.p) == NULL);
    EXPECT(pmm_free(d.p, second, 1) == MM_OK && pmm_free(d.p, page, 1) == MM_OK);
    pmm_drain(d.p);
    struct pmm_stats s;
    pmm_stats(d.p, PMM_ZONE_NORMAL, &s);
    EXPECT(s.free == 256 * 256 && s.parked == 0 && s.free_blocks == 128);
    desk_close(&d);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("a CPU owns no more than its share", no_more_than_a_share);
    expect_run("pages of a block that nobody may own come one by one", page_by_page);
    expect_run("a block is owned from two free pages on", owned_from_two_pages_on);
    expect_run("a block with withheld pages is not owned", withheld_is_not_parked);
    expect_run("a block with a run, or the start of one, is not owned", run_over_the_end);
    expect_run("a block whose last page is a single one is owned", single_at_the_end);
    expect_run("the last block of a zone is owned", last_block_of_the_zone);
    expect_run("an owned block without pages gives none", owned_block_without_pages);
    expect_run("a block with a run has no owner", a_block_with_a_run_has_no_owner);
    return expect_total();
}
