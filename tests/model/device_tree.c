/* The reader of device trees (kernel/machine/tree): trees built here byte by byte, those that QEMU makes, and
 * these damaged in every way, each in an allocation of its own, so that ASan sees a byte read too far. What
 * stands in a tree is compared with what libfdt finds in it.
 *
 * needs: -lfdt -O1
 */
#include "kernel/machine/tree/cpu_list.c"
#include "kernel/machine/tree/device_tree.c"
#include "kernel/machine/tree/distances.c"
#include "kernel/machine/tree/fdt.c"

#include "tests/model/expect.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 65536u

/* --- a tree, built --- */

static unsigned char built[BYTES_MAX];
static uint32_t structure_end, strings_size, reservations_end;
static char strings[1024];

#define STRUCTURE 1024u /* after the header and room for reservations */

static void put32(uint32_t at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        built[at + i] = (unsigned char)(value >> (24 - 8 * i));
}

static void put(uint32_t value)
{
    put32(structure_end, value);
    structure_end += 4;
}

static void begin(const char *name)
{
    put(1);
    strcpy((char *)built + structure_end, name);
    structure_end += (uint32_t)(strlen(name) + 4) / 4 * 4;
}

static void end(void)
{
    put(2);
}

static void property(const char *name, const void *value, size_t size)
{
    put(3);
    put((uint32_t)size);
    put(strings_size);
    strcpy(strings + strings_size, name);
    strings_size += (uint32_t)strlen(name) + 1;
    memcpy(built + structure_end, value, size);
    structure_end += (uint32_t)(size + 3) / 4 * 4;
}

static void text(const char *name, const char *value)
{
    property(name, value, strlen(value) + 1);
}

/* Numbers of 32 bits; the last one is CELLS_END. */
#define CELLS_END 0xDEADBEEFu
static void cells(const char *name, const uint32_t *values)
{
    unsigned char bytes[256];
    size_t n = 0;
    for (; values[n] != CELLS_END; n++)
        for (unsigned i = 0; i < 4; i++)
            bytes[4 * n + i] = (unsigned char)(values[n] >> (24 - 8 * i));
    property(name, bytes, 4 * n);
}
#define CELLS(name, ...) cells((name), (const uint32_t[]){__VA_ARGS__, CELLS_END})

static void reservation(uint64_t base, uint64_t size)
{
    put32(reservations_end, (uint32_t)(base >> 32));
    put32(reservations_end + 4, (uint32_t)base);
    put32(reservations_end + 8, (uint32_t)(size >> 32));
    put32(reservations_end + 12, (uint32_t)size);
    reservations_end += 16;
}

static void open_tree(void)
{
    memset(built, 0, sizeof built);
    structure_end = STRUCTURE;
    strings_size = 0;
    reservations_end = FDT_HEADER;
    begin("");
}

static uint32_t close_tree(void)
{
    end();
    put(9);
    memcpy(built + structure_end, strings, strings_size);
    uint32_t size = (structure_end + strings_size + 7) / 8 * 8;
    const uint32_t header[] = {MAGIC, size, STRUCTURE, structure_end, FDT_HEADER,
                               17,    16,   0,         strings_size,  structure_end - STRUCTURE};
    for (unsigned i = 0; i < ARRAY_LEN(header); i++)
        put32(4 * i, header[i]);
    return size;
}

/* --- the caller --- */

static struct acpi acpi;
static struct fdt_reservation reserved[64];
static unsigned reserved_count, takes;
static void *taken[3];
static bool refuse_memory;

static void *take(const void *ctx, uint64_t size)
{
    UNUSED(ctx);
    EXPECT(takes < ARRAY_LEN(taken));
    void **list = &taken[takes++ % ARRAY_LEN(taken)];
    free(*list);
    return *list = refuse_memory ? NULL : malloc(size);
}

static void reserve(const void *ctx, hal_paddr_t base, uint64_t size)
{
    UNUSED(ctx);
    EXPECT(takes == 0 && size != 0);
    if (reserved_count < ARRAY_LEN(reserved))
        reserved[reserved_count++] = (struct fdt_reservation){base, size};
}

