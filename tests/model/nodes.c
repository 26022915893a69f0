/* kernel/machine/nodes.c on the desk: every small SRAT against a list that asks page by page; the
 * tables of real machines (tests/data/nodes), of which the answers were worked out by hand.
 *
 * needs: -O1
 */
#include "hal/short.h"
#include "kernel/machine/nodes.c"

#include "kernel/machine/acpi_table.c"
#include "kernel/machine/acpi_topology.c"
#include "kernel/machine/tree/cpu_list.c"

#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

static struct acpi acpi;
static struct acpi_cpu cpu_list[300];
static struct acpi_range range_list[100000];
static struct acpi_pair distance_list[16], latency_list[16], attached_list[8];
static struct nodes nodes;
static struct mem_region storage[64];
static struct memmap map;

/* What nodes_make() was given, exactly as large as was asked; none after `gives` more. */
static void *given[2];
static unsigned gives;

static void *take(uint64_t size)
{
    free(given[1]);
    given[1] = given[0];
    given[0] = gives > 0 ? malloc(size) : NULL;
    gives -= gives > 0;
    return given[0];
}

static void make_again(void)
{
    gives = 2;
    nodes_make(&nodes, &acpi, &map, take);
}

static void clear(void)
{
    memset(&acpi, 0, sizeof acpi);
    acpi.cpu = cpu_list;
    acpi.range = range_list;
    acpi.distance.pair = distance_list;
    acpi.latency.pair = latency_list;
    acpi.attached.pair = attached_list;
    memset(&nodes, 0xA5, sizeof nodes); /* need not be clear */
    acpi.has_srat = true;
    memmap_init(&map, storage, ARRAY_LEN(storage));
}

static void add_ram(hal_paddr_t base, hal_paddr_t end, enum mem_type type)
{
    if (memmap_add(&map, base, end - base, type) != MM_OK)
        abort();
}

static void add_memory(uint32_t domain, hal_paddr_t base, hal_paddr_t end, bool hot_plug)
{
    if (acpi.range_count == ARRAY_LEN(range_list))
        abort();
    acpi.range[acpi.range_count++] = (struct acpi_range){base, end - base, domain, hot_plug};
}

static void add_cpu_of(uint32_t domain)
{
    if (acpi.cpu_count == ARRAY_LEN(cpu_list))
        abort();
    acpi.cpu[acpi.cpu_count].id = acpi.cpu_count;
    acpi.cpu[acpi.cpu_count++].node = domain;
}

static void make(void)
{
    if (memmap_normalize(&map) != MM_OK)
        abort();
    make_again();
}

/* The rule in words, for one page: the domain of the first range that holds its first byte. */
static bool naive(hal_paddr_t page, uint32_t *domain)
{
    for (uint32_t i = 0; i < acpi.range_count; i++) {
        const struct acpi_range *r = &acpi.range[i];
        if (r->hot_plug || page < r->base || page - r->base >= r->size)
            continue;
        *domain = r->node;
        return true;
    }
    return false;
}

/* N1 and N3, and every page of [0, end): its node, the domain behind it, how far that holds; and the
 * sums of RAM by recount. */
static bool right(hal_paddr_t end)
{
    uint64_t ram[256] = {0}, unplaced = 0;
    bool good = nodes.count > 0 && nodes.count <= ARRAY_LEN(ram);
    for (uint32_t i = 0; good && i < nodes.range_count; i++) {
        const struct pmm_node_range *r = &nodes.range[i];
        good &=
            r->base < r->end && (r->base | r->end) % HAL_PAGE_SIZE == 0 && r->node < nodes.count;
        if (i > 0)
            good &= r[-1].end < r->base || (r[-1].end == r->base && r[-1].node != r->node);
    }
    for (hal_paddr_t page = 0; good && page < end; page += HAL_PAGE_SIZE) {
        uint32_t domain, next_domain;
        hal_paddr_t until;
        bool placed = naive(page, &domain);
        uint32_t node = nodes_at(&nodes, page + 4095, &until);
        good &= placed ? nodes.domain[node] == domain : node == 0;
        good &= until > page && until % HAL_PAGE_SIZE == (until == UINT64_MAX ? 4095 : 0);
        bool next = naive(page + HAL_PAGE_SIZE, &next_domain);
        if (placed != next || (placed && domain != next_domain))
            good &= until == page + HAL_PAGE_SIZE;
        else
            good &= until > page + HAL_PAGE_SIZE;
        const struct mem_region *r = memmap_find(&map, page);
        if (r == NULL || !mem_type_is_ram(r->type))
            continue;
        ram[node] += HAL_PAGE_SIZE;
        unplaced += placed ? 0 : HAL_PAGE_SIZE;
    }
    return good && memcmp(ram, nodes.ram, nodes.count * sizeof *ram) == 0 &&
           unplaced == nodes.unplaced;
}

