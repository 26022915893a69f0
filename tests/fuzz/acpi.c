/* libFuzzer over the ACPI tables (kernel/machine/acpi.h): the input is cut into tables, each in an
 * allocation of its own, with right checksums but where it asks for wrong ones; a root pointer, an
 * XSDT and an RSDT list them, and the FADT's pointers lead to one of them. What comes out must hold
 * together, and twice the same. The input is also searched for _S5 as it is. */
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
    must(a->cpus_x2 <= a->cpus && a->range_count <= ACPI_RANGES_MAX);
    must((a->cpus + a->cpus_spare + a->io_apics == 0 && a->apic_base == 0) || a->has_madt);
    must(a->range_count == 0 || a->has_srat);
    must(!a->has_s5 || (a->s5[0] < 8 && a->s5[1] < 8));
    must(a->tables + a->refused <= notes && a->refused <= wrongs);
    must(a->cpus_later <= a->cpus_spare);
    for (uint32_t i = 1; i < a->cpu_count; i++)
        must(a->cpu[i - 1].id < a->cpu[i].id);
    for (uint32_t i = 0; i < a->range_count; i++)
        must(a->range[i].size != 0 && a->range[i].base + a->range[i].size > a->range[i].base);
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
    must(n.count >= 1 && n.range_count < 2 * ACPI_RANGES_MAX);
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
    must(first.cpu_count == 0 ||
         memcmp(first.cpu, second.cpu, first.cpu_count * sizeof *first.cpu) == 0);
    first.cpu = second.cpu = NULL;
    must(memcmp(&first, &second, sizeof first) == 0);
    return 0;
}