/* Read `size` bytes of these, where no byte more can be read. */
static const char *run(const unsigned char *bytes, uint32_t size)
{
    static const struct device_tree_view view = {take, reserve, NULL};
    unsigned char *copy = malloc(size != 0 ? size : 1);
    memcpy(copy, bytes, size);
    reserved_count = takes = 0;
    const char *wrong = device_tree_read(&acpi, &view, copy, size);
    free(copy);
    return wrong;
}

/* --- trees --- */

static void cpu(const char *name, uint32_t high, uint32_t low, const char *status, uint32_t node)
{
    begin(name);
    text("device_type", "cpu");
    if (status != NULL)
        text("status", status);
    CELLS("reg", high, low);
    if (node != ACPI_NO_NODE)
        CELLS("numa-node-id", node);
    end();
}

/* As a board might have it: CPUs in no order, a bus whose addresses are not the CPU's. */
static uint32_t board(void)
{
    open_tree();
    reservation(0x1000, 0x2000);
    reservation(0xFFFFFFFFFFFFF000u, 0x2000); /* wraps */
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
    begin("aliases");
    text("serial0", "/soc/bus@1000/serial@200");
    end();
    begin("chosen");
    text("stdout-path", "serial0:115200n8");
    end();
    begin("cpus");
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 0);
    begin("cpu-map");
    end();
    cpu("cpu@101", 0, 0x101, NULL, 1);
    cpu("cpu@0", 0, 0, "okay", 0);
    cpu("cpu@2", 0, 2, "disabled", ACPI_NO_NODE);
    cpu("cpu@100000003", 1, 0x80000003u, "ok", ACPI_NO_NODE);
    end();
    begin("memory@80000000");
    text("device_type", "memory");
    CELLS("reg", 0, 0x80000000u, 0, 0x1000, 1, 0, 0, 0x2000);
    CELLS("numa-node-id", 1);
    end();
    begin("reserved-memory");
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);
    property("ranges", "", 0);
    begin("secure@90000000");
    CELLS("reg", 0, 0x90000000u, 0, 0x10000, 0, 0xA0000000u, 0, 0x1000);
    end();
    begin("somewhere"); /* to be found by the operating system */
    CELLS("size", 0, 0x100000);
    end();
    end();
    begin("psci");
    property("compatible", "arm,psci-1.0\0arm,psci", 22);
    text("method", "smc");
    end();
    begin("soc");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    CELLS("ranges", 0x7E000000u, 0, 0xFE000000u, 0x1800000u);
    begin("bus@1000");
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    CELLS("ranges", 0, 0x7E001000u, 0x1000);
    begin("serial@200");
    property("compatible", "arm,pl011\0arm,primecell", 24);
    CELLS("reg", 0x200, 0x100);
    end();
    end();
    begin("interrupt-controller@40");
    text("compatible", "arm,gic-400");
    CELLS("reg", 0x7E000040u, 0x1000, 0x7E002000u, 0x2000);
    end();
    end();
    return close_tree();
}

static void check_board(void)
{
    EXPECT(acpi.has_madt && acpi.cpus == 3 && acpi.cpu_count == 3 && acpi.cpus_spare == 1);
    EXPECT(acpi.cpu[0].id == 0 && acpi.cpu[0].node == 0);
    EXPECT(acpi.cpu[1].id == 0x101 && acpi.cpu[1].node == 1);
    EXPECT(acpi.cpu[2].id == 0x01000003u && acpi.cpu[2].node == ACPI_NO_NODE);
    EXPECT(acpi.has_srat && acpi.range_count == 2 && acpi.range[1].base == (uint64_t)1 << 32);
    EXPECT(acpi.range[0].size == 0x1000 && acpi.range[0].node == 1 && acpi.range[1].size == 0x2000);
    EXPECT(acpi.psci && !acpi.psci_by_hvc);
    EXPECT(acpi.gic_version == 2 && acpi.gic_distributor == 0xFE000040u);
    EXPECT(acpi.gic_cpu_interface == 0xFE002000u && acpi.redistributors == 0);
    EXPECT(acpi.serial.address == 0xFE001200u && acpi.serial.space == ACPI_MEMORY);
    EXPECT(acpi.serial_kind == 3);
}

