/* What a log says of a map does not depend on the order in which the firmware told it: overlaps are
 * told by address, and those that begin together by length. */
#include "hal/short.h"
#include "tests/model/expect.h"

#include "mm/memmap.h"

#define ENTRIES 4u
#define BASE    (16 * MIB)

static struct {
    hal_paddr_t base;
    uint64_t size;
} told[8];
static unsigned told_count;

static void listen(void *ctx, enum memmap_anomaly what, hal_paddr_t base, uint64_t size)
{
    UNUSED(ctx);
    if (what == MEMMAP_OVERLAP && EXPECT(told_count < ARRAY_LEN(told))) {
        told[told_count].base = base;
        told[told_count++].size = size;
    }
}

/* Entries of 1 to 4 pages; all but the last begin at BASE, which has one page more before them. */
static void in_this_order(const unsigned *order)
{
    struct mem_region storage[2 * ENTRIES];
    struct memmap map;
    memmap_init(&map, storage, ARRAY_LEN(storage));
    memmap_on_anomaly(&map, listen, NULL);
    told_count = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        hal_paddr_t base = order[i] + 1 == ENTRIES ? BASE - HAL_PAGE_SIZE : BASE;
        uint64_t size = (order[i] + 1) * HAL_PAGE_SIZE;
        EXPECT(memmap_add(&map, base, size, MEM_USABLE) == MM_OK);
    }
    EXPECT(memmap_normalize(&map) == MM_OK);
    EXPECT(told_count == ENTRIES - 1);
    for (unsigned i = 0; i < told_count; i++)
        EXPECT(told[i].base == BASE && told[i].size == (i + 1) * HAL_PAGE_SIZE);
    EXPECT(map.count == 1 && map.regions[0].base == BASE - HAL_PAGE_SIZE &&
           map.regions[0].size == 4 * HAL_PAGE_SIZE);
}

static void permute(unsigned *order, unsigned from)
{
    if (from == ENTRIES)
        in_this_order(order);
    for (unsigned i = from; i < ENTRIES; i++) {
        unsigned chosen = order[i];
        order[i] = order[from];
        order[from] = chosen;
        permute(order, from + 1);
        order[from] = order[i];
        order[i] = chosen;
    }
}

static void overlaps_by_address_then_length(void)
{
    unsigned order[ENTRIES];
    for (unsigned i = 0; i < ENTRIES; i++)
        order[i] = i;
    permute(order, 0);
}

int main(void)
{
    expect_run("overlaps are told by address, then by length, in whatever order they came",
               overlaps_by_address_then_length);
    return expect_total();
}
