/* mm/stash.h: what a CPU stashes, what it takes again, what a stashed page is to everybody else, and how
 * all of it comes back. The model knows a stashed page as a free one.
 */
#include "hal/short.h"
#include "mm/pmm_parked.h"
#include "tests/model/pmm_desk.h"

#include <string.h>

#define FULL (STASH_PAGES + 20) /* blocks of single pages, more than a stash has pages */

/* Full blocks of single pages; nothing is parked. The model is told. */
static void fill_blocks(struct desk *d, hal_paddr_t *blocks, unsigned count)
{
    desk_blocks(d, DESK_BLOCKS, 1);
    for (unsigned b = 0; b < count; b++)
        for (unsigned i = 0; i < BLOCK_PAGES; i++) {
            hal_paddr_t page = desk_take(d, 1);
            if (i == 0)
                blocks[b] = page;
            EXPECT(page == desk_page(blocks[b], i));
        }
    pmm_drain(d->p);
    EXPECT(desk_stats(d).parked == 0);
}

static uint64_t parked(struct desk *d)
{
    return desk_stats(d).parked;
}

/* Pages come back to one block after another: the last one is taken first. Those beyond the stash's size
 * go to the zone. */
static void pages_in_turn(void)
{
    struct desk d;
    hal_paddr_t blocks[FULL];
    fill_blocks(&d, blocks, FULL);
    for (unsigned b = 0; b < FULL; b++)
        desk_give(&d, desk_page(blocks[b], 3 * b), 1);
    EXPECT(parked(&d) == STASH_PAGES && desk_normal(&d)->owned == 0 && desk_compare(&d));
    for (unsigned b = STASH_PAGES; b-- > 0;)
        EXPECT(desk_take(&d, 1) == desk_page(blocks[b], 3 * b));
    EXPECT(parked(&d) == 0);
    desk_end(&d);
}

/* What is asked for in another way is served from it too, but not what the kernel keeps for long. */
static void requests_of_other_kinds(void)
{
    struct desk d;
    hal_paddr_t blocks[2];
    static const struct pmm_debug watch = {.check_every = 1};
    fill_blocks(&d, blocks, 2);
    desk_give(&d, desk_page(blocks[0], 5), 1);
    desk_give(&d, desk_page(blocks[1], 7), 1);
    hal_paddr_t kernel = pmm_alloc(d.p, 1, PMM_KERNEL);
    EXPECT(model_accept(&d.m, kernel, 1, HAL_PAGE_SIZE, PMM_KERNEL) == NULL);
    EXPECT(hal_align_down(kernel, BLOCK) != blocks[0] &&
           hal_align_down(kernel, BLOCK) != blocks[1]);
    hal_paddr_t zeroed = pmm_alloc(d.p, 1, PMM_ZERO);
    EXPECT(zeroed == desk_page(blocks[1], 7) &&
           model_accept(&d.m, zeroed, 1, HAL_PAGE_SIZE, PMM_ZERO) == NULL);
    pmm_set_debug(d.p, &watch);
    EXPECT(desk_take(&d, 1) == desk_page(blocks[0], 5));
    pmm_set_debug(d.p, NULL);
    desk_end(&d);
}

/* A block with longer free runs, a block of runs and the kernel's pages are not for it. */
static void blocks_that_are_left_alone(void)
{
    struct desk d;
    hal_paddr_t blocks[4];
    fill_blocks(&d, blocks, 4);
    for (unsigned i = 0; i < 3; i++)
        desk_give(&d, desk_page(blocks[0], i), 1); /* the second brings the block */
    pmm_drain(d.p);
    desk_give(&d, desk_page(blocks[1], 9), 1);
    desk_give(&d, desk_page(blocks[2], 9), 1);
    EXPECT(parked(&d) == 2);
    desk_give(&d, desk_page(blocks[0], 100), 1); /* its longest run has three pages */
    EXPECT(parked(&d) == 2);
    pmm_drain(d.p);
    hal_paddr_t kernel = pmm_alloc(d.p, 1, PMM_KERNEL);
    EXPECT(pmm_alloc(d.p, 511, PMM_KERNEL) != HAL_PADDR_NONE);
    pmm_drain(d.p);
    EXPECT(pmm_free(d.p, kernel, 1) == MM_OK && parked(&d) == 0);
    hal_paddr_t run = pmm_alloc(d.p, 511, 0);
    hal_paddr_t single = pmm_alloc(d.p, 1, 0);
    EXPECT(hal_align_down(single, BLOCK) != hal_align_down(run, BLOCK));
    desk_close(&d);
}