static void what_a_board_tells(void)
{
    uint32_t size = board();
    EXPECT(run(built, size) == NULL && takes == 2);
    check_board();
    refuse_memory = true;
    const char *wrong = run(built, size);
    EXPECT(wrong != NULL && strstr(wrong, "no memory for its lists of nodes") != NULL);
    EXPECT(acpi.cpus == 3 && acpi.cpu_count == 0 && acpi.has_srat && acpi.range_count == 0);
    refuse_memory = false;
}

static void what_is_reserved(void)
{
    EXPECT(run(built, board()) == NULL && reserved_count == 3);
    EXPECT(reserved[0].base == 0x1000 && reserved[0].size == 0x2000);
    EXPECT(reserved[1].base == 0x90000000u && reserved[1].size == 0x10000);
    EXPECT(reserved[2].base == 0xA0000000u && reserved[2].size == 0x1000);
}

static void add_map(const uint32_t *matrix)
{
    begin("distance-map");
    text("compatible", "numa-distance-map-v1");
    if (matrix != NULL)
        cells("distance-matrix", matrix);
    end();
}

static void distance_map(const uint32_t *matrix)
{
    open_tree();
    add_map(matrix);
}

static void distances_between_nodes(void)
{
    static const uint32_t sound[] = {0, 1, 21, 2, 0, 40, 0, 0, 10, 0, 2, 41, CELLS_END};
    static const struct acpi_pair want[] = {{0, 1, 21}, {2, 0, 40}, {0, 0, 10}, {0, 2, 41},
                                            {1, 0, 21}, {0, 2, 40}, {0, 0, 10}, {2, 0, 41}};
    static const uint32_t bad[][7] = {{0, 0, 11, CELLS_END},          {0, 1, 9, CELLS_END},
                                      {0, 1, 256, CELLS_END},         {0, 1, CELLS_END},
                                      {0, 1, 21, 0, 2, CELLS_END},    {CELLS_END},
                                      {0, 1, 21, 1, 1, 0, CELLS_END}, {2, 2, 20, CELLS_END}};
    distance_map(sound);
    uint32_t size = close_tree();
    EXPECT(run(built, size) == NULL && acpi.distance.count == ARRAY_LEN(want));
    EXPECT(memcmp(acpi.distance.pair, want, sizeof want) == 0);
    refuse_memory = true;
    EXPECT(run(built, size) != NULL && acpi.distance.count == 0);
    refuse_memory = false;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        distance_map(bad[i]);
        cpu("cpu", 0, 0, NULL, 0); /* not below /cpus */
        const char *wrong = run(built, close_tree());
        EXPECT(wrong != NULL && strstr(wrong, "distances of nodes contradict") != NULL);
        EXPECT(acpi.distance.count == 0);
    }
    distance_map(NULL);
    EXPECT(run(built, close_tree()) != NULL && acpi.distance.count == 0);
    distance_map(bad[0]); /* of two maps one is not sound: who knows which is right */
    add_map(sound);
    EXPECT(run(built, close_tree()) != NULL && acpi.distance.count == 0);
    distance_map((const uint32_t[]){0xFFFFFFFE, 700, 255, CELLS_END}); /* of any number */
    EXPECT(run(built, close_tree()) == NULL && acpi.distance.count == 2);
    EXPECT(acpi.distance.pair[0].from == 0xFFFFFFFE && acpi.distance.pair[1].from == 700);
}

