/* Nodes, the limits of zones, and what a request can name, one test a sentence. */
#include "hal/short.h"
#include "mm/pmm_struct.h"
#include "tests/unit/pmm_rig.h"

static const struct pmm_node_range halves[] = {{HIGH, HIGH + 2 * MIB + 4 * KIB, 1},
                                               {HIGH + 2 * MIB + 4 * KIB, HIGH + 4 * MIB, 2}};

static bool make_for(struct test_state *t, struct rig *r, const struct pmm_machine *m,
                     const struct mem_region *source, size_t count)
{
    rig_map(r, source, count);
    r->bytes = pmm_tables_size_for(&r->map, m);
    r->tables = test_memory(r->bytes);
    if (!CHECK(r->tables != NULL))
        return false;
    return CHECK_EQ(pmm_create_in_for(&r->map, m, r->tables, r->bytes, &r->pmm), MM_OK);
}

/* One CPU, on node 2; memory is on nodes 1 and 2. */
static bool make_halves(struct test_state *t, struct rig *r)
{
    static const struct mem_region map[] = {USABLE(HIGH, 4 * MIB)};
    static const uint32_t cpu_nodes[] = {2};
    struct pmm_machine m = pmm_machine_pc(1);
    m.nodes = 3;
    m.ranges = halves;
    m.range_count = ARRAY_LEN(halves);
    m.cpu_nodes = cpu_nodes;
    return make_for(t, r, &m, map, ARRAY_LEN(map));
}

static uint64_t free_on(const struct rig *r, uint32_t node)
{
    struct pmm_stats s;
    pmm_stats_node(r->pmm, node, PMM_ZONE_NORMAL, &s);
    return s.free;
}

TEST("pmm.a page comes from the CPU's node, then from the next")
{
    struct rig r;
    if (!make_halves(t, &r))
        return;
    for (unsigned i = 0; i < 511; i++)
        CHECK_EQ(pmm_node_of(r.pmm, pmm_alloc(r.pmm, 1, 0)), 2);
    for (unsigned i = 0; i < 513; i++)
        CHECK_EQ(pmm_node_of(r.pmm, pmm_alloc(r.pmm, 1, 0)), 1);
    CHECK_EQ(pmm_alloc(r.pmm, 1, 0), HAL_PADDR_NONE);
    CHECK_STR(pmm_check(r.pmm), NULL);
    TEST_END;
}

/* Two ranges of node 0 that touch, and behind them memory that no range has, which is node 0's too. */
TEST("pmm.a run goes over the border of ranges of one node")
{
    static const struct mem_region map[] = {USABLE(HIGH, 6 * MIB)};
    static const struct pmm_node_range ranges[] = {{HIGH, HIGH + 2 * MIB, 0},
                                                   {HIGH + 2 * MIB, HIGH + 3 * MIB, 0},
                                                   {HIGH + 5 * MIB, HIGH + 6 * MIB, 1}};
    struct pmm_machine m = pmm_machine_pc(1);
    struct rig r;
    uint64_t end;
    m.nodes = 2;
    m.ranges = ranges;
    m.range_count = ARRAY_LEN(ranges);
    if (!make_for(t, &r, &m, map, ARRAY_LEN(map)))
        return;
    CHECK_EQ(pmm_machine_node(&m, HIGH / HAL_PAGE_SIZE, &end), 0);
    CHECK_EQ(end, (HIGH + 5 * MIB) / HAL_PAGE_SIZE);
    CHECK_EQ(pmm_region_count(r.pmm), 2);
    CHECK_EQ(pmm_alloc(r.pmm, 1280, PMM_HERE), HIGH);
    CHECK_STR(pmm_check(r.pmm), NULL);
    TEST_END;
}

TEST("pmm.a CPU may say later which node it is on")
{
    struct rig r;
    if (!make_halves(t, &r))
        return;
    CHECK_EQ(pmm_node_of(r.pmm, pmm_alloc(r.pmm, 1, 0)), 2);
    pmm_set_node(r.pmm, 1);
    CHECK_EQ(pmm_node_of(r.pmm, pmm_alloc(r.pmm, 1, 0)), 1);
    CHECK_EQ(pmm_node_of(r.pmm, pmm_alloc(r.pmm, 1, PMM_HERE)), 1);
    TEST_END;
}

TEST("pmm.PMM_NODE names a node, and PMM_HERE forbids the others")
{
    struct rig r;
    struct pmm_request there = {.pages = 513, .flags = PMM_NODE | PMM_HERE, .node = 1};
    if (!make_halves(t, &r))
        return;
    CHECK_EQ(pmm_alloc(r.pmm, 512, PMM_HERE), HAL_PADDR_NONE);
    CHECK_EQ(pmm_alloc_request(r.pmm, &there), HIGH);
    CHECK_EQ(pmm_alloc_request(r.pmm, &there), HAL_PADDR_NONE);
    there.node = 3; /* there is none */
    CHECK_EQ(pmm_alloc_request(r.pmm, &there), HAL_PADDR_NONE);
    there = (struct pmm_request){.pages = 1, .flags = PMM_NODE, .node = 0};
    CHECK_EQ(pmm_node_of(r.pmm, pmm_alloc_request(r.pmm, &there)), 2);
    CHECK_EQ(pmm_alloc(r.pmm, 1, PMM_NODE), HAL_PADDR_NONE);
    CHECK_EQ(free_on(&r, 1), 0);
    CHECK_EQ(free_on(&r, 2), 510);
    CHECK_EQ(rig_failures(&r), 2);
    TEST_END;
}

