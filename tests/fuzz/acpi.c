/* libFuzzer over the ACPI tables (kernel/machine/acpi.h): the input is cut into tables, each in an
 * allocation of its own, with right checksums but where it asks for wrong ones; a root pointer, an
 * XSDT and an RSDT list them, and the FADT's pointers lead to one of them. What comes out must hold
 * together, and twice the same. The input is also searched for _S5 as it is, and it is the body of an
 * HMAT, of which what counts is worked out anew. */
#include "hal/short.h"
#include "kernel/machine/acpi.c"
#include "kernel/machine/acpi_power.c"
#include "kernel/machine/acpi_table.c"
#include "kernel/machine/acpi_topology.c"
#include "kernel/machine/hmat/hmat.c"
#include "kernel/machine/tree/cpu_list.c"
#include "kernel/machine/nodes.c"
#include "kernel/machine/rsdp.c"

#include "tests/model/acpi_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t notes, wrongs;

static void hear(void *ctx, const unsigned char *header, hal_paddr_t at, const char *wrong,
                 uint32_t times)
{
    static volatile unsigned char seen;
    UNUSED(ctx);
    UNUSED(at);
    for (unsigned i = 0; header != NULL && i < 36; i++)
        seen = header[i];
    UNUSED(seen);
    if ((wrong != NULL && *wrong == '\0') || times == 0)
        abort();
    notes++;
    wrongs += wrong != NULL;
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct acpi *a)
{
    must(a->cpu_count == a->cpus && (a->cpus == 0 || a->cpu != NULL));
    must(a->cpus_x2 <= a->cpus);
    must((a->cpus + a->cpus_spare + a->io_apics == 0 && a->apic_base == 0) || a->has_madt);
    must(a->range_count == 0 || a->has_srat);
    must(!a->has_s5 || (a->s5[0] < 8 && a->s5[1] < 8));
    must(a->tables + a->refused <= notes && a->refused <= wrongs);
    must(a->cpus_later <= a->cpus_spare);
    for (uint32_t i = 1; i < a->cpu_count; i++)
        must(a->cpu[i - 1].id < a->cpu[i].id);
    for (uint32_t i = 0; i < a->range_count; i++)
        must(a->range[i].size != 0 && a->range[i].base + a->range[i].size > a->range[i].base);
    for (uint32_t i = 0; i < a->distance.count; i++)
        must(a->distance.pair[i].value >= 10 && a->distance.pair[i].value <= UINT8_MAX);
}

static bool same_pairs(const struct acpi_pairs *a, const struct acpi_pairs *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->pair, b->pair, a->count * sizeof *a->pair) == 0);
}

static bool same_ranges(const struct acpi *a, const struct acpi *b)
{
    bool same = a->range_count == b->range_count;
    for (uint32_t i = 0; same && i < a->range_count; i++) {
        const struct acpi_range *x = &a->range[i], *y = &b->range[i];
        same = x->base == y->base && x->size == y->size && x->node == y->node &&
               x->hot_plug == y->hot_plug;
    }
    return same;
}

static bool same_cpus(const struct acpi *a, const struct acpi *b)
{
    bool same = a->cpu_count == b->cpu_count;
    for (uint32_t i = 0; same && i < a->cpu_count; i++) {
        const struct acpi_cpu *x = &a->cpu[i], *y = &b->cpu[i];
        same = x->id == y->id && x->node == y->node && x->uid == y->uid &&
               x->redistributor == y->redistributor;
    }
    return same;
}

static bool same_lists(const struct acpi *a, const struct acpi *b)
{
    return same_cpus(a, b) && same_ranges(a, b) && same_pairs(&a->distance, &b->distance) &&
           same_pairs(&a->latency, &b->latency) && same_pairs(&a->attached, &b->attached);
}

static void *node_lists[2];

static void *take_list(uint64_t size)
{
    free(node_lists[1]);
    node_lists[1] = node_lists[0];
    return node_lists[0] = malloc(size);
}