#define PAGES 6u

static void set_small(uint32_t at, uint32_t choice)
{
    static const struct {
        uint32_t domain;
        bool hot_plug;
    } kinds[4] = {{7, false}, {2, false}, {9, false}, {2, true}};
    uint32_t base = 0, length = choice / 4 + 1;
    while (length > PAGES - base)
        length -= PAGES - base++;
    acpi.range[at] = (struct acpi_range){base * HAL_PAGE_SIZE + 4096, length * HAL_PAGE_SIZE,
                                         kinds[choice % 4].domain, kinds[choice % 4].hot_plug};
}

/* Up to three ranges, each at every place, of three nodes or a window for later. Pages 1 to 6 are
 * RAM, but for the third, which is a hole, and the fifth, which is a device's. */
static void every_small_srat(void)
{
    const uint32_t choices = PAGES * (PAGES + 1) / 2 * 4;
    clear();
    add_ram(0x1000, 0x3000, MEM_RUNTIME); /* the first MiB is nobody's RAM otherwise */
    add_ram(0x4000, 0x5000, MEM_ACPI_NVS);
    add_ram(0x5000, 0x6000, MEM_MMIO);
    add_ram(0x6000, 0x7000, MEM_ACPI_RECLAIM);
    make();
    for (uint32_t a = 0; a < choices; a++) {
        for (uint32_t b = 0; b < choices; b++) {
            for (uint32_t c = 0; c <= choices; c++) {
                set_small(0, a);
                set_small(1, b);
                if (c < choices)
                    set_small(2, c);
                acpi.range_count = c < choices ? 3 : 2;
                make_again();
                bool one = nodes.wrong != NULL;
                bool places = false;
                for (hal_paddr_t page = 0x1000; page < 0x7000; page += HAL_PAGE_SIZE)
                    places |= page != 0x3000 && page != 0x5000 && naive(page, &(uint32_t){0});
                expect_case(one == !places && (one || right(0x9000)));
            }
        }
    }
}

/* Forty ranges with ends anywhere in a page. */
static void borders_inside_pages(void)
{
    srand(14);
    for (unsigned round = 0; round < 300; round++) {
        clear();
        add_ram(MIB, MIB + 200 * HAL_PAGE_SIZE, MEM_USABLE);
        add_ram(MIB + 250 * HAL_PAGE_SIZE, MIB + 300 * HAL_PAGE_SIZE, MEM_BOOT);
        for (unsigned i = 0; i < 40; i++) {
            hal_paddr_t base = MIB + (hal_paddr_t)rand() % (300 * HAL_PAGE_SIZE);
            add_memory((uint32_t)rand() % 5, base,
                       base + 1 + (hal_paddr_t)rand() % (30 * HAL_PAGE_SIZE), rand() % 8 == 0);
        }
        make();
        expect_case(right(MIB + 340 * HAL_PAGE_SIZE));
    }
}

/* As many ranges as there can be of so many claims: all apart, then one that fills the gaps. */
static void as_many_ranges_as_are_told(void)
{
    const uint32_t count = 1000;
    clear();
    add_ram(MIB, 16 * MIB, MEM_USABLE);
    for (uint32_t i = 0; i < count - 1; i++)
        add_memory(i % 3, MIB + 3 * i * HAL_PAGE_SIZE, MIB + (3 * i + 1) * HAL_PAGE_SIZE, false);
    add_memory(3, 0, 0 - (hal_paddr_t)1, false);
    make();
    EXPECT(nodes.range_count == 2 * count - 1 && right(17 * MIB));
    EXPECT(nodes.range[nodes.range_count - 1].end == (0 - HAL_PAGE_SIZE));
}

/* Each lies over all before it. To search a list for each piece, or to move all that lies behind it, would
 * take minutes. */