TEST("pmm.no run crosses from one node into another")
{
    struct rig r;
    if (!make_halves(t, &r))
        return;
    CHECK_EQ(pmm_node_count(r.pmm), 3);
    CHECK_EQ(pmm_region_count(r.pmm), 2);
    CHECK_EQ(pmm_alloc(r.pmm, 514, 0), HAL_PADDR_NONE);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 2 * MIB, 2), MM_INVALID);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 2 * MIB, 1), MM_OK);
    TEST_END;
}

TEST("pmm.a machine says where its zones end")
{
    struct rig r;
    static const struct mem_region map[] = {USABLE(512 * MIB, GIB)};
    struct pmm_machine board = {.cpus = 1, .nodes = 1, .dma_end = GIB, .dma32_end = GIB};
    if (!make_for(t, &r, &board, map, ARRAY_LEN(map)))
        return;
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA).total, 512 * 256);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_DMA32).total, 0);
    CHECK_EQ(rig_stats(&r, PMM_ZONE_NORMAL).total, 512 * 256);
    hal_paddr_t got = pmm_alloc(r.pmm, 1000, PMM_DMA);
    CHECK(got != HAL_PADDR_NONE && got < GIB);
    CHECK(pmm_alloc(r.pmm, 1000, 0) >= GIB);
    CHECK_STR(pmm_check(r.pmm), NULL);
    TEST_END;
}

TEST("pmm.a machine whose numbers contradict each other is refused")
{
    static const struct pmm_node_range bad[][2] = {{{MIB, 2 * MIB, 3}},
                                                   {{MIB, MIB, 0}},
                                                   {{MIB, 2 * MIB + 1, 0}},
                                                   {{0, 2 * MIB, 0}, {MIB, 3 * MIB, 1}}};
    static const uint32_t beyond[] = {3};
    struct pmm_machine m = pmm_machine_pc(1);
    CHECK(pmm_machine_is_sound(&m));
    m.nodes = 3;
    CHECK(pmm_machine_is_sound(&m));
    m.ranges = bad[3];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        m.ranges = bad[i];
        m.range_count = i == 3 ? 2 : 1;
        CHECK(!pmm_machine_is_sound(&m));
    }
    m.range_count = 0;
    m.cpu_nodes = beyond;
    CHECK(!pmm_machine_is_sound(&m));
    m = pmm_machine_pc(0);
    CHECK(!pmm_machine_is_sound(&m));
    m = pmm_machine_pc(1);
    m.nodes = 0;
    CHECK(!pmm_machine_is_sound(&m));
    CHECK_EQ(pmm_tables_size_for(&(struct memmap){.normalized = true}, &m), 0);
    m = pmm_machine_pc(1);
    m.nodes = PMM_NODES_MAX + 1;
    CHECK(!pmm_machine_is_sound(&m));
    m = pmm_machine_pc(1);
    m.dma_end = m.dma32_end + 4 * KIB;
    CHECK(!pmm_machine_is_sound(&m));
    m.dma_end = 1;
    CHECK(!pmm_machine_is_sound(&m));
    TEST_END;
}

TEST("pmm.a request's limit is kept, inside a zone too")
{
    struct rig r;
    struct pmm_request q = {.pages = 100, .limit = HIGH + 64 * KIB + 400 * KIB};
    if (!RIG_MAKE(&r, high64))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH, 16), MM_OK);
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HIGH + 64 * KIB);
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE);
    q = (struct pmm_request){.pages = 1, .limit = HIGH};
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE);
    q.limit = 100; /* no page lies below */
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE);
    q = (struct pmm_request){.pages = 1, .align = 12 * KIB}; /* no power of two */
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE);
    q.align = 2 * GIB; /* too large */
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE);
    q.align = 2 * KIB; /* less than a page */
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.a request's boundary is not crossed, and may be touched")
{
    struct rig r;
    static const struct mem_region map[] = {USABLE(HIGH + 4 * KIB, 24 * KIB)};
    struct pmm_request q = {.pages = 3, .boundary = 16 * KIB};
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HIGH + 16 * KIB); /* at a multiple of 16 KiB */
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HIGH + 4 * KIB);  /* up to one */
    CHECK_EQ(rig_free(&r), 0);
    if (!RIG_MAKE(&r, map))
        return;
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 4 * KIB, 1), MM_OK);
    CHECK_EQ(pmm_claim(r.pmm, HIGH + 24 * KIB, 1), MM_OK);
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE); /* four pages, two on either side */
    q.boundary = 24 * KIB;
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE); /* no power of two */
    q.boundary = 8 * KIB;
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HAL_PADDR_NONE); /* shorter than the run */
    q.boundary = 0;
    CHECK_EQ(pmm_alloc_request(r.pmm, &q), HIGH + 8 * KIB);
    rig_audit(t, &r);
    TEST_END;
}

TEST("pmm.a node or a zone that is not there has no statistics")
{
    struct rig r;
    struct pmm_stats s = {.total = 7, .free = 7, .failures = 7};
    if (!make_halves(t, &r))
        return;
    pmm_stats_node(r.pmm, 3, PMM_ZONE_NORMAL, &s);
    CHECK(s.total == 0 && s.free == 0 && s.failures == 0);
    s.total = 7;
    pmm_stats_node(r.pmm, 1, PMM_ZONE_COUNT, &s);
    CHECK(s.total == 0 && s.free == 0 && s.failures == 0);
    TEST_END;
}

TEST("pmm.a region that goes over its node's border is seen")
{
    struct rig r;
    if (!make_halves(t, &r))
        return;
    r.pmm->regions[1].pages++; /* into what is node 0's */
    CHECK_STR(pmm_check(r.pmm), "P2: a region is empty or does not lie in its zone");
    TEST_END;
}

TEST_SUITE(pmm_nodes);
