/* The allocator on machines of several nodes, against a naive model (pmm_nodes_model.h). Requests name nodes,
 * limits and boundaries; every sequence of them on a few pages, and random ones on many.
 *
 * needs: -O1
 * takes: 14 s
 */
#include "tests/model/pmm_nodes_model.h"

#define HIGH  (4 * GIB)
#define DEPTH 5u

/* Borders in the middle of blocks; a node behind another; a node without memory (3), one without a CPU
 * (2); memory that no range has. From node 3 node 0 is nearer than node 1, whose number is nearer. */
static const struct pmm_node_range ranges[] = {
    {0, 15 * MIB + 4 * KIB, 0},        {15 * MIB + 4 * KIB, 17 * MIB + 4 * KIB, 0},
    {17 * MIB + 4 * KIB, 20 * MIB, 1}, {20 * MIB, 23 * MIB, 0},
    {23 * MIB, HIGH + 3 * MIB, 2},     {HIGH + 3 * MIB, HIGH + 5 * MIB + 8 * KIB, 1}};
static const uint32_t cpu_nodes[] = {0, 1, 3, 1};
static const uint8_t distance[NODES][NODES] = {
    {10, 30, 12, 15}, {30, 10, 12, 20}, {12, 12, 10, 12}, {15, 20, 12, 10}};

static const struct machine many = {
    "four nodes, interleaved",
    {.cpus = 4,
     .nodes = NODES,
     .dma_end = 16 * MIB,
     .dma32_end = HIGH,
     .ranges = ranges,
     .range_count = ARRAY_LEN(ranges),
     .cpu_nodes = cpu_nodes,
     .distance = &distance[0][0],
     .distance_row = NODES},
    {RAM(14 * MIB, 10 * MIB), RAM(HIGH - 4 * MIB, 12 * MIB + 12 * KIB)},
    2};

/* Eleven pages: two in DMA, three in DMA32, the others above, in each zone those of two nodes. A board
 * whose zones end where it likes. Node 2 has one run of three pages that no multiple of 16 KiB cuts, and it
 * ends at one. */
static const struct pmm_node_range few_ranges[] = {{0, 32 * MIB - 8 * KIB, 0},
                                                   {32 * MIB - 8 * KIB, 32 * MIB + 4 * KIB, 1},
                                                   {32 * MIB + 4 * KIB, 32 * MIB + 20 * KIB, 2}};
static const struct machine few = {"three nodes, eleven pages",
                                   {.cpus = 4,
                                    .nodes = 3,
                                    .dma_end = 32 * MIB - 12 * KIB,
                                    .dma32_end = 32 * MIB,
                                    .ranges = few_ranges,
                                    .range_count = ARRAY_LEN(few_ranges),
                                    .cpu_nodes = (const uint32_t[]){0, 1, 1, 0}},
                                   {RAM(32 * MIB - 20 * KIB, 44 * KIB)},
                                   1};

/* --- random --- */

static uint64_t seed;

static uint64_t below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static uint64_t any_length(void)
{
    static const uint16_t lengths[] = {1, 1, 1, 2, 7, 64, 65, 512, 512, 700};
    return lengths[below(ARRAY_LEN(lengths))];
}

static struct pmm_request any_request(void)
{
    struct pmm_request r = {.pages = any_length(), .flags = (uint32_t)below(64) & ~PMM_ZERO};
    r.node = (uint32_t)below(NODES);
    if (r.pages == 512 || below(4) == 0)
        r.align = HAL_PAGE_SIZE << below(10);
    if (below(4) == 0)
        r.limit = w.page[below(w.pages)].at + below(3) * 2048;
    if (below(4) == 0)
        r.boundary = HAL_PAGE_SIZE << (10 + below(10));
    if (below(8) == 0 && r.pages < 65)
        r.boundary = 64 * HAL_PAGE_SIZE;
    return r;
}

static void random_requests(void)
{
    begin(&many);
    unsigned fill = 5;
    for (unsigned i = 0; i < 12000; i++) {
        if (i % 500 == 0)
            fill = 2 + (unsigned)below(5);
        struct pmm_request r = any_request();
        if (below(8) < fill && w.live_count < LIVE)
            request((uint32_t)below(4), &r);
        else if (w.live_count > 0)
            give((uint32_t)below(w.live_count));
        if (i % 1000 == 0)
            compare(i % 4000 == 0);
    }
    while (w.live_count > 0)
        give(0);
    compare(true);
    free(tables);
}

