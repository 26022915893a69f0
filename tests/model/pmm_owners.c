/* What lives where, and what a CPU that owns a block keeps others from. Found wanting by `make
 * mutate`: each test here is of a change in mm/ that no other test saw. */
#include "tests/model/expect.h"
#include "tests/model/maps.h"

#include "hal/host/host.h"
#include "mm/pmm.h"

#include <stdlib.h>

#define HIGH (4 * GIB)

struct desk {
    struct mem_region regions[4];
    struct memmap map;
    struct pmm *p;
    void *tables;
};

static void make(struct desk *d, const struct mem_region *regions, size_t count, unsigned cpus)
{
    for (size_t i = 0; i < count; i++)
        d->regions[i] = regions[i];
    d->map = (struct memmap){.regions = d->regions,
                             .capacity = ARRAY_LEN(d->regions),
                             .count = count,
                             .limit = (uint64_t)1 << 52,
                             .normalized = true};
    size_t bytes = align_up(pmm_tables_size(&d->map, cpus), 64);
    d->tables = aligned_alloc(64, bytes);
    host_set_cpu(0);
    if (!EXPECT(pmm_create_in(&d->map, cpus, d->tables, bytes, &d->p) == STATUS_OK))
        exit(1);
}

static void end(struct desk *d)
{
    const char *broken = pmm_check(d->p);
    if (!EXPECT(broken == NULL))
        printf("  %s\n", broken);
    free(d->tables);
}

static const struct mem_region big[] = {RAM(HIGH, 256 * MIB)};
static const struct mem_region small[] = {RAM(HIGH, 32 * MIB)};
static const struct mem_region zones[] = {RAM(1 * MIB, 63 * MIB), RAM(HIGH, 64 * MIB)};

static uint64_t block_of(paddr_t at)
{
    return at / (2 * MIB);
}

/* A single page and a run, for the kernel and not: four blocks while there is room for them. */
static void classes_have_blocks_of_their_own(void)
{
    static const struct {
        size_t pages;
        uint32_t flags;
    } kinds[] = {{1, 0}, {2, 0}, {1, PMM_KERNEL}, {2, PMM_KERNEL}};
    struct desk d;
    uint64_t block[ARRAY_LEN(kinds)];
    make(&d, small, ARRAY_LEN(small), 1);
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        block[i] = block_of(pmm_alloc(d.p, kinds[i].pages, kinds[i].flags));
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        EXPECT(block_of(pmm_alloc(d.p, kinds[i].pages, kinds[i].flags)) == block[i]);
        for (unsigned j = 0; j < i; j++)
            EXPECT(block[i] != block[j]);
    }
    EXPECT(block_of(pmm_alloc(d.p, 3, 0)) == block[1]);
    EXPECT(block_of(pmm_alloc(d.p, 3, PMM_KERNEL)) == block[3]);
    end(&d);
}

/* Each byte between the first of a page and the first of the next, in a block that this CPU owns.
 */
static void no_page_begins_inside_a_page(void)
{
    struct desk d;
    make(&d, big, ARRAY_LEN(big), 1);
    paddr_t page = pmm_alloc(d.p, 1, 0);
    EXPECT(page != PADDR_NONE);
    for (uint64_t byte = 1; byte < PAGE_SIZE; byte++)
        EXPECT(pmm_free(d.p, page + byte, 1) == STATUS_NOT_PAGE);
    EXPECT(pmm_free(d.p, page, 1) == STATUS_OK);
    EXPECT(pmm_free(d.p, page, 1) == STATUS_PARKED);
    end(&d);
}

static void low_water_begins_full(void)
{
    static const uint64_t pages[PMM_ZONE_COUNT] = {15 * 256, 48 * 256, 64 * 256};
    struct desk d;
    make(&d, zones, ARRAY_LEN(zones), 1);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(d.p, (enum pmm_zone)z, &s);
        EXPECT(s.free == pages[z] && s.low_water == pages[z]);
    }
    end(&d);
}