static void consoles_of_every_kind(void)
{
    static const struct {
        const char *path, *compatible;
        unsigned kind;
    } cases[] = {{"/uart@9", "arm,pl011", 3},
                 {"/uart@9:9600", "arm,sbsa-uart", 0x0E},
                 {"/uart@9", "ns16550a", 0x12},
                 {"/uart@9", "ns16550", 0x12},
                 {"/uart@9", "nobody,knows", 0xFF}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        open_tree();
        begin("uart@9");
        text("compatible", cases[i].compatible);
        CELLS("reg", 0, 0x9000, 0x100); /* two cells and one, where nothing is told */
        if (i > 1)
            CELLS("reg-shift", i - 2);
        end();
        begin("chosen");
        text("stdout-path", cases[i].path);
        end();
        EXPECT(run(built, close_tree()) == NULL && acpi.serial.address == 0x9000);
        EXPECT(acpi.serial_kind == cases[i].kind);
        EXPECT(acpi.serial_access == (i < 2 ? 1 : i - 1)); /* as ACPI counts: 1 is a byte, 3 four */
    }
    open_tree();
    begin("uart@9");
    CELLS("reg", 0, 0x9000, 0x100);
    end();
    begin("chosen");
    text("stdout-path", "/uart@99");
    end();
    EXPECT(run(built, close_tree()) == NULL && acpi.serial.address == 0);
}

static unsigned char *load(const char *name, uint32_t *size)
{
    static const char *const up[] = {"", "../", "../../"};
    unsigned char *bytes = malloc(BYTES_MAX);
    *size = 0;
    for (size_t i = 0; *size == 0 && i < ARRAY_LEN(up); i++) {
        char path[100];
        snprintf(path, sizeof path, "%stests/data/tree/%s.dtb", up[i], name);
        FILE *f = fopen(path, "rb");
        if (f != NULL)
            *size = (uint32_t)fread(bytes, 1, BYTES_MAX, f);
        if (f != NULL)
            fclose(f);
    }
    EXPECT(*size != 0);
    return bytes;
}

static void trees_of_qemu(void)
{
    uint32_t size;
    unsigned char *bytes = load("virt-gicv2", &size);
    EXPECT(run(bytes, size) == NULL && acpi.cpus == 2 && acpi.psci && acpi.psci_by_hvc);
    EXPECT(acpi.cpu[0].id == 0 && acpi.cpu[0].node == 0 && acpi.cpu[1].id == 1 &&
           acpi.cpu[1].node == 1);
    EXPECT(acpi.gic_version == 2 && acpi.gic_distributor == 0x8000000);
    EXPECT(acpi.gic_cpu_interface == 0x8010000 && acpi.serial.address == 0x9000000);
    EXPECT(acpi.serial_kind == 3 && acpi.range_count == 2 && reserved_count == 0);
    for (uint32_t i = 0; i < 2; i++) /* in the order of the file */
        EXPECT(acpi.range[i].base == 0x40000000u + (acpi.range[i].node << 28) &&
               acpi.range[i].size == (uint64_t)256 << 20);
    free(bytes);
    bytes = load("virt-gicv3", &size);
    EXPECT(run(bytes, size) == NULL && acpi.cpus == 2 && !acpi.has_srat);
    EXPECT(acpi.gic_version == 3 && acpi.redistributors == 1);
    EXPECT(acpi.redistributor[0].base == 0x80A0000 && acpi.redistributor[0].size == 0xF60000);
    free(bytes);
}

/* --- damage --- */

static void every_byte_changed(void)
{
    static const unsigned char flips[] = {0x01, 0x80, 0xFF};
    uint32_t size = board();
    for (uint32_t i = 0; i < size; i++)
        for (unsigned k = 0; k < ARRAY_LEN(flips); k++) {
            built[i] ^= flips[k];
            (void)run(built, size);
            EXPECT(acpi.cpu_count <= 4 && acpi.range_count <= 2);
            built[i] ^= flips[k];
        }
    EXPECT(run(built, size) == NULL);
    check_board();
}

static void cut_anywhere(void)
{
    uint32_t size = board();
    for (uint32_t i = 0; i < size; i += 3)
        EXPECT(run(built, i) != NULL && acpi.cpus == 0 && !acpi.psci);
    for (uint32_t at = STRUCTURE; at < structure_end;
         at += 4) { /* the structure says that it ends there */
        put32(36, at - STRUCTURE);
        EXPECT(run(built, size) != NULL);
    }
}

static void nodes_within_nodes(void)
{
    open_tree();
    for (unsigned i = 0; i < 200; i++)
        begin("deeper");
    CELLS("#address-cells", 9);
    for (unsigned i = 0; i < 200; i++)
        end();
    begin("psci");
    text("compatible", "arm,psci-0.2");
    text("method", "hvc");
    end();
    EXPECT(run(built, close_tree()) == NULL && acpi.psci && acpi.psci_by_hvc);
    open_tree();
    end(); /* one more than there are */
    end();
    EXPECT(run(built, close_tree()) != NULL);
}