/* But the page that a CPU without blocks of its own took last is, wherever it lies. */
static void its_own_page(void)
{
    struct desk d;
    desk_blocks(&d, 8, 1); /* too little memory to own any */
    hal_paddr_t first = desk_take(&d, 1), last = desk_take(&d, 1);
    desk_give(&d, first, 1);
    EXPECT(parked(&d) == 0);
    desk_give(&d, last, 1);
    EXPECT(parked(&d) == 1 && desk_compare(&d));
    EXPECT(desk_take(&d, 1) == last && parked(&d) == 0);
    desk_end(&d);
}

/* --- what it is to others --- */

/* Every wrong answer to what is stashed, and what the walk tells. */
static void a_stashed_run(size_t pages)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t before = desk_take(&d, pages < 509 ? 3 : BLOCK_PAGES);
    hal_paddr_t run = desk_take(&d, pages);
    struct pmm_stats full = desk_stats(&d);
    EXPECT(run == before + (pages < 509 ? 3 : BLOCK_PAGES) * HAL_PAGE_SIZE);
    desk_give(&d, run, pages);
    struct pmm_stats s = desk_stats(&d);
    EXPECT(s.parked == pages && s.free == full.free && s.frees == full.frees + 1);
    for (size_t i = 0; i < pages; i += i < 66 ? 1 : 61)
        for (size_t n = 1; n <= pages; n += n < 66 ? 1 : 61)
            EXPECT(pmm_free(d.p, run + i * HAL_PAGE_SIZE, n) == MM_PARKED);
    EXPECT(pmm_split(d.p, run, pages, 1) == MM_PARKED);
    EXPECT(pmm_free(d.p, before + HAL_PAGE_SIZE, 1) == MM_INTERIOR);
    EXPECT(desk_compare(&d));
    EXPECT(desk_take(&d, pages == BLOCK_PAGES ? 511 : pages + 1) != run);
    EXPECT(desk_take(&d, pages) == run);
    EXPECT(desk_stats(&d).allocs == full.allocs + 2);
    desk_end(&d);
}

static void what_a_stashed_run_is(void)
{
    static const size_t lengths[] = {2, 3, 4, 60, 61, 62, 63, 64, 65, 127, 300, 508, 511, 512};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        a_stashed_run(lengths[i]);
}

/* Only the run that was taken last, none longer than a block, and none that reaches the end of its block
 * but the whole of it. */
static void runs_that_are_not_stashed(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t first = desk_take(&d, 4);
    hal_paddr_t second = desk_take(&d, 8);
    desk_give(&d, first, 4);
    EXPECT(parked(&d) == 0);
    desk_give(&d, second, 8);
    EXPECT(parked(&d) == 8);
    hal_paddr_t third = desk_take(&d, 5);
    desk_give(&d, third, 5); /* in place of the other */
    EXPECT(parked(&d) == 5 && desk_compare(&d));
    hal_paddr_t longer = desk_take(&d, BLOCK_PAGES + 1);
    desk_give(&d, longer, BLOCK_PAGES + 1);
    EXPECT(parked(&d) == 5);
    hal_paddr_t most = desk_take(&d, BLOCK_PAGES - 2);
    hal_paddr_t end = desk_take(&d, 2);
    EXPECT(end == desk_page(most, BLOCK_PAGES - 2));
    desk_give(&d, end, 2);
    EXPECT(parked(&d) == 5 && desk_compare(&d));
    EXPECT(pmm_alloc(d.p, 0, 0) == HAL_PADDR_NONE && parked(&d) == 5);
    hal_paddr_t kernel = pmm_alloc(d.p, 5, PMM_KERNEL);
    EXPECT(model_accept(&d.m, kernel, 5, HAL_PAGE_SIZE, PMM_KERNEL) == NULL && parked(&d) == 5);
    EXPECT(desk_take(&d, 5) == third);
    desk_give(&d, kernel, 5);
    EXPECT(parked(&d) == 0);
    desk_end(&d);
}