static void ranges_in_layers(void)
{
    const uint32_t count = ARRAY_LEN(range_list) - 1;
    clear();
    add_ram(MIB, 32 * MIB, MEM_USABLE);
    for (hal_paddr_t i = count; i-- > 0;)
        add_memory((uint32_t)i % 7, GIB + i * HAL_PAGE_SIZE, GIB + (2 * count - i) * HAL_PAGE_SIZE,
                   false);
    add_memory(8, MIB, 2 * MIB, false);
    make();
    EXPECT(nodes.wrong == NULL && nodes.count == 8 && nodes.ram[7] == MIB);
    EXPECT(nodes.range_count == 2 * count);
    for (uint32_t i = 1; i < 2 * count; i++) {
        const struct pmm_node_range *r = &nodes.range[i];
        uint32_t page = i <= count ? i - 1 : i, layer = i <= count ? i - 1 : 2 * count - 1 - i;
        expect_case(r->base == GIB + page * HAL_PAGE_SIZE && r->node == layer % 7);
    }
}

static void memory_in_no_range(void)
{
    clear();
    add_ram(MIB, 64 * MIB, MEM_USABLE);
    add_memory(3, 2 * MIB, 32 * MIB, false);
    add_memory(9, 48 * MIB, 56 * MIB, false);
    add_cpu_of(9);
    add_cpu_of(ACPI_NO_NODE);
    add_cpu_of(77); /* a node that has no memory */
    make();
    EXPECT(nodes.wrong == NULL && nodes.count == 3);
    EXPECT(nodes.domain[0] == 3 && nodes.domain[1] == 9 && nodes.domain[2] == 77);
    EXPECT(nodes.unplaced == 25 * MIB);
    EXPECT(nodes.ram[0] == 55 * MIB && nodes.ram[1] == 8 * MIB && nodes.ram[2] == 0);
    EXPECT(nodes.cpus[0] == 1 && nodes.cpus[1] == 1 && nodes.cpus[2] == 1);
    EXPECT(nodes.stray_cpus == 1);
    EXPECT(nodes_of(&nodes, 9) == 1 && nodes_of(&nodes, 77) == 2 && nodes_of(&nodes, 8) == 0);
    EXPECT(right(70 * MIB));
    clear(); /* a domain whose number means "none" for a CPU */
    add_ram(MIB, 64 * MIB, MEM_USABLE);
    add_memory(3, MIB, 2 * MIB, false);
    add_memory(ACPI_NO_NODE, 2 * MIB, 3 * MIB, false);
    add_cpu_of(ACPI_NO_NODE);
    make();
    EXPECT(nodes.count == 2 && nodes.cpus[0] == 1 && nodes.cpus[1] == 0 && nodes.stray_cpus == 1);
    EXPECT(right(70 * MIB));
}

/* QEMU's: a window for later in the highest node, and an nvdimm of another node inside it. */
static void windows_place_nothing(void)
{
    clear();
    add_ram(MIB, 64 * MIB, MEM_USABLE);
    add_memory(0, 0, 48 * MIB, false);
    add_memory(1, 48 * MIB, 56 * MIB, false);
    add_memory(2, 56 * MIB, 4 * GIB, true);
    add_memory(1, 40 * MIB, 4 * GIB, true); /* of a node that has RAM, too */
    add_memory(0, 56 * MIB, 60 * MIB, false);
    make();
    EXPECT(nodes.count == 2 && nodes.unplaced == 4 * MIB && nodes.range_count == 3);
    EXPECT(nodes.ram[0] == 55 * MIB && nodes.ram[1] == 8 * MIB && right(70 * MIB));
}

static void is_at(hal_paddr_t at, uint32_t node, hal_paddr_t end)
{
    hal_paddr_t until;
    EXPECT(nodes_at(&nodes, at, &until) == node && until == end);
}

/* The map has two windows. Node 4 claims the first and the RAM before it, node 6 the second, with a page that
 * begins before it and half of one behind; node 8 has only claimed what the map has not. An nvdimm of
 * node 0 lies in the first. */