/* --- every sequence --- */

static const struct {
    uint32_t cpu;
    struct pmm_request r;
} few_requests[] = {
    {0, {.pages = 1}},
    {1, {.pages = 1}},
    {1, {.pages = 2, .flags = PMM_HERE}},
    {0, {.pages = 1, .flags = PMM_NODE, .node = 2}},
    {0, {.pages = 2, .flags = PMM_NODE | PMM_HERE, .node = 2}},
    {1, {.pages = 2, .limit = 32 * MIB - 4 * KIB}},
    {0, {.pages = 2, .boundary = 8 * KIB, .align = 4 * KIB}},
    {0, {.pages = 3, .boundary = 16 * KIB}},
    {1, {.pages = 1, .flags = PMM_DMA}},
    {0, {.pages = 1, .flags = PMM_DMA32 | PMM_HERE}},
};

static uint64_t sequences;

static void descend(unsigned depth)
{
    static struct world worlds[DEPTH];
    static unsigned char *saved[DEPTH];
    if (depth == DEPTH) {
        sequences++;
        compare(false);
        return;
    }
    if (saved[depth] == NULL && (saved[depth] = malloc(table_bytes)) == NULL)
        abort();
    memcpy(&worlds[depth], &w, sizeof w);
    memcpy(saved[depth], tables, table_bytes);
    for (uint32_t i = 0; i < ARRAY_LEN(few_requests) + worlds[depth].live_count; i++) {
        if (i < ARRAY_LEN(few_requests))
            request(few_requests[i].cpu, &few_requests[i].r);
        else
            give(i - (uint32_t)ARRAY_LEN(few_requests));
        descend(depth + 1);
        memcpy(&w, &worlds[depth], sizeof w);
        memcpy(tables, saved[depth], table_bytes);
    }
}

static void every_sequence(void)
{
    begin(&few);
    descend(0);
    EXPECT(sequences > 100000);
    free(tables);
}

/* --- tables --- */

/* Too little memory for the tables, from none on, is told before anything is written; the least that is taken
 * is enough, and the size that the header promises is no less. */
static void tables_of_any_size(void)
{
    struct mem_region copy[6];
    memcpy(copy, many.regions, sizeof copy);
    struct memmap map = map_of(copy, many.count);
    size_t promised = pmm_tables_size_for(&map, &many.m), bytes = 0;
    mm_status_t status = MM_FULL;
    for (; status == MM_FULL && bytes < 2 * promised; bytes += 64) {
        unsigned char *memory = aligned_alloc(64, bytes);
        memset(memory, 0xA5, bytes);
        status = pmm_create_in_for(&map, &many.m, memory, bytes, &pmm);
        size_t kept = 0;
        while (kept < bytes && memory[kept] == 0xA5)
            kept++;
        EXPECT(status == MM_FULL ? kept == bytes : status == MM_OK && pmm_check(pmm) == NULL);
        free(memory);
    }
    EXPECT(status == MM_OK && bytes - 64 <= (promised + 63) / 64 * 64 && bytes > promised / 2);
}

/* --- longer than any alignment that the lists know --- */

/* Each 2 GiB have room for one such run, wherever it begins; the first page is taken. */
static void long_runs_keep_a_boundary(void)
{
    struct mem_region region = RAM(HIGH, 6 * GIB);
    struct memmap map = map_of(&region, 1);
    struct pmm_request r = {.pages = GIB / HAL_PAGE_SIZE + 1, .boundary = 2 * GIB};
    unsigned seen = 0;
    table_bytes = (pmm_tables_size(&map, 1) + 63) / 64 * 64;
    tables = aligned_alloc(64, table_bytes);
    if (tables == NULL || pmm_create_in(&map, 1, tables, table_bytes, &pmm) != MM_OK)
        abort();
    host_set_cpu(0);
    EXPECT(pmm_claim(pmm, HIGH, 1) == MM_OK);
    for (unsigned i = 0; i < 3; i++) {
        hal_paddr_t got = pmm_alloc_request(pmm, &r);
        EXPECT(got / r.boundary == (got + GIB) / r.boundary);
        seen |= 1u << got / r.boundary;
    }
    EXPECT(seen == (1u << 2 | 1u << 3 | 1u << 4));
    EXPECT(pmm_alloc_request(pmm, &r) == HAL_PADDR_NONE && pmm_check(pmm) == NULL);
    r.boundary = 0;
    EXPECT(pmm_alloc_request(pmm, &r) == HAL_PADDR_NONE);
    free(tables);
}

