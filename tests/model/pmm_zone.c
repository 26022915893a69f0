/* mm/zone.h: which block a request is served from, of those that would all do, and the low-water
 * mark. */
#include "hal/short.h"
#include "tests/model/pmm_desk.h"

/* Each kind of request has blocks of its own class, where CPUs own none. */
static const struct {
    size_t pages;
    uint32_t flags;
    enum block_class class;
} kinds[] = {{2, 0, CLASS_RUNS},
             {1, 0, CLASS_PAGES},
             {2, PMM_KERNEL, CLASS_KERNEL_RUNS},
             {1, PMM_KERNEL, CLASS_KERNEL_PAGES}};

static void classes_by_request(void)
{
    struct desk d;
    desk_blocks(&d, 8, 1);
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        hal_paddr_t at = pmm_alloc(d.p, kinds[i].pages, kinds[i].flags);
        EXPECT(desk_normal(&d)->lists.summaries[(at - HIGH) / BLOCK].class == kinds[i].class);
    }
    desk_close(&d);
}

/* Four blocks, one of each class, the class `first` at the bottom and so on, each with pages used
 * up from below. */
static void one_of_each(struct desk *d, unsigned first, hal_paddr_t *block)
{
    desk_blocks(d, CLASS_COUNT, 1);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        unsigned k = (first + i) % CLASS_COUNT;
        hal_paddr_t at = pmm_alloc(d->p, kinds[k].pages, kinds[k].flags);
        EXPECT(at == HIGH + i * BLOCK);
        block[kinds[k].class] = at;
    }
}

/* When nothing is whole, who needs pages goes to its own blocks, then to those of the same use or
 * the same size, and last to those that differ in both. */
static void fall_back(enum block_class class, const uint8_t *order, unsigned first)
{
    struct desk d;
    hal_paddr_t block[CLASS_COUNT];
    struct place at;
    one_of_each(&d, first, block);
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        EXPECT(zone_take_run(desk_normal(&d), 3, 0, class, &at));
        EXPECT(HIGH + at.block * BLOCK == block[order[i]]);
        EXPECT(desk_normal(&d)->lists.summaries[at.block].class == order[i]);
        unsigned next = at.index + 3; /* all that is left of the block */
        EXPECT(pmm_claim(d.p, desk_page(block[order[i]], next), BLOCK_PAGES - next) == MM_OK);
    }
    EXPECT(!zone_take_run(desk_normal(&d), 1, 0, class, &at));
    desk_close(&d);
}

static void other_classes_in_order(void)
{
    static const uint8_t order[][CLASS_COUNT] = {
        {CLASS_RUNS, CLASS_PAGES, CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES},
        {CLASS_PAGES, CLASS_RUNS, CLASS_KERNEL_PAGES, CLASS_KERNEL_RUNS},
        {CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES, CLASS_RUNS, CLASS_PAGES},
        {CLASS_KERNEL_PAGES, CLASS_KERNEL_RUNS, CLASS_PAGES, CLASS_RUNS},
    };
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        for (unsigned first = 0; first < CLASS_COUNT; first++)
            fall_back((enum block_class)order[i][0], order[i], first);
}

/* The highest zone serves first, also when its last block may be owned by nobody. */
static void highest_zone_first(void)
{
    static const struct mem_region regions[] = {RAM(2 * GIB, 128 * MIB),
                                                RAM(HIGH, DESK_BLOCKS * BLOCK)};
    struct desk d;
    model_init(&d.m, regions, ARRAY_LEN(regions));
    d.p = model_create(&d.m, 1, &d.tables, &d.bytes);
    EXPECT(pmm_claim(d.p, HIGH + BLOCK, (DESK_BLOCKS - 1) * BLOCK_PAGES) == MM_OK);
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        EXPECT(pmm_alloc(d.p, 1, 0) == desk_page(HIGH, i));
    EXPECT(pmm_alloc(d.p, 1, 0) == 2 * GIB);
    desk_close(&d);
}

/* A run, or a block owned, while there is more than there was once leaves the mark where it is. */
static void low_water_stays_low(void)
{
    struct desk d;
    desk_blocks(&d, DESK_BLOCKS, 1);
    hal_paddr_t run = pmm_alloc(d.p, 20 * BLOCK_PAGES, 0);
    EXPECT(pmm_free(d.p, run, 20 * BLOCK_PAGES) == MM_OK);
    EXPECT(desk_stats(&d).low_water == (DESK_BLOCKS - 20) * BLOCK_PAGES);
    EXPECT(pmm_alloc(d.p, 3, 0) != HAL_PADDR_NONE);
    EXPECT(desk_stats(&d).low_water == (DESK_BLOCKS - 20) * BLOCK_PAGES);
    desk_take_pages(&d, 1, 0);
    EXPECT(desk_stats(&d).parked == BLOCK_PAGES - 1);
    EXPECT(desk_stats(&d).low_water == (DESK_BLOCKS - 20) * BLOCK_PAGES);
    desk_close(&d);
}

static const struct mem_region small[] = {RAM(HIGH, 32 * MIB)};

static const struct mem_region zones[] = {RAM(1 * MIB, 63 * MIB), RAM(HIGH, 64 * MIB)};

static uint64_t block_of(hal_paddr_t at)
{
    return at / (2 * MIB);
}

/* A single page and a run, for the kernel and not: four blocks while there is room for them. */
static void classes_have_blocks_of_their_own(void)
{
    static const struct {
        size_t pages;
        uint32_t flags;
    } requests[] = {{1, 0}, {2, 0}, {1, PMM_KERNEL}, {2, PMM_KERNEL}};
    struct desk d;
    uint64_t block[ARRAY_LEN(requests)];
    desk_make(&d, small, ARRAY_LEN(small), 1);
    for (unsigned i = 0; i < ARRAY_LEN(requests); i++)
        block[i] = block_of(pmm_alloc(d.p, requests[i].pages, requests[i].flags));
    for (unsigned i = 0; i < ARRAY_LEN(requests); i++) {
        EXPECT(block_of(pmm_alloc(d.p, requests[i].pages, requests[i].flags)) == block[i]);
        for (unsigned j = 0; j < i; j++)
            EXPECT(block[i] != block[j]);
    }
    EXPECT(block_of(pmm_alloc(d.p, 3, 0)) == block[1]);
    EXPECT(block_of(pmm_alloc(d.p, 3, PMM_KERNEL)) == block[3]);
    desk_close(&d);
}

static void low_water_begins_full(void)
{
    static const uint64_t pages[PMM_ZONE_COUNT] = {15 * 256, 48 * 256, 64 * 256};
    struct desk d;
    desk_make(&d, zones, ARRAY_LEN(zones), 1);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(d.p, (enum pmm_zone)z, &s);
        EXPECT(s.free == pages[z] && s.low_water == pages[z]);
    }
    desk_close(&d);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("each kind of request has a class", classes_by_request);
    expect_run("other classes serve in the order of least harm", other_classes_in_order);
    expect_run("the highest zone serves to its last page", highest_zone_first);
    expect_run("taking does not raise low_water", low_water_stays_low);
    expect_run("each class has blocks of its own", classes_have_blocks_of_their_own);
    expect_run("low_water begins with all that is free", low_water_begins_full);
    return expect_total();
}
