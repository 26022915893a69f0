/* libFuzzer over machines of several nodes: the input's first bytes choose nodes, their ranges and distances,
 * where zones end, and the memory; the rest are requests and frees of eight bytes each. The naive
 * model of tests/model/pmm_nodes_model.h judges every answer. */
#include "tests/model/pmm_nodes_model.h"

#define HIGH   (4 * GIB)
#define PIECES 6u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static struct machine made;
static struct pmm_node_range made_ranges[PIECES];
static uint32_t made_cpus[NODES];
static uint8_t made_distance[NODES * NODES];

static uint32_t next_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static uint64_t pages_of(uint32_t byte)
{
    return (byte < 128 ? byte : (byte - 127) * 4) * HAL_PAGE_SIZE;
}

/* Ranges with and without gaps, from a little below a limit of zones on. */
static void make_ranges(struct input *in, hal_paddr_t at)
{
    made.m.ranges = made_ranges;
    made.m.range_count = next_byte(in) % (PIECES + 1);
    for (size_t i = 0; i < made.m.range_count; i++) {
        at += pages_of(next_byte(in) & 31);
        made_ranges[i].base = at;
        at += HAL_PAGE_SIZE + pages_of(next_byte(in));
        made_ranges[i].end = at;
        made_ranges[i].node = next_byte(in) % made.m.nodes;
    }
}

static void make_regions(struct input *in, hal_paddr_t at)
{
    made.count = 1 + next_byte(in) % ARRAY_LEN(made.regions);
    for (size_t i = 0; i < made.count; i++) {
        at += HAL_PAGE_SIZE + pages_of(next_byte(in) & 31);
        made.regions[i] = (struct mem_region)RAM(at, HAL_PAGE_SIZE + pages_of(next_byte(in)));
        at = mem_region_end(&made.regions[i]);
    }
}

static void make_machine(struct input *in)
{
    static const hal_paddr_t starts[] = {16 * MIB - 200 * KIB, HIGH - 300 * KIB, HIGH - 2 * MIB};
    uint32_t kind = next_byte(in);
    hal_paddr_t start = starts[kind % ARRAY_LEN(starts)];
    made = (struct machine){.m = pmm_machine_pc(NODES)};
    made.m.nodes = 1 + kind / 4 % NODES;
    made.m.dma_end = (kind & 16) != 0 ? 0 : start + pages_of(next_byte(in));
    made.m.dma32_end = made.m.dma_end + ((kind & 32) != 0 ? 0 : pages_of(next_byte(in)));
    made.m.cpu_nodes = made_cpus;
    for (uint32_t i = 0; i < NODES; i++)
        made_cpus[i] = next_byte(in) % made.m.nodes;
    made.m.distance = (kind & 64) != 0 ? made_distance : NULL;
    made.m.distance_row = NODES;
    for (uint32_t i = 0; (kind & 64) != 0 && i < NODES * NODES; i++)
        made_distance[i] = (uint8_t)next_byte(in);
    make_ranges(in, start);
    make_regions(in, start);
}

static struct pmm_request make_request(struct input *in)
{
    uint32_t length = next_byte(in), align = next_byte(in), bounds = next_byte(in);
    struct pmm_request r = {.pages = length < 200 ? 1 + length % 16 : (length - 199) * 16};
    r.flags = next_byte(in) & 63u & ~PMM_ZERO;
    r.node = align / 64 + (align & 32) / 32; /* one that is not there, now and then */
    r.align = (align & 16) != 0 ? HAL_PAGE_SIZE << align % 16 : 0;
    r.boundary = (bounds & 1) != 0 ? HAL_PAGE_SIZE << bounds / 16 : 0;
    uint32_t where = next_byte(in);
    if ((bounds & 2) != 0)
        r.limit = w.page[where * w.pages / 256].at + (bounds & 12) * 512;
    return r;
}

static void step(struct input *in)
{
    uint32_t op = next_byte(in);
    struct pmm_request r = make_request(in);
    uint32_t which = next_byte(in) << 8;
    which |= next_byte(in);
    if (op % 8 < 5 && w.live_count < LIVE)
        request(op / 64, &r);
    else if (op % 8 < 7 && w.live_count > 0)
        give(which % w.live_count);
    else
        compare(op == 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    make_machine(&in);
    begin(&made);
    for (unsigned i = 0; in.left > 0 && i < 300; i++)
        step(&in);
    compare(true);
    free(tables);
    if (expect_counts.broken != 0) {
        fflush(stdout);
        abort();
    }
    return 0;
}