/* A run was claimed in a block of single pages: no CPU may own that block any more. */
static void a_block_with_a_run_has_no_owner(void)
{
    struct desk d;
    make(&d, big, ARRAY_LEN(big), 1);
    paddr_t page = pmm_alloc(d.p, 1, 0);
    pmm_drain(d.p);
    paddr_t run = block_of(page) * 2 * MIB + 100 * PAGE_SIZE;
    EXPECT(pmm_claim(d.p, run, 3) == STATUS_OK);
    paddr_t second = pmm_alloc(d.p, 1, 0);
    EXPECT(second != PADDR_NONE && pmm_check(d.p) == NULL);
    EXPECT(pmm_free(d.p, run, 1) == STATUS_WRONG_LENGTH); /* its owner would park it unasked */
    EXPECT(pmm_free(d.p, run, 3) == STATUS_OK);
    EXPECT(pmm_check(d.p) == NULL);
    EXPECT(pmm_free(d.p, second, 1) == STATUS_OK && pmm_free(d.p, page, 1) == STATUS_OK);
    pmm_drain(d.p);
    struct pmm_stats s;
    pmm_stats(d.p, PMM_ZONE_NORMAL, &s);
    EXPECT(s.free == 256 * 256 && s.parked == 0 && s.free_blocks == 128);
    end(&d);
}

/* Take everything that this CPU can get. */
static void take_all(struct desk *d)
{
    for (size_t pages = 512; pages > 0; pages /= 2)
        while (pmm_alloc(d->p, pages, 0) != PADDR_NONE)
            continue;
}

/* CPU 1 gives back pages of a block that CPU 0 owns, side by side: they are for CPU 0 alone, and
 * are taken again, each once, when it gives the block back. */
static void what_comes_back_is_the_owners(void)
{
    struct desk d;
    paddr_t pages[8];
    static const paddr_t claimed[] = {HIGH + 128 * MIB, HIGH + 128 * MIB + PAGE_SIZE,
                                      HIGH + 128 * MIB + 2 * PAGE_SIZE};
    make(&d, big, ARRAY_LEN(big), 2);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
        pages[i] = pmm_alloc(d.p, 1, 0);
    host_set_cpu(1);
    for (unsigned i = 0; i < ARRAY_LEN(claimed); i++)
        EXPECT(pmm_claim(d.p, claimed[i], 1) == STATUS_OK);
    take_all(&d);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        EXPECT(pages[i] == pages[0] + i * PAGE_SIZE);
        EXPECT(pmm_free(d.p, pages[i], 1) == STATUS_OK);
    }
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        EXPECT(pmm_free(d.p, pages[i], 1) == STATUS_PARKED);
        EXPECT(pmm_claim(d.p, pages[i], 1) == STATUS_BUSY);
    }
    EXPECT(pmm_alloc(d.p, 1, 0) == PADDR_NONE);
    EXPECT(pmm_free(d.p, claimed[0], 1) == STATUS_OK && pmm_free(d.p, claimed[2], 1) == STATUS_OK);
    EXPECT(pmm_alloc(d.p, 2, 0) == PADDR_NONE); /* two pages are free, but not side by side */
    EXPECT(pmm_check(d.p) == NULL);
    host_set_cpu(0);
    pmm_drain(d.p);
    host_set_cpu(1);
    EXPECT(pmm_alloc(d.p, 8, 0) == pages[0]);
    end(&d);
}

int main(void)
{
    host_ram_create(HIGH + 256 * MIB);
    expect_run("each class has blocks of its own", classes_have_blocks_of_their_own);
    expect_run("no page begins inside a page", no_page_begins_inside_a_page);
    expect_run("low_water begins with all that is free", low_water_begins_full);
    expect_run("a block with a run has no owner", a_block_with_a_run_has_no_owner);
    expect_run("what comes back to an owned block is its owner's", what_comes_back_is_the_owners);
    return expect_total();
}