/* Whoever gives back as a whole block what is none is told so, though the CPU took it last. */
static void no_whole_block(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t block = desk_take(&d, BLOCK_PAGES);
    EXPECT(pmm_split(d.p, block, BLOCK_PAGES, 100) == MM_OK);
    EXPECT(pmm_free(d.p, block, BLOCK_PAGES) == MM_WRONG_LENGTH && parked(&d) == 0);
    EXPECT(pmm_free(d.p, block, 100) == MM_OK && parked(&d) == 100);
    pmm_drain(d.p);
    EXPECT(pmm_free(d.p, block, BLOCK_PAGES) == MM_ALREADY_FREE);
    desk_close(&d);
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t first = desk_take(&d, 3);
    hal_paddr_t last = desk_take(&d, 3);
    EXPECT(first % BLOCK == 0 && last == desk_page(first, 3));
    desk_give(&d, first, 3);
    desk_give(&d, last, 3);
    pmm_drain(d.p);
    desk_claim(&d, first, BLOCK_PAGES); /* in it lies where the run taken last began */
    EXPECT(pmm_free(d.p, last, BLOCK_PAGES) == MM_INTERIOR && parked(&d) == 0);
    desk_end(&d);
}

/* --- how it comes back --- */

/* Pages here and there and a run are in the stash. */
static hal_paddr_t stash_some(struct desk *d, hal_paddr_t *blocks, unsigned count)
{
    fill_blocks(d, blocks, count);
    for (unsigned b = 0; b < count; b++)
        desk_give(d, desk_page(blocks[b], 17), 1);
    hal_paddr_t run = desk_take(d, 6);
    desk_give(d, run, 6);
    EXPECT(parked(d) == count + 6);
    return run;
}

static void drained(void)
{
    struct desk d;
    hal_paddr_t blocks[5];
    stash_some(&d, blocks, 5);
    uint64_t free = desk_stats(&d).free;
    uint64_t frees = desk_stats(&d).frees;
    pmm_drain(d.p);
    EXPECT(parked(&d) == 0 && desk_stats(&d).free == free + 11 && desk_stats(&d).frees == frees);
    pmm_drain(d.p);
    desk_end(&d);
}

/* A request that only what is stashed can serve: the block around it is whole without it. */
static void before_a_request_fails(void)
{
    struct desk d;
    hal_paddr_t blocks[2];
    stash_some(&d, blocks, 2);
    while (model_can_alloc(&d.m, 1024, HAL_PAGE_SIZE, 0))
        desk_take(&d, 1024);
    while (model_can_alloc(&d.m, BLOCK_PAGES, HAL_PAGE_SIZE, 0))
        desk_take(&d, BLOCK_PAGES);
    EXPECT(parked(&d) == 0);
    EXPECT(pmm_alloc(d.p, BLOCK_PAGES, 0) == HAL_PADDR_NONE);
    model_count_failure(&d.m, 0);
    desk_end(&d);
}

/* What this CPU has stashed can be claimed, page by page and as a run. */
static void claimed(void)
{
    struct desk d;
    hal_paddr_t blocks[3];
    hal_paddr_t run = stash_some(&d, blocks, 3);
    struct magazine_cpu *cpu = &d.p->cpus[0];
    EXPECT(pmm_claim(d.p, blocks[0], 1) == MM_BUSY); /* in use, whatever was given back meanwhile */
    EXPECT(parked(&d) == 0 && cpu->stash.count == 0 && cpu->stash.run.pages == 0);
    desk_claim(&d, run, 6);
    desk_claim(&d, desk_page(blocks[1], 17), 1);
    desk_end(&d);
}