/* --- libfdt's opinion --- */

/* The next thing that libfdt finds; FDT_ITEM_DAMAGED where it finds none. */
static struct fdt_item theirs(const void *tree, int *at)
{
    int next, length;
    struct fdt_item item = {.kind = FDT_ITEM_DAMAGED};
    uint32_t tag;
    do
        tag = fdt_next_tag(tree, *at, &next);
    while (tag == FDT_NOP && (*at = next) >= 0);
    if (tag == FDT_BEGIN_NODE && (item.name = fdt_get_name(tree, *at, &length)) != NULL)
        item.kind = FDT_ITEM_NODE;
    if (tag == FDT_PROP) {
        item.value = fdt_getprop_by_offset(tree, *at, &item.name, &length);
        item.size = (uint32_t)length;
        item.kind = item.value != NULL && item.name != NULL ? FDT_ITEM_PROPERTY : FDT_ITEM_DAMAGED;
    }
    if (tag == FDT_END_NODE)
        item.kind = FDT_ITEM_END_NODE;
    if (tag == FDT_END && next >= 0)
        item.kind = FDT_ITEM_END;
    *at = next;
    return item;
}

static bool alike(const struct fdt_item *a, const struct fdt_item *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == FDT_ITEM_PROPERTY &&
        (a->size != b->size || memcmp(a->value, b->value, a->size) != 0))
        return false;
    return a->name == NULL || b->name == NULL ? a->name == b->name : strcmp(a->name, b->name) == 0;
}

/* Items that both find before one of them is damaged; where libfdt reads to the end, we must. -1: not alike. */
static int compare(const unsigned char *tree, uint32_t size)
{
    struct fdt f;
    uint32_t ours = 0;
    int at = 0, items = 0;
    if (fdt_check_header(tree) != 0 || fdt_totalsize(tree) > size)
        return 0;
    if (fdt_open(&f, tree, size) != NULL)
        return 0;
    for (;; items++) {
        struct fdt_item a = fdt_next(&f, &ours), b = theirs(tree, &at);
        if (b.kind == FDT_ITEM_DAMAGED || (a.kind == FDT_ITEM_END && alike(&a, &b)))
            return items;
        if (!alike(&a, &b))
            return -1;
    }
}

static void as_libfdt_reads_it(void)
{
    static const char *const names[] = {"virt-gicv2", "virt-gicv3"};
    uint32_t size = board(), random = 1;
    EXPECT(compare(built, size) == 75);
    for (unsigned i = 0; i < 2; i++) {
        unsigned char *bytes = load(names[i], &size);
        EXPECT(compare(bytes, size) > 300);
        for (unsigned k = 0; k < 20000; k++) {
            random = random * 1664525u + 1013904223u;
            uint32_t where = (random >> 8) % size;
            unsigned char was = bytes[where];
            bytes[where] ^= (unsigned char)(1u << (random >> 5 & 7u));
            EXPECT(compare(bytes, size) >= 0);
            bytes[where] = was;
        }
        free(bytes);
    }
}

int main(void)
{
    expect_run("CPUs, nodes, interrupt controller and console of a board", what_a_board_tells);
    expect_run("what is reserved is told before memory is asked for", what_is_reserved);
    expect_run("distances between nodes, told once or both ways", distances_between_nodes);
    expect_run("consoles of every kind, by path and by alias", consoles_of_every_kind);
    expect_run("trees that QEMU made say what it was asked for", trees_of_qemu);
    expect_run("F1 any byte changed does no harm", every_byte_changed);
    expect_run("F2 a tree that is cut anywhere is refused, or read as far as it goes",
               cut_anywhere);
    expect_run("nodes may lie within nodes to any depth", nodes_within_nodes);
    expect_run("the same items as libfdt finds, in damaged trees too", as_libfdt_reads_it);
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        free(taken[i]);
    return expect_total();
}