/* --- more nodes than most machines have --- */

#define CROWD 300u /* nodes of two pages each, but for node 77; the CPU is on 299 */

static void as_many_nodes_as_there_are(void)
{
    static struct pmm_node_range each[CROWD];
    struct mem_region region = RAM(HIGH, (uint64_t)CROWD * 8 * KIB);
    struct memmap map = map_of(&region, 1);
    struct pmm_machine m = pmm_machine_pc(1);
    for (uint32_t i = 0; i < CROWD; i++)
        each[i] =
            (struct pmm_node_range){HIGH + i * 8 * KIB, HIGH + (i + 1) * 8 * KIB, i == 77 ? 78 : i};
    m.nodes = CROWD;
    m.ranges = each;
    m.range_count = CROWD;
    m.cpu_nodes = (const uint32_t[]){CROWD - 1};
    table_bytes = (pmm_tables_size_for(&map, &m) + 63) / 64 * 64;
    tables = aligned_alloc(64, table_bytes);
    if (tables == NULL || pmm_create_in_for(&map, &m, tables, table_bytes, &pmm) != MM_OK)
        abort();
    host_set_cpu(0);
    for (uint32_t i = 0; i < CROWD; i++) {
        struct pmm_request r = {.pages = 2, .flags = PMM_NODE | PMM_HERE, .node = i};
        hal_paddr_t got = pmm_alloc_request(pmm, &r);
        EXPECT(i == 77 ? got == HAL_PADDR_NONE : got == each[i == 78 ? 77 : i].base);
        EXPECT(got == HAL_PADDR_NONE || pmm_free(pmm, got, 2) == MM_OK);
    }
    for (uint32_t i = CROWD; i-- > 0;) { /* by number, for nobody tells distances */
        uint32_t node = i == 77 ? 78 : i;
        for (unsigned page = 0; page < 2; page++)
            EXPECT(pmm_node_of(pmm, pmm_alloc(pmm, 1, 0)) == node);
    }
    EXPECT(pmm_alloc(pmm, 1, 0) == HAL_PADDR_NONE && pmm_check(pmm) == NULL);
    free(tables);
}

/* --- large nodes, whose CPUs own blocks --- */

#define NODE_SIZE (128 * MIB)

static const struct pmm_node_range large_ranges[] = {{HIGH, HIGH + NODE_SIZE, 0},
                                                     {HIGH + NODE_SIZE, HIGH + 2 * NODE_SIZE, 1}};
static const struct pmm_machine two = {.cpus = 2,
                                       .nodes = 2,
                                       .dma32_end = HIGH,
                                       .ranges = large_ranges,
                                       .range_count = 2,
                                       .cpu_nodes = (const uint32_t[]){0, 1}};
static hal_paddr_t taken[2 * NODE_SIZE / HAL_PAGE_SIZE];

static void make_two(struct memmap *map, struct mem_region *region)
{
    *region = (struct mem_region)RAM(HIGH, 2 * NODE_SIZE);
    *map = map_of(region, 1);
    table_bytes = (pmm_tables_size_for(map, &two) + 63) / 64 * 64;
    tables = aligned_alloc(64, table_bytes);
    if (tables == NULL || pmm_create_in_for(map, &two, tables, table_bytes, &pmm) != MM_OK)
        abort();
}

static uint64_t free_of(uint32_t node)
{
    struct pmm_stats s;
    pmm_stats_node(pmm, node, PMM_ZONE_NORMAL, &s);
    return s.free;
}

/* As long as memory of the own node is free, no page comes from elsewhere; also when pages of the other
 * node were had meanwhile, and given back here. */