/* N1, N5, and each byte of RAM in one node: whatever an SRAT and a SLIT say of this map. */
static void check_nodes(const struct acpi *a)
{
    static struct mem_region regions[3] = {{0x1000, MIB - 0x1000, MEM_RUNTIME, NULL},
                                           {MIB, GIB, MEM_USABLE, NULL},
                                           {4 * GIB, TIB, MEM_BOOT, NULL}};
    static const struct memmap map = {.regions = regions, .count = 3, .normalized = true};
    static struct nodes n;
    uint64_t ram = 0, cpus = 0;
    nodes_make(&n, a, &map, take_list);
    must(n.count >= 1 && n.range_count <= 2 * (uint64_t)a->range_count);
    for (uint32_t i = 0; i < n.range_count; i++) {
        const struct pmm_node_range *r = &n.range[i];
        must(r->base < r->end && (r->base | r->end) % HAL_PAGE_SIZE == 0 && r->node < n.count);
        must(i == 0 || r[-1].end < r->base || (r[-1].end == r->base && r[-1].node != r->node));
    }
    for (uint32_t i = 0; i < n.count; i++) {
        ram += n.ram[i];
        cpus += n.cpus[i];
        must(n.distance[i * n.count + i] == 10 && (i == 0 || n.domain[i - 1] < n.domain[i]));
        for (uint32_t j = 0; j < n.count; j++)
            must(n.distance[i * n.count + j] >= 10);
    }
    must(ram == TIB + GIB + MIB - 0x1000 && cpus == a->cpu_count && n.unplaced <= n.ram[0]);
}

/* --- the HMAT, as ACPI 6.5, 5.2.27 has it --- */

/* How many of those that were found are right so far. */
static uint32_t right_latencies, right_attached;

static void want(const struct acpi_pairs *found, uint32_t *right, struct acpi_pair p)
{
    must(*right < found->count);
    must(memcmp(&found->pair[(*right)++], &p, sizeof p) == 0);
}

/* Of an entry of a matrix that its structure has room for. */
static void want_latency(const struct acpi *a, const uint8_t *s, uint32_t row, uint32_t column,
                         uint64_t scale)
{
    uint64_t rows = load32(s + 12), columns = load32(s + 16), unit = load64(s + 24);
    const uint8_t *entry = s + 32 + 4 * (rows + columns) + 2 * (row * columns + column);
    uint64_t times = scale * load16(entry);
    if (load16(entry) == 0xFFFF || times == 0 || unit == 0 || unit > UINT32_MAX / times)
        return;
    want(&a->latency, &right_latencies,
         (struct acpi_pair){load32(s + 32 + 4 * (size_t)row), load32(s + 32 + 4 * (rows + column)),
                            (uint32_t)(unit * times)});
}

static void want_structure(const struct acpi *a, const uint8_t *s, uint32_t size, bool first)
{
    unsigned needed = first ? 3 : 1;
    if (load16(s) == 0 && size >= 40 && (s[8] & needed) == needed)
        want(&a->attached, &right_attached, (struct acpi_pair){load32(s + 16), load32(s + 12), 0});
    if (load16(s) != 1 || size < 32 || s[8] != 0 || s[9] > 1)
        return;
    uint64_t rows = load32(s + 12), columns = load32(s + 16);
    if (rows > size || columns > size || 32 + 4 * (rows + columns) + 2 * rows * columns > size)
        return;
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < columns; j++)
            want_latency(a, s, i, j, first ? 100 : 1);
}

static void ignore(void *ctx, const unsigned char *header, hal_paddr_t at, const char *wrong,
                   uint32_t times)
{
    UNUSED(ctx);
    UNUSED(header);
    UNUSED(at);
    must(wrong != NULL && times != 0);
}

