/* kernel/serial/early_console.c on the desk: tables in this process's own memory, which a map and a CPU that says
 * what it maps show or hide. The UART is an address that nobody touches.
 *
 * needs: kernel/serial/early_console.c kernel/machine/acpi.c kernel/machine/acpi_power.c
 * needs: kernel/machine/acpi_table.c kernel/machine/acpi_topology.c kernel/machine/hmat/hmat.c
 * needs: kernel/machine/rsdp.c kernel/machine/tree/cpu_list.c kernel/machine/tree/device_tree.c
 * needs: kernel/machine/tree/distances.c kernel/machine/tree/fdt.c
 */
#include "kernel/serial/early_console.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/log/log.h"
#include "kernel/machine/tree/fdt.h"
#include "kernel/serial/spcr.h"

#include "tests/model/acpi_rig.h"
#include "tests/model/expect.h"

#define UART 0x9000000u

static _Alignas(4096) unsigned char tables[3][4096]; /* root pointer and list; SPCR; device tree */
static hal_paddr_t hidden;                           /* a page that the CPU does not map */
static bool answers;
static struct serial_port opened;
static struct boot_mem map[4];
static struct boot_info info;
static struct options options;

hal_paddr_t spcr_early;

bool cpu_maps(const volatile void *at)
{
    return ((hal_paddr_t)(uintptr_t)at ^ hidden) >= HAL_PAGE_SIZE;
}

void log_open_serial(struct serial_port p)
{
    opened = p;
}

bool serial_works(void)
{
    return answers;
}

/* What it refuses is model-serial's. */
const char *spcr_refuse(const struct acpi *a, struct serial_port *port)
{
    *port = (struct serial_port){.bits = 8, .kind = SERIAL_PL011};
    return a->serial_kind == 3 ? NULL : "no PL011";
}

uint64_t spcr_bytes(const struct serial_port *port)
{
    UNUSED(port);
    return SERIAL_PL011_SIZE;
}

static hal_paddr_t at(const void *p)
{
    return (hal_paddr_t)(uintptr_t)p;
}

static void head(unsigned char *p, const char *signature, uint32_t size)
{
    memcpy(p, signature, 4);
    rig_put(p + 4, size, 4);
}

static void make_tables(void)
{
    unsigned char *root = tables[0], *list = tables[0] + 64, *spcr = tables[1];
    memset(tables, 0, sizeof tables);
    memcpy(root, "RSD PTR ", 8);
    root[15] = 2;
    rig_put(root + 20, 36, 4);
    rig_put(root + 24, at(list), 8);
    rig_sum(root, 20, 8);
    rig_sum(root, 36, 32);
    head(list, "XSDT", 44);
    rig_put(list + 36, at(spcr), 8);
    rig_sum(list, 44, 9);
    head(spcr, "SPCR", 80);
    spcr[36] = 3;
    rig_put(spcr + 44, UART, 8);
    rig_sum(spcr, 80, 9);
}

/* All three pages are memory; another entry lies over the second page. */
static void begin(uint32_t type_of_spcr)
{
    make_tables();
    hidden = 1; /* none */
    answers = true;
    opened = (struct serial_port){.bits = 0};
    spcr_early = 0;
    map[0] = (struct boot_mem){.type = 9, .base = at(tables), .end = at(tables) + sizeof tables};
    map[1] = (struct boot_mem){.type = type_of_spcr, .base = at(tables[1]), .end = at(tables[2])};
    info = (struct boot_info){.map = map, .map_count = 2, .rsdp = at(tables)};
    options = (struct options){.serial = OPTIONS_SERIAL};
}

/* Where the log goes then; 0: nowhere else. */
static hal_paddr_t open_it(void)
{
    early_console_open(&info, &options);
    EXPECT(spcr_early == (answers ? at((const void *)opened.first.at) : 0));
    return at((const void *)opened.first.at);
}

static void what_tables_name(void)
{
    begin(9);
    EXPECT(open_it() == UART && opened.kind == SERIAL_PL011 && spcr_early == UART);
    begin(9);
    answers = false;
    EXPECT(open_it() == UART && spcr_early == 0);
    begin(9);
    options.serial = 0;
    EXPECT(open_it() == 0);
    begin(9);
    tables[1][36] = 0x7F; /* a kind that nobody drives */
    rig_sum(tables[1], 80, 9);
    EXPECT(open_it() == 0);
    begin(9);
    tables[1][40] = ACPI_PORT;
    rig_sum(tables[1], 80, 9);
    EXPECT(open_it() == 0);
    begin(9);
    tables[1][50] ^= 1; /* damaged */
    EXPECT(open_it() == 0);
    begin(9);
    info.rsdp = 0;
    EXPECT(open_it() == 0);
}

static void what_is_not_read(void)
{
    for (uint32_t type = 0; type < 16; type++) {
        begin(type);
        EXPECT((open_it() == UART) == (type != 8 && type != 11 && type != 12));
    }
    for (unsigned page = 0; page < 2; page++) {
        begin(9);
        hidden = at(tables[page]);
        EXPECT(open_it() == 0);
    }
    begin(9);
    hidden = UART;
    EXPECT(open_it() == 0);
    begin(9);
    map[0].end = at(tables[1]); /* the map knows nothing there */
    info.map_count = 1;
    EXPECT(open_it() == 0);
}

static void load_tree(void)
{
    static const char *const up[] = {"", "../", "../../"};
    size_t size = 0;
    for (size_t i = 0; size == 0 && i < ARRAY_LEN(up); i++) {
        char path[100];
        snprintf(path, sizeof path, "%stests/data/tree/virt-gicv3.dtb", up[i]);
        FILE *f = fopen(path, "rb");
        if (f != NULL)
            size = fread(tables[1], 1, 2 * sizeof tables[1], f);
        if (f != NULL)
            fclose(f);
    }
    EXPECT(size != 0);
}

static void where_there_is_no_acpi(void)
{
    begin(9);
    load_tree();
    info.rsdp = 0;
    info.device_tree = at(tables[1]);
    EXPECT(open_it() == UART && spcr_early == UART);
    begin(9);
    info.rsdp = 0;
    info.device_tree = at(tables[0]); /* no tree is there */
    EXPECT(open_it() == 0);
    begin(9);
    load_tree();
    info.rsdp = 0;
    info.device_tree = at(tables[1]);
    hidden = at(tables[2]); /* its end */
    EXPECT(fdt_size(tables[1]) > HAL_PAGE_SIZE && open_it() == 0);
}

int main(void)
{
    expect_run("a console that the tables name is used, if it answers and nobody wants another",
               what_tables_name);
    expect_run("what is no memory, or is not mapped, is not read", what_is_not_read);
    expect_run("without ACPI the device tree names it", where_there_is_no_acpi);
    return expect_total();
}
