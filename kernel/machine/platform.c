#include "kernel/machine/platform.h"
#include "hal/machine.h"
#include "hal/unaligned.h"
#include "kernel/log/log.h"
#include "kernel/machine/clock.h"
#include "kernel/machine/firmware.h"
#include "kernel/machine/power.h"
#include "kernel/memory/space.h"

#define COM1 0x3F8u

/* By the SPCR's code for the rate; 0: as the firmware has set it. */
static const uint8_t divisors[8] = {0, 0, 0, 12, 6, 0, 2, 1};

struct acpi platform;

static const unsigned char *read_firmware(const void *ctx, paddr_t at, uint64_t size,
                                          const char **why)
{
    return firmware_read(ctx, at, size, why);
}

/* A table that is refused may have any bytes for a name. */
static void note(void *ctx, const unsigned char *header, paddr_t at, const char *wrong)
{
    UNUSED(ctx);
    char name[5] = "";
    if (header == NULL) {
        LOG("acpi", "a table at %X: %s", U(at), S(wrong));
        return;
    }
    for (unsigned i = 0; i < 4; i++)
        name[i] = (char)(header[i] > ' ' && header[i] < 0x7F ? header[i] : '?');
    LOG("acpi", "%s at %X, %u bytes%s%s", S(name), U(at), U(load32(header + 4)),
        S(wrong != NULL ? ": " : ""), S(wrong != NULL ? wrong : ""));
}

/* Bytes of RAM of the map inside the range. */
static uint64_t ram_inside(const struct memmap *m, const struct acpi_range *n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct mem_region *r = &m->regions[i];
        paddr_t from = max_u64(r->base, n->base);
        paddr_t to = min_u64(mem_region_end(r), n->base + n->size);
        if (from < to && mem_type_is_ram(r->type))
            sum += to - from;
    }
    return sum;
}

static uint32_t cpus_of(uint32_t node)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < platform.cpu_count; i++)
        sum += platform.cpu[i].node == node;
    return sum;
}

static void log_cpus(void)
{
    uint32_t highest = 0;
    for (uint32_t i = 0; i < platform.cpu_count; i++)
        highest = platform.cpu[i].id > highest ? platform.cpu[i].id : highest;
    LOG("acpi", "%u CPUs (%u by x2APIC), highest id %u, %u spare; %u I/O APICs, local APIC at %x",
        U(platform.cpus), U(platform.cpus_x2), U(highest), U(platform.cpus_spare),
        U(platform.io_apics), U(platform.apic_base));
}

static void log_nodes(const struct memmap *m)
{
    const struct acpi_range all = {.base = 0, .size = SPACE_DIRECT_SIZE};
    uint64_t missing = ram_inside(m, &all);
    for (uint32_t i = 0; i < platform.range_count; i++) {
        const struct acpi_range *n = &platform.range[i];
        uint64_t ram = ram_inside(m, n);
        LOG("node", "%u, %u CPUs: %X %X, %h of it RAM%s", U(n->node), U(cpus_of(n->node)),
            U(n->base), U(n->base + n->size), U(ram), S(n->hot_plug ? ", hot-plug" : ""));
        missing -= min_u64(ram, missing);
    }
    if (missing != 0)
        LOG("node", "0 too: %h of RAM in no range", U(missing));
}

static void log_serial(void)
{
    LOG("acpi", "serial console of type %u in space %u at %x", U(platform.serial_kind),
        U(platform.serial.space), U(platform.serial.address));
}

/* A 16550 at a port; where the user has named one, that weighs more. */
static bool serial_fits(const struct acpi_address *a, const struct options *o)
{
    return platform.serial_kind <= 1 && a->space == ACPI_PORT && a->address >= 0x100 &&
           a->address <= 0xFFF8u && o->serial == COM1;
}

/* To the port that the SPCR names. */
static void go_to_serial(const struct options *o)
{
    const struct acpi_address *a = &platform.serial;
    if (a->address == 0)
        return;
    log_serial();
    if (!serial_fits(a, o) || (a->address == COM1 && serial_works()))
        return;
    bool had = serial_works();
    LOG("acpi", "the log goes on at port %x, whole", U(a->address));
    serial_set_divisor(divisors[platform.serial_baud & 7u]);
    log_open_serial((uint16_t)a->address);
    if (serial_works())
        return;
    serial_set_divisor(1);
    if (had)
        serial_init(COM1);
    LOG("acpi", "no UART answers at port %x", U(a->address));
}

/* A register in PCI configuration space, bus 0 (ACPI 6.5, 5.2.3.2). */
static bool find_pci(const struct acpi_address *r)
{
    uint64_t device = r->address >> 32, function = r->address >> 16 & 0xFFFFu;
    uint64_t offset = r->address & 0xFFFFu;
    if (r->space != ACPI_PCI || device > 31 || function > 7 || offset > 255)
        return false;
    power.pci_device = (uint8_t)device;
    power.pci_function = (uint8_t)function;
    power.pci_offset = (uint8_t)offset;
    return true;
}

static void log_way(const char *what, const struct acpi_address *a, uint8_t value)
{
    LOG("power", "%s by space %u, address %x, value %u", S(what), U(a->space), U(a->address),
        U(value));
}

static void find_reset(const struct acpi *a)
{
    power.reset = device_reach(a->reset, 1);
    power.reset_by_pci = find_pci(&a->reset);
    power.reset_value = a->reset_value;
    if (machine_reached(power.reset) || power.reset_by_pci)
        log_way("reset", &a->reset, a->reset_value);
    else
        SAY("power", "reset by port 0xcf9");
}

static void find_off(const struct acpi *a)
{
    const struct acpi_address *r = a->hardware_reduced ? &a->sleep_control : &a->pm1a;
    struct machine_register off = {.at = NULL};
    if (a->has_s5)
        off = device_reach(*r, 2);
    if (!machine_reached(off)) {
        SAY("power", "off by the button");
        return;
    }
    power.sleep_type[0] = a->s5[0];
    power.sleep_type[1] = a->s5[1];
    log_way("off", r, a->s5[0]);
    if (a->hardware_reduced) {
        power.sleep = off;
        return;
    }
    power.pm1a = off;
    power.pm1b = device_reach(a->pm1b, 2);
    power.smi_value = a->acpi_enable;
    if (machine_has_ports() && a->smi_port <= 0xFFFFu && a->acpi_enable != 0)
        power.smi.port = (uint16_t)a->smi_port;
}

/* SMBIOS: nothing of it is used. */
static void log_smbios(paddr_t at, const struct memmap *m)
{
    const char *wrong = firmware_refuse(m, at, 1);
    if (at == 0)
        SAY("smbios", "the firmware gave no entry point");
    else
        LOG("smbios", "entry point %X%s%s", U(at), S(wrong != NULL ? ": " : ""),
            S(wrong != NULL ? wrong : ""));
}

void platform_read(const struct boot_info *boot, const struct memmap *m)
{
    const struct acpi_view view = {read_firmware, m};
    const char *wrong = acpi_read(&platform, &view, boot->rsdp, note, NULL);
    firmware_close();
    LOG("acpi", "root pointer %X: %s", U(boot->rsdp), S(wrong != NULL ? wrong : "sound"));
    if (platform.has_madt)
        log_cpus();
    if (platform.has_srat)
        log_nodes(m);
    log_smbios(boot->smbios, m);
}

void platform_use(struct boot_info *boot, const struct options *o)
{
    go_to_serial(o);
    find_reset(&platform);
    find_off(&platform);
    clock_find(boot, &platform);
}