#define REACHED 64u

/* CPU 1 gives back the only run of so many pages, and two single pages, and is idle: all are stashed. */
static hal_paddr_t stash_as_cpu_1(struct desk *d, bool joined)
{
    host_set_cpu(1);
    if (joined)
        host_join();
    hal_paddr_t full = pmm_alloc(d->p, BLOCK_PAGES - REACHED, 0);
    hal_paddr_t run = pmm_alloc(d->p, REACHED - 1, 0);
    for (unsigned i = 0; i < 15 * BLOCK_PAGES; i += 2)
        EXPECT(pmm_claim(d->p, full + BLOCK + i * HAL_PAGE_SIZE, 1) == MM_OK);
    EXPECT(run == desk_page(full, BLOCK_PAGES - REACHED) &&
           pmm_free(d->p, run, REACHED - 1) == MM_OK);
    EXPECT(d->p->cpus[1].stash.run.pages == REACHED - 1 && parked(d) == REACHED - 1);
    if (joined)
        host_idle(true);
    host_set_cpu(0);
    return run;
}

/* Another CPU's stash is within reach by a call to it, and only so: by a request that would fail, and by a
 * claim. The zone is too small for magazines, and has free pages, but none side by side. */
static void of_another_cpu(void)
{
    for (unsigned how = 0; how < 4; how++) {
        struct desk d;
        bool joined = how >= 2;
        desk_blocks(&d, 16, 2);
        if (joined)
            host_join();
        hal_paddr_t run = stash_as_cpu_1(&d, joined);
        if (how % 2 == 0)
            EXPECT(pmm_claim(d.p, run + HAL_PAGE_SIZE, 2) == (joined ? MM_OK : MM_BUSY));
        else
            EXPECT(pmm_alloc(d.p, REACHED - 1, 0) == (joined ? run : HAL_PADDR_NONE));
        EXPECT(parked(&d) == (joined ? 0 : REACHED - 1));
        desk_close(&d);
    }
}

/* While a call looks for what was parked, nothing more is. */
static void not_behind_a_search(void)
{
    struct desk d;
    hal_paddr_t blocks[4];
    fill_blocks(&d, blocks, 4);
    hal_paddr_t run = desk_take(&d, 7);
    const struct stash *st = &d.p->cpus[0].stash;
    parked_begin(d.p);
    parked_begin(d.p);
    desk_give(&d, desk_page(blocks[0], 9), 1);
    desk_give(&d, run, 7);
    EXPECT(st->count == 0 && st->run.pages == 0);
    parked_end(d.p);
    desk_give(&d, desk_page(blocks[1], 9), 1);
    EXPECT(st->count == 0);
    parked_end(d.p);
    desk_give(&d, desk_page(blocks[2], 9), 1);
    EXPECT(st->count == 1);
    desk_end(&d);
}

/* In each zone: of a large DMA zone CPUs own blocks, too. */
static void in_no_zone_behind_a_search(void)
{
    static const struct mem_region memory[] = {RAM(1 * MIB, 15 * MIB), RAM(2 * GIB, 8 * MIB),
                                               RAM(HIGH, 8 * MIB)};
    struct desk d;
    DESK_MAKE(&d, memory);
    parked_begin(d.p);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        EXPECT(d.p->zones[z]->free != 0 && !zone_may_park(d.p->zones[z], 1));
    parked_end(d.p);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        EXPECT(zone_may_park(d.p->zones[z], 1));
    desk_end(&d);
}

