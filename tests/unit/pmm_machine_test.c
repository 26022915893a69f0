/* What is asked of a machine's description itself, by hand. */
#include "hal/short.h"
#include "mm/pmm_machine.h"
#include "tests/test.h"

#define NODES 5u
#define ROW   7u /* of a larger table */

/* Node 2 has no CPU, and is the nearest of all. What node 3 is told of node 0 cannot be. */
static const uint8_t distance[NODES * ROW] = {
    10,  20, 11, 30, 255, 0, 0, /* from node 0, */
    40,  10, 11, 20, 20,  0, 0, /* from node 1, */
    11,  11, 10, 11, 11,  0, 0, /* from node 2, */
    0,   30, 11, 10, 25,  0, 0, /* from node 3, */
    255, 20, 11, 21, 10,  0, 0, /* from node 4 */
};
static const uint32_t cpu_nodes[] = {4, 0, 3, 1};

static void expect_order(struct test_state *t, const struct pmm_machine *m, uint32_t node,
                         const uint32_t *want)
{
    struct pmm_machine_rank order[NODES];
    pmm_machine_order(m, node, order);
    for (uint32_t i = 0; i < m->nodes; i++)
        CHECK_EQ(order[i].node, want[i]);
}

TEST("pmm.nodes follow by distance, equals by number, those without a CPU last")
{
    static const uint32_t want[NODES][NODES] = {
        {0, 1, 3, 4, 2}, {1, 3, 4, 0, 2}, {2, 0, 1, 3, 4}, {3, 0, 4, 1, 2}, {4, 1, 3, 0, 2}};
    struct pmm_machine m = pmm_machine_pc(ARRAY_LEN(cpu_nodes));
    m.nodes = NODES;
    m.cpu_nodes = cpu_nodes;
    m.distance = distance;
    m.distance_row = ROW;
    for (uint32_t node = 0; node < NODES; node++)
        expect_order(t, &m, node, want[node]);
    TEST_END;
}

TEST("pmm.nodes follow by number where nobody tells distances, and CPUs are on node 0")
{
    static const uint32_t want[4][4] = {{0, 1, 2, 3}, {1, 0, 2, 3}, {2, 0, 1, 3}, {3, 0, 2, 1}};
    static const uint32_t everywhere[NODES] = {0, 1, 2, 3, 4};
    struct pmm_machine m = pmm_machine_pc(NODES);
    m.nodes = 4;
    for (uint32_t node = 0; node < 4; node++)
        expect_order(t, &m, node, want[node]);
    m.nodes = NODES;
    m.cpu_nodes = everywhere;
    expect_order(t, &m, 2, (const uint32_t[]){2, 1, 3, 0, 4});
    TEST_END;
}

TEST("pmm.a machine has PMM_NODES_MAX nodes at most, and each CPU is on one of them")
{
    static const uint32_t last[] = {0, 2}, none[] = {0, 3};
    struct pmm_machine m = pmm_machine_pc(2);
    m.nodes = PMM_NODES_MAX;
    CHECK(pmm_machine_is_sound(&m));
    m.nodes = PMM_NODES_MAX + 1;
    CHECK(!pmm_machine_is_sound(&m));
    m.nodes = 3;
    m.cpu_nodes = last;
    CHECK(pmm_machine_is_sound(&m));
    m.cpu_nodes = none;
    CHECK(!pmm_machine_is_sound(&m));
    TEST_END;
}

TEST_SUITE(pmm_machine);