static void windows_of_the_map_have_nodes(void)
{
    clear();
    add_ram(MIB, 64 * MIB, MEM_USABLE);
    add_ram(64 * MIB, 80 * MIB, MEM_HOTPLUG);
    add_ram(80 * MIB, 84 * MIB, MEM_MMIO);
    add_ram(84 * MIB, 90 * MIB, MEM_HOTPLUG);
    add_memory(6, 84 * MIB - 100, 88 * MIB + 2048, true);
    add_memory(4, 32 * MIB, 100 * MIB, true);
    add_memory(8, 100 * MIB, 200 * MIB, true);
    add_memory(0, 0, 32 * MIB, false);
    add_memory(0, 70 * MIB, 71 * MIB, false);
    make();
    EXPECT(nodes.wrong == NULL && nodes.count == 3 && nodes.range_count == 6);
    EXPECT(nodes.domain[1] == 4 && nodes.domain[2] == 6 && nodes.unplaced == 32 * MIB);
    EXPECT(nodes.ram[0] == 63 * MIB && nodes.ram[1] == 0 && nodes.ram[2] == 0);
    is_at(33 * MIB, 0, 64 * MIB);
    is_at(64 * MIB, 1, 70 * MIB);
    is_at(70 * MIB, 0, 71 * MIB);
    is_at(71 * MIB, 1, 80 * MIB);
    is_at(80 * MIB, 0, 84 * MIB);
    is_at(84 * MIB, 2, 88 * MIB + HAL_PAGE_SIZE);
    is_at(89 * MIB, 1, 90 * MIB);
    is_at(91 * MIB, 0, UINT64_MAX);
}

/* A window that the map has in many parts, each of which cuts the range that lies over all of them. */
static void windows_in_many_parts(void)
{
    static struct mem_region many[8000];
    clear();
    memmap_init(&map, many, ARRAY_LEN(many));
    add_ram(MIB, 64 * MIB, MEM_USABLE);
    for (hal_paddr_t i = 0; i < 1500; i++)
        add_ram(GIB + 2 * i * HAL_PAGE_SIZE, GIB + (2 * i + 1) * HAL_PAGE_SIZE, MEM_HOTPLUG);
    add_memory(2, GIB, 2 * GIB, true);
    add_memory(1, MIB, 32 * MIB, false);
    add_memory(2, 32 * MIB, 64 * MIB, false);
    make();
    EXPECT(nodes.count == 2 && nodes.range_count == 1502);
    EXPECT(nodes.ram[0] == 31 * MIB && nodes.ram[1] == 32 * MIB && nodes.unplaced == 0);
    add_memory(1, 3 * GIB, 4 * GIB, true);
    add_memory(1, GIB - HAL_PAGE_SIZE, GIB + 3001 * HAL_PAGE_SIZE, false);
    make_again();
    EXPECT(nodes.count == 2 &&
           nodes.range_count == 3); /* a range in the windows goes before them */
}

static uint8_t distance(uint32_t from, uint32_t to)
{
    return nodes.distance[from * nodes.count + to];
}

static void is_one_node(const char *wrong, uint64_t ram, uint32_t cpus)
{
    make();
    EXPECT(nodes.wrong != NULL && strstr(nodes.wrong, wrong) != NULL);
    EXPECT(nodes.count == 1 && nodes.range_count == 0 && nodes.ram[0] == ram);
    EXPECT(nodes.cpus[0] == cpus && nodes.stray_cpus == 0 && nodes.unplaced == 0);
    EXPECT(distance(0, 0) == 10);
    hal_paddr_t until;
    EXPECT(nodes_at(&nodes, 5 * GIB, &until) == 0 && until == UINT64_MAX);
    EXPECT(nodes_of(&nodes, 1) == 0);
}

static void what_cannot_be_believed(void)
{
    for (unsigned kind = 0; kind < 5; kind++) {
        clear();
        add_ram(MIB, 64 * MIB, MEM_USABLE);
        add_cpu_of(1);
        add_cpu_of(kind);
        if (kind == 0)
            acpi.has_srat = false;
        if (kind == 1 || kind == 2)
            add_memory(1, kind == 1 ? 64 * MIB : MIB, 128 * MIB, kind == 2);
        if (kind == 3) {
            add_memory(1, MIB, 128 * MIB, false);
            acpi.srat_cut = true;
        }
        is_one_node(kind == 0   ? "has no SRAT"
                    : kind == 3 ? "ends before it should"
                                : "no RAM lies in a range",
                    63 * MIB, 2);
    }
}