static void retired(void)
{
    struct desk d;
    hal_paddr_t blocks[6];
    static struct pmm_retiring later;
    hal_paddr_t run = stash_some(&d, blocks, 6);
    const struct stash *st = &d.p->cpus[0].stash;
    EXPECT(pmm_retire(d.p, run + 2 * HAL_PAGE_SIZE, NULL) == MM_OK);
    EXPECT(pmm_retire(d.p, desk_page(blocks[0], 17), NULL) == MM_OK);
    EXPECT(parked(&d) == 0 && desk_stats(&d).bad == 2 && pmm_check(d.p) == NULL);
    EXPECT(pmm_retire(d.p, desk_page(blocks[1], 18), &later) == MM_OK);
    EXPECT(pmm_free(d.p, desk_page(blocks[2], 300), 1) == MM_OK); /* the zone hears of each */
    EXPECT(st->count == 0 && pmm_check(d.p) == NULL);
    EXPECT(pmm_free(d.p, desk_page(blocks[1], 18), 1) == MM_OK && !pmm_retires_later(&later));
    EXPECT(desk_stats(&d).bad == 3);
    EXPECT(pmm_free(d.p, desk_page(blocks[0], 400), 1) == MM_OK &&
           st->count == 0); /* has a bad page */
    EXPECT(pmm_free(d.p, desk_page(blocks[3], 400), 1) == MM_OK && st->count == 1); /* as before */
    desk_close(&d);
}

/* A block whose pages are stashed comes to the CPU when more follow, all its pages with it. */
static void owned_after_it_was_stashed(void)
{
    struct desk d;
    hal_paddr_t blocks[4];
    fill_blocks(&d, blocks, 4);
    static const unsigned order[] = {0, 3, 1, 2, 3, 3, 3};
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        desk_give(&d, desk_page(blocks[order[i]], 10 * i), 1);
    EXPECT(desk_normal(&d)->owned == 1 && parked(&d) == 7);
    EXPECT(d.p->cpus[0].stash.count == 3 && desk_compare(&d));
    EXPECT(desk_normal(&d)->lists.summaries[(blocks[3] - HIGH) / BLOCK].owner == 1);
    desk_end(&d);
}

/* --- which zones --- */

static const struct mem_region three[] = {RAM(MIB, 14 * MIB), RAM(16 * MIB, 64 * MIB),
                                          RAM(HIGH, 4 * MIB)};

/* Four times what a CPU may have in its stash must be free for each CPU: a run of so many pages, and a
 * full stash of single ones. */
static void as_much_as_is_free(void)
{
    static const struct {
        unsigned blocks, cpus;
    } zones[] = {
        {1, 1}, {1, 2}, {2, 3}, {3, 8}, {4, 1}, {5, 1}, {5, 2}, {1, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        struct desk d;
        desk_blocks(&d, zones[i].blocks, zones[i].cpus);
        for (size_t pages = 2; pages <= BLOCK_PAGES; pages++) {
            hal_paddr_t run = desk_take(&d, pages);
            uint64_t left = zones[i].blocks * BLOCK_PAGES - pages;
            bool fits = 4 * (STASH_PAGES + pages) * zones[i].cpus <= left;
            bool reaches_the_end =
                pages % BLOCK_PAGES != 0 && (run + pages * HAL_PAGE_SIZE) % BLOCK == 0;
            desk_give(&d, run, pages);
            EXPECT(parked(&d) == (fits && !reaches_the_end ? pages : 0));
            pmm_drain(d.p);
        }
        desk_end(&d);
    }
}

/* The same of single pages, in memory that is full but for one stretch. */
static void not_when_memory_runs_low(void)
{
    struct desk d;
    hal_paddr_t blocks[6];
    fill_blocks(&d, blocks, 6);
    uint64_t free = desk_stats(&d).free;
    desk_claim(&d, HIGH + 6 * BLOCK, free - 4 * STASH_PAGES);
    desk_give(&d, desk_page(blocks[0], 9), 1);
    EXPECT(parked(&d) == 1);
    desk_claim(&d, HIGH + 6 * BLOCK + (free - 4 * STASH_PAGES) * HAL_PAGE_SIZE, 1);
    desk_give(&d, desk_page(blocks[2], 9), 1);
    EXPECT(parked(&d) == 1 && desk_stats(&d).free == 4 * STASH_PAGES);
    desk_give(&d, desk_page(blocks[4], 9), 1);
    EXPECT(parked(&d) == 2);
    desk_end(&d);
}

/* Pages of a zone that the CPU does not look into first go back to that. */
static void other_zones_have_none(void)
{
    struct desk d;
    static const uint32_t flags[] = {PMM_DMA, PMM_DMA32};
    static const enum pmm_zone ids[] = {PMM_ZONE_DMA, PMM_ZONE_DMA32};
    desk_make(&d, three, ARRAY_LEN(three), 1);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        struct pmm_stats s;
        hal_paddr_t page = pmm_alloc(d.p, 1, flags[i]);
        EXPECT(page != HAL_PADDR_NONE && pmm_free(d.p, page, 1) == MM_OK);
        pmm_stats(d.p, ids[i], &s);
        EXPECT(s.parked == 0 && s.free == s.total);
    }
    desk_close(&d);
    desk_make(&d, three, 1, 1); /* nothing but DMA memory */
    hal_paddr_t page;
    hal_paddr_t run = pmm_alloc(d.p, 3, 0);
    EXPECT(run != HAL_PADDR_NONE && pmm_free(d.p, run, 3) == MM_OK);
    EXPECT(d.p->zones[PMM_ZONE_DMA]->stashed == 0);
    while ((page = pmm_alloc(d.p, 1, PMM_DMA)) != HAL_PADDR_NONE)
        run = page;
    EXPECT(pmm_free(d.p, run, 1) == MM_OK && d.p->zones[PMM_ZONE_DMA]->stashed == 0);
    desk_close(&d);
}