static void check_hmat(const uint8_t *data, size_t size, bool first)
{
    struct acpi a = {.tables = 0};
    const struct acpi_reader reader = {&rig_view, ignore, NULL};
    unsigned char *bytes = calloc(1, 36 + size);
    memcpy(bytes + 36, data, size);
    bytes[8] = first ? 1 : 2;
    acpi_hmat(&a, &(struct acpi_table){bytes, (uint32_t)(36 + size), 0}, &reader);
    right_latencies = right_attached = 0;
    for (size_t at = 4; size >= 8 && at <= size - 8; at += load32(data + at + 4)) {
        uint32_t length = load32(data + at + 4);
        if (length < 8 || length > size - at)
            break;
        want_structure(&a, data + at, length, first);
    }
    must(a.latency.count == right_latencies && a.attached.count == right_attached);
    free(bytes);
}

/* A header of 4 bytes (kind and flags, cut of the block, length), then the table after its own. */
static const uint8_t *lay(const uint8_t *at, const uint8_t *end, uint64_t where)
{
    static const char names[10][5] = {"APIC", "SRAT", "FACP", "HPET", "SPCR",
                                      "SSDT", "DSDT", "XSDT", "RSDT", "SLIT"};
    size_t left = (size_t)(end - at) - 4;
    size_t body = ((size_t)at[2] | (size_t)at[3] << 8) % (left + 1);
    const char *name = at[0] % 10 == 9 && at[1] == 0xEE ? "HMAT" : names[at[0] % 10];
    unsigned char *p = rig_table(where, name, 36 + body, at[0] >> 4);
    memcpy(p + 36, at + 4, body);
    if (at[0] % 10 == 2 && body > 112) { /* so that a DSDT is met at all */
        rig_put(p + 40, RIG_FIRST + RIG_STEP * (p[40] % 8u), 4);
        rig_put(p + 140, RIG_FIRST + RIG_STEP * (p[140] % 8u), 8);
    }
    if (at[1] >= 0xF0)
        rig_put(p + 4, load32(at), 4); /* a length that is none */
    rig_sum(p, 36 + body, 9);
    p[9] = (unsigned char)(p[9] + (at[1] == 0xEF));
    return at + 4 + body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acpi first, second;
    uint64_t entries[RIG_BLOCKS - 4];
    size_t count = 0;
    uint8_t type[2];
    if (acpi_find_s5(data, size, type))
        must(type[0] < 8 && type[1] < 8);
    if (size < 2)
        return 0;
    check_hmat(data, size, (data[0] & 1u) != 0);
    rig_clear();
    const uint8_t *end = data + size;
    for (const uint8_t *at = data + 2; end - at > 4 && count < ARRAY_LEN(entries); count++) {
        entries[count] = RIG_FIRST + RIG_STEP * count;
        at = lay(at, end, entries[count]);
    }
    rig_root(data[0] & 3u, (data[0] & 4u) != 0 ? RIG_FIRST : RIG_XSDT,
             (data[0] & 8u) != 0 ? (uint32_t)RIG_FIRST : RIG_RSDT);
    rig_list(RIG_XSDT, "XSDT", 8, entries, count * (data[1] & 15u) / 15u);
    rig_list(RIG_RSDT, "RSDT", 4, entries, count);
    notes = wrongs = 0;
    const char *wrong = acpi_read(&first, &rig_view, RIG_RSDP, hear, NULL);
    check(&first);
    check_nodes(&first);
    must(wrong == NULL || (first.tables == 0 && first.cpus == 0));
    must(acpi_read(&second, &rig_view, RIG_RSDP, hear, NULL) == wrong);
    must(same_lists(&first, &second));
    first.cpu = second.cpu = NULL;
    first.range = second.range = NULL;
    first.distance.pair = second.distance.pair = NULL;
    first.latency.pair = second.latency.pair = NULL;
    first.attached.pair = second.attached.pair = NULL;
    must(memcmp(&first, &second, sizeof first) == 0);
    return 0;
}