static void as_many_nodes_as_there_are(void)
{
    clear();
    add_ram(MIB, 200 * MIB, MEM_USABLE);
    for (uint32_t i = 0; i < 150; i++) {
        add_memory(1000 - i, (2 + i) * MIB, (3 + i) * MIB, false);
        add_cpu_of(1000 - i);
        add_cpu_of(2000 + i % 100); /* which have no memory */
    }
    make();
    EXPECT(nodes.count == 250 && nodes.domain[0] == 851 && nodes.domain[249] == 2099);
    EXPECT(nodes.stray_cpus == 0 && nodes.cpus[0] == 1 && nodes.cpus[150] == 2);
    EXPECT(nodes.ram[0] == 50 * MIB && nodes.ram[1] == MIB && nodes.unplaced == 49 * MIB);
    EXPECT(distance(249, 249) == 10 && distance(0, 249) == 20 && right(210 * MIB));
    for (unsigned all = 0; all < 2; all++) { /* no memory for the first list, for the second */
        gives = all;
        nodes_make(&nodes, &acpi, &map, take);
        EXPECT(nodes.count == 1 && strcmp(nodes.wrong, "no memory for the list of nodes") == 0);
        EXPECT(nodes.ram[0] == 199 * MIB && nodes.cpus[0] == 300 && nodes.range_count == 0);
    }
}

/* Nothing is taken for them but the list of their domains. */
static void more_nodes_than_can_be(void)
{
    for (uint32_t most = 0; most < 2; most++) {
        clear();
        add_ram(MIB, 200 * MIB, MEM_USABLE);
        for (uint32_t i = 0; i < PMM_NODES_MAX + 1 - most; i++)
            add_memory(i, MIB + i * HAL_PAGE_SIZE, MIB + (i + 1) * HAL_PAGE_SIZE, false);
        if (memmap_normalize(&map) != MM_OK)
            abort();
        gives = 1;
        nodes_make(&nodes, &acpi, &map, take);
        EXPECT(nodes.count == 1 && nodes.ram[0] == 199 * MIB && nodes.range_count == 0);
        EXPECT(strcmp(nodes.wrong, most == 0
                                       ? "the SRAT has more nodes than the page allocator takes"
                                       : "no memory for the list of nodes") == 0);
    }
}

static void add_pair(struct acpi_pairs *pairs, uint32_t from, uint32_t to, uint32_t value)
{
    pairs->pair[pairs->count++] = (struct acpi_pair){from, to, value};
}

static void how_far_nodes_are(void)
{
    static const uint8_t slit[9] = {10, 21, 31, 22, 10, 37, 32, 40, 10};
    clear();
    add_ram(MIB, 64 * MIB, MEM_USABLE);
    add_memory(2, MIB, 2 * MIB, false);
    add_memory(0, 2 * MIB, 3 * MIB, false);
    add_memory(5, 3 * MIB, 4 * MIB, false); /* the SLIT does not know it */
    for (uint32_t i = 0; i < 9; i++)
        if (i % 4 != 0)
            add_pair(&acpi.distance, i / 3, i % 3, slit[i]);
    add_pair(&acpi.distance, 0, 2, 99); /* the first counts */
    make();
    EXPECT(nodes.count == 3);
    EXPECT(distance(0, 0) == 10 && distance(0, 1) == 31 && distance(0, 2) == 20);
    EXPECT(distance(1, 0) == 32 && distance(1, 1) == 10 && distance(1, 2) == 20);
    EXPECT(distance(2, 0) == 20 && distance(2, 1) == 20 && distance(2, 2) == 10);
}

static void tell(uint32_t from, uint32_t to, uint32_t picoseconds)
{
    add_pair(&acpi.latency, from, to, picoseconds);
}

/* The memory of `from` to the CPUs of `to`. */
static void attach(uint32_t from, uint32_t to)
{
    add_pair(&acpi.attached, from, to, 0);
}

static bool latencies_are(uint32_t from, const uint32_t *latency)
{
    return memcmp(nodes.latency + from * nodes.count, latency, nodes.count * sizeof *latency) == 0;
}