/* A CPU of a node without memory takes pages of another node, and stashes none of them. */
static void nodes_that_are_not_its_own(void)
{
    static const struct mem_region regions[] = {RAM(HIGH, 16 * MIB)};
    static const struct pmm_node_range range = {.base = HIGH, .end = HIGH + 16 * MIB, .node = 1};
    static const uint32_t nodes[] = {0, 1};
    struct pmm_machine m = pmm_machine_pc(2);
    m.nodes = 2;
    m.ranges = &range;
    m.range_count = 1;
    m.cpu_nodes = nodes;
    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        struct desk d;
        struct pmm_stats s;
        host_set_cpu(0);
        model_init(&d.m, regions, 1);
        d.bytes = pmm_tables_size_for(&d.m.map, &m);
        d.tables = aligned_alloc(64, hal_align_up(d.bytes, 64));
        EXPECT(pmm_create_in_for(&d.m.map, &m, d.tables, d.bytes, &d.p) == MM_OK);
        host_set_cpu(cpu);
        hal_paddr_t run = pmm_alloc(d.p, 4, 0);
        EXPECT(run != HAL_PADDR_NONE && pmm_free(d.p, run, 4) == MM_OK);
        pmm_stats_node(d.p, 1, PMM_ZONE_NORMAL, &s);
        EXPECT(s.parked == (cpu == 1 ? 4 : 0));
        pmm_set_node(d.p, 0); /* what it had comes back, and it stashes no more */
        run = pmm_alloc(d.p, 4, 0);
        EXPECT(run != HAL_PADDR_NONE && pmm_free(d.p, run, 4) == MM_OK);
        pmm_stats_node(d.p, 1, PMM_ZONE_NORMAL, &s);
        EXPECT(s.parked == 0);
        host_set_cpu(0);
        desk_close(&d);
    }
}

/* --- the check --- */

static bool tells(struct desk *d, const char *what)
{
    const char *told = pmm_check(d->p);
    bool right = told != NULL && strcmp(told, what) == 0;
    if (!right)
        printf("  told \"%s\"\n", told != NULL ? told : "nothing");
    return right;
}