static void pages_are_local(void)
{
    struct mem_region region;
    struct memmap map;
    make_two(&map, &region);
    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        uint32_t count = 0, far = 0;
        host_set_cpu(cpu);
        while (free_of(cpu) != 0) {
            taken[count] = pmm_alloc(pmm, 1, count % 3 == 0 ? PMM_KERNEL : 0);
            far += pmm_node_of(pmm, taken[count++]) != cpu;
        }
        EXPECT(far == 0 && count > NODE_SIZE / HAL_PAGE_SIZE - 1024);
        for (uint32_t i = 0; i < 2000; i++)
            taken[count++] = pmm_alloc(pmm, 1, 0);
        EXPECT(pmm_node_of(pmm, taken[count - 1]) == 1 - cpu);
        for (uint32_t i = 0; i < count; i++)
            EXPECT(pmm_free(pmm, taken[i], 1) == MM_OK);
        for (uint32_t i = 0; i < 5000; i++)
            EXPECT(pmm_node_of(pmm, pmm_alloc(pmm, 1, 0)) == cpu);
        EXPECT(pmm_check(pmm) == NULL);
    }
    free(tables);
}

static void blocks_are_local(void)
{
    struct mem_region region;
    struct memmap map;
    make_two(&map, &region);
    for (uint32_t cpu = 0; cpu < 2; cpu++) {
        host_set_cpu(cpu);
        for (uint32_t i = 0; i < NODE_SIZE / (2 * MIB); i++)
            EXPECT(pmm_node_of(pmm, pmm_alloc_aligned(pmm, 512, 2 * MIB, 0)) == cpu);
        EXPECT(pmm_alloc_aligned(pmm, 512, 2 * MIB, PMM_HERE) == HAL_PADDR_NONE);
        EXPECT(pmm_alloc(pmm, 1, PMM_HERE) == HAL_PADDR_NONE);
    }
    EXPECT(pmm_alloc(pmm, 1, 0) == HAL_PADDR_NONE && pmm_check(pmm) == NULL);
    free(tables);
}

/* The CPUs of a node, and no others, have what belongs to it: all of it, once what one parked is back. */
static void parked_here_is_found(void)
{
    struct mem_region region;
    struct memmap map;
    static const uint32_t both_here[] = {0, 0};
    struct pmm_machine m = two;
    m.cpu_nodes = both_here;
    region = (struct mem_region)RAM(HIGH, 2 * NODE_SIZE);
    map = map_of(&region, 1);
    table_bytes = (pmm_tables_size_for(&map, &m) + 63) / 64 * 64;
    tables = aligned_alloc(64, table_bytes);
    if (tables == NULL || pmm_create_in_for(&map, &m, tables, table_bytes, &pmm) != MM_OK)
        abort();
    host_set_cpu(1);
    EXPECT(pmm_alloc(pmm, 1, 0) != HAL_PADDR_NONE);
    host_set_cpu(0);
    uint32_t count = 1;
    for (; pmm_alloc(pmm, 1, PMM_HERE) != HAL_PADDR_NONE; count++)
        continue;
    host_set_cpu(1);
    pmm_drain(pmm);
    host_set_cpu(0);
    for (; pmm_alloc(pmm, 1, PMM_HERE) != HAL_PADDR_NONE; count++)
        continue;
    EXPECT(count == NODE_SIZE / HAL_PAGE_SIZE);
    EXPECT(free_of(0) == 0 && free_of(1) == NODE_SIZE / HAL_PAGE_SIZE);
    free(tables);
}

int main(void)
{
    host_ram_create(HIGH + 512 * MIB);
    expect_run("single pages come from the own node while it has any", pages_are_local);
    expect_run("2 MiB blocks come from the own node while it has any", blocks_are_local);
    expect_run("what is parked on the node is within reach of it", parked_here_is_found);
    expect_run("every sequence of requests of three nodes", every_sequence);
    expect_run("runs of more than 1 GiB keep a boundary", long_runs_keep_a_boundary);
    expect_run("three hundred nodes are as good as two", as_many_nodes_as_there_are);
    expect_run("tables too small by any number of bytes are refused", tables_of_any_size);
    for (uint64_t run = 1; run < 4; run++) {
        seed = run;
        expect_run("random requests of four nodes", random_requests);
    }
    return expect_total();
}