/* Node 1 waits 80 ns for its own memory. */
static void how_far_by_the_hmat(void)
{
    clear();
    add_ram(MIB, 64 * MIB, MEM_USABLE);
    for (uint32_t domain = 1; domain < 8; domain++)
        add_memory(domain, domain * MIB, (domain + 1) * MIB, false);
    add_memory(70, 8 * MIB, 9 * MIB, false);
    tell(1, 1, 80000);
    tell(1, 2, 140000);
    tell(1, 3, 60000);    /* nearer than its own: no nearer than 11 all the same */
    tell(1, 4, 99999999); /* farther than a byte can say */
    tell(2, 1, 140000);   /* its own is not told */
    tell(1, 2, 5);        /* told before */
    tell(1, 99, 5);       /* there is no such node */
    tell(70, 1, 7);
    attach(5, 1);
    attach(6, 2);
    attach(5, 2); /* told before */
    attach(2, 1); /* but the latency is told */
    attach(99, 1);
    attach(7, ACPI_NO_NODE);
    make();
    static const uint8_t of_1[8] = {10, 18, 11, 254, 15, 20, 20, 20}; /* 17.5 is rounded */
    static const uint32_t told_1[8] = {80000, 140000, 60000, 99999999}, told_70[8] = {7};
    static const uint32_t attached[8] = {[1] = 1, [4] = 1, [5] = 2};
    EXPECT(nodes.count == 8 && memcmp(nodes.distance, of_1, sizeof of_1) == 0);
    EXPECT(latencies_are(0, told_1) && latencies_are(7, told_70));
    for (uint32_t i = 0; i < 8; i++)
        EXPECT(nodes.attached[i] == (attached[i] != 0 ? attached[i] : ACPI_NO_NODE));
    EXPECT(distance(1, 0) == 20 && distance(1, 5) == 15 && distance(1, 4) == 20);
    EXPECT(distance(4, 0) == 20 && distance(7, 0) == 20 && distance(7, 7) == 10);
    add_pair(&acpi.distance, 0, 1, 30); /* a SLIT goes before it, where it says something */
    add_pair(&acpi.distance, 1, 0, 30);
    acpi.range[1].node = 0;
    tell(0, 1, 5);
    tell(0, 0, 5);
    make();
    EXPECT(nodes.domain[0] == 0 && distance(0, 1) == 30 && distance(1, 0) == 30);
    EXPECT(distance(1, 2) == 11 && distance(1, 3) == 254);
}

/* From the top of the sources, or from a folder a little below. */
static FILE *open_data(const char *name)
{
    static const char *const up[] = {"", "../", "../../"};
    FILE *f = NULL;
    for (size_t i = 0; f == NULL && i < ARRAY_LEN(up); i++) {
        char path[100];
        snprintf(path, sizeof path, "%stests/data/%s", up[i], name);
        f = fopen(path, "r");
    }
    if (f == NULL)
        printf("  tests/data/%s is not here; run this from the top of the sources\n", name);
    return f;
}

struct answers {
    struct pmm_node_range range[16]; /* by domain */
    uint64_t node[8][3];             /* domain, CPUs, bytes of RAM */
    uint64_t unplaced;
    uint32_t ranges, nodes;
};

static bool read_line(const char *line, struct answers *a)
{
    uint64_t n[3];
    if (sscanf(line, "memory %" SCNu64 " %" SCNi64 " %" SCNi64, &n[0], &n[1], &n[2]) == 3)
        add_memory((uint32_t)n[0], n[1], n[2], false);
    else if (sscanf(line, "cpu %" SCNu64 " %" SCNu64, &n[0], &n[1]) == 2)
        add_cpu_of((uint32_t)n[0]);
    else if (sscanf(line, "ram %" SCNi64 " %" SCNi64, &n[0], &n[1]) == 2)
        add_ram(n[0], n[1], n[0] < MIB ? MEM_RUNTIME : MEM_USABLE);
    else if (sscanf(line, "= range %" SCNu64 " %" SCNi64 " %" SCNi64, &n[0], &n[1], &n[2]) == 3)
        a->range[a->ranges++] = (struct pmm_node_range){n[1], n[2], (uint32_t)n[0]};
    else if (sscanf(line, "= node %" SCNu64 " %" SCNu64 " %" SCNi64, &n[0], &n[1], &n[2]) == 3)
        memcpy(a->node[a->nodes++], n, sizeof n);
    else if (sscanf(line, "= unplaced %" SCNi64, &n[0]) == 1)
        a->unplaced = n[0];
    else
        return line[0] == '#';
    return true;
}