static void broken_stashes(void)
{
    static const char wrong[] = "P4: a CPU's stash has what is not parked there";
    struct desk d;
    hal_paddr_t blocks[3];
    stash_some(&d, blocks, 3);
    struct stash *st = &d.p->cpus[0].stash;
    const struct stash is = *st;
    st->pages[1].index++;
    EXPECT(tells(&d, wrong));
    st->pages[1].block = UINT32_MAX;
    EXPECT(tells(&d, wrong));
    *st = is;
    st->run.pages = 5;
    EXPECT(tells(&d, wrong));
    st->run.pages = 7;
    EXPECT(tells(&d, wrong));
    *st = is;
    st->run.page = UINT64_MAX;
    EXPECT(tells(&d, wrong));
    uint64_t first = HIGH / HAL_PAGE_SIZE;
    struct block_bits *bits = desk_normal(&d)->lists.bits;
    bits[DESK_BLOCKS - 1] = bits[(is.run.page - first) / BLOCK_PAGES];
    st->run.page = first + (DESK_BLOCKS - 1) * BLOCK_PAGES + is.run.page % BLOCK_PAGES;
    EXPECT(tells(&d, wrong)); /* wholly free, whatever its bits say */
    *st = is;
    st->pages[1].index = 1u << 30;
    EXPECT(tells(&d, wrong));
    *st = is;
    st->run.pages = BLOCK_PAGES + 1;
    EXPECT(tells(&d, wrong));
    *st = is;
    st->count = STASH_PAGES + 1;
    EXPECT(tells(&d, wrong));
    *st = is;
    st->zone = NULL;
    EXPECT(tells(&d, wrong));
    st->count = 0;
    EXPECT(tells(&d, wrong));
    *st = is;
    st->count--;
    EXPECT(tells(&d, "P4: pages are parked that no CPU has in its stash"));
    *st = is;
    st->pages[st->count++] = st->pages[0];
    EXPECT(tells(&d, "P4: pages are parked that no CPU has in its stash"));
    *st = is;
    hal_paddr_t owned = pmm_alloc(d.p, 1, PMM_KERNEL);
    st->pages[0] =
        (struct place){(uint32_t)((owned - HIGH) / BLOCK), 1}; /* parked, but not in a stash */
    EXPECT(desk_normal(&d)->owned == 1 && tells(&d, wrong));
    *st = is;
    EXPECT(pmm_retire(d.p, HIGH + (DESK_BLOCKS - 1) * BLOCK, NULL) == MM_OK);
    st->pages[0] = (struct place){DESK_BLOCKS - 1, 0}; /* bad, which has the same bits */
    EXPECT(tells(&d, wrong));
    *st = is;
    desk_normal(&d)->stashed--;
    st->count--;
    EXPECT(
        tells(&d, "P4: the pages of a zone that CPUs have stashed are not as many as it counts"));
    desk_drop(&d);
}

int main(void)
{
    host_ram_create(HIGH + DESK_BLOCKS * BLOCK);
    expect_run("pages that come back here and there are taken in turn", pages_in_turn);
    expect_run("requests of other kinds", requests_of_other_kinds);
    expect_run("blocks that become empty are left alone", blocks_that_are_left_alone);
    expect_run("the page taken last, where a CPU owns no blocks", its_own_page);
    expect_run("what a stashed run is to others", what_a_stashed_run_is);
    expect_run("only the run taken last is stashed", runs_that_are_not_stashed);
    expect_run("what is no whole block is not stashed as one", no_whole_block);
    expect_run("drained: all of it is free", drained);
    expect_run("before a request fails the stash comes back", before_a_request_fails);
    expect_run("claimed out of the stash", claimed);
    expect_run("another CPU's stash is within reach", of_another_cpu);
    expect_run("while a call searches nothing is stashed", not_behind_a_search);
    expect_run("in no zone anything is parked while a call searches", in_no_zone_behind_a_search);
    expect_run("retired out of the stash", retired);
    expect_run("a block that more pages come back to is owned", owned_after_it_was_stashed);
    expect_run("a stash is as large as what is free allows", as_much_as_is_free);
    expect_run("nothing is stashed when memory runs low", not_when_memory_runs_low);
    expect_run("zones that are not looked into first have none", other_zones_have_none);
    expect_run("a stash has pages of its CPU's node alone", nodes_that_are_not_its_own);
    expect_run("a broken stash is told", broken_stashes);
    return expect_total();
}