static void check_table(const char *name)
{
    char line[200];
    struct answers a = {.ranges = 0};
    FILE *f = open_data(name);
    if (!EXPECT(f != NULL))
        return;
    clear();
    while (fgets(line, sizeof line, f) != NULL)
        EXPECT(read_line(line, &a));
    fclose(f);
    make();
    EXPECT(nodes.wrong == NULL && nodes.unplaced == a.unplaced && nodes.stray_cpus == 0);
    EXPECT(nodes.range_count == a.ranges && nodes.count == a.nodes && a.ranges > 0);
    for (uint32_t i = 0; i < a.ranges; i++)
        EXPECT(nodes.range[i].base == a.range[i].base && nodes.range[i].end == a.range[i].end &&
               nodes.domain[nodes.range[i].node] == a.range[i].node);
    for (uint32_t i = 0; i < a.nodes; i++)
        EXPECT(nodes.domain[i] == a.node[i][0] && nodes.cpus[i] == a.node[i][1] &&
               nodes.ram[i] == a.node[i][2]);
}

static void tables_of_machines(void)
{
    check_table("nodes/amd-two-sockets.srat");
    check_table("nodes/amd-three-ranges.srat");
    check_table("nodes/interleaved.srat");
}

static void hear(void *ctx, const unsigned char *header, hal_paddr_t at, const char *wrong,
                 uint32_t times)
{
    uint32_t *heard = ctx;
    UNUSED(header);
    UNUSED(at);
    *heard += strstr(wrong, "of one node overlap") != NULL ? times : 100;
}

static void *take_list(const void *ctx, uint64_t size)
{
    static uint64_t list[100];
    UNUSED(ctx);
    return size <= sizeof list ? list : NULL;
}

/* A public report: node 0 is told twice, the second time in part. 2 GiB, 512 KiB of them reserved. */
static void a_range_that_overlaps_itself(void)
{
    unsigned char bytes[36 + 92] = "SRAT";
    uint32_t heard = 0;
    FILE *f = open_data("acpi/srat-overlaps-itself.bin");
    if (!EXPECT(f != NULL && fread(bytes + 36, 1, 92, f) == 92))
        return;
    fclose(f);
    bytes[8] = 3;
    clear();
    acpi.range = NULL;
    const struct acpi_table table = {bytes, sizeof bytes, 0};
    const struct acpi_view view = {.take = take_list};
    const struct acpi_reader reader = {&view, hear, &heard};
    acpi_srat(&acpi, &table, &reader);
    add_ram(MIB, 2 * GIB - MIB, MEM_USABLE);
    add_ram(2 * GIB - 512 * KIB, 2 * GIB, MEM_ACPI_NVS);
    add_ram(0, 640 * KIB, MEM_USABLE);
    make();
    EXPECT(nodes.count == 1 && nodes.wrong == NULL && nodes.range_count == 1);
    EXPECT(nodes.unplaced == GIB - 512 * KIB && nodes.ram[0] == 2 * GIB - MIB - 512 * KIB);
    EXPECT(heard == 1);
}

int main(void)
{
    expect_run("N2 every small SRAT places each page as a naive list does", every_small_srat);
    expect_run("N2 a page belongs to whom its first byte belongs", borders_inside_pages);
    expect_run("N1 the largest list of ranges fits", as_many_ranges_as_are_told);
    expect_run("N1 a hundred thousand ranges, each over all others", ranges_in_layers);
    expect_run("N2 RAM and CPUs that nobody places are node 0's, and counted", memory_in_no_range);
    expect_run("N3 windows for later place nothing", windows_place_nothing);
    expect_run("N3 a window that the map has is its node's", windows_of_the_map_have_nodes);
    expect_run("N3 a window in many parts is its node's in all of them", windows_in_many_parts);
    expect_run("N4 an SRAT that cannot be believed is one node, and why", what_cannot_be_believed);
    expect_run("nodes are as many as there are, or one where there is no memory for them",
               as_many_nodes_as_there_are);
    expect_run("more nodes than the page allocator takes are one", more_nodes_than_can_be);
    expect_run("N5 distances by the SLIT, or 20", how_far_nodes_are);
    expect_run("N5 distances by the HMAT, where the SLIT says nothing", how_far_by_the_hmat);
    expect_run("the tables of AMD's machines and the interleaved one", tables_of_machines);
    expect_run("a range that overlaps itself counts once", a_range_that_overlaps_itself);
    return expect_total();
}
