#include "kernel/machine/parts.h"
#include "hal/hal.h"
#include "hal/machine.h"
#include "hal/short.h"
#include "kernel/log/log.h"
#include "kernel/machine/clock.h"
#include "kernel/machine/device.h"
#include "kernel/machine/platform.h"
#include "kernel/machine/power.h"
#include "kernel/memory/memory.h"

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
        SAY("power", "reset without ACPI");
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

static unsigned lines_masked;

static void mask_lines(volatile void *registers)
{
    lines_masked += machine_mask_lines(registers);
}

/* Interrupts will be let in, for other CPUs kick this one: a device that the firmware has left talking must
 * not be heard. */
static void mask_devices(const struct acpi *a)
{
    for (uint32_t i = 0; i < a->io_apics && i < ACPI_IO_APICS_MAX; i++)
        if (!device_visit(a->io_apic[i], MACHINE_LINES_SIZE, mask_lines))
            LOG("acpi", "the I/O APIC at %X cannot be reached: its lines stay as they are",
                U(a->io_apic[i]));
    LOG("acpi", "%u lines of %u I/O APICs were open, and are masked", U(lines_masked),
        U(a->io_apics));
}

static volatile uint32_t *reach(hal_paddr_t at, uint64_t bytes)
{
    return device_reach((struct acpi_address){at, ACPI_MEMORY}, bytes).at;
}

/* Redistributors are told in ranges, or CPU by CPU (ACPI 6.5, 5.2.12.14). */
static uint32_t redistributors(const struct acpi *a)
{
    uint32_t ranges = (uint32_t)hal_min_u64(a->redistributors, ACPI_REDISTRIBUTORS_MAX);
    return ranges != 0 ? ranges : a->cpu_count;
}

static struct acpi_gicr redistributor(const struct acpi *a, uint32_t which)
{
    return a->redistributors != 0
               ? a->redistributor[which]
               : (struct acpi_gicr){a->cpu[which].redistributor, MACHINE_GICR_SIZE};
}

static void find_redistributors(const struct acpi *a, struct machine_gic *g)
{
    uint64_t bytes = redistributors(a) * sizeof(struct machine_range);
    hal_paddr_t page = pmm_alloc(memory_pmm, hal_align_up(bytes, HAL_PAGE_SIZE) / HAL_PAGE_SIZE,
                                 PMM_KERNEL | PMM_ZERO);
    struct machine_range *list = page != HAL_PADDR_NONE ? hal_phys_to_virt(page) : NULL;
    for (uint32_t i = 0; list != NULL && i < redistributors(a); i++) {
        struct acpi_gicr r = redistributor(a, i);
        volatile uint32_t *at = reach(r.base, r.size);
        if (at != NULL)
            list[g->redistributors++] = (struct machine_range){at, r.size};
    }
    g->redistributor = list;
    if (g->redistributors < redistributors(a) || a->redistributors > ACPI_REDISTRIBUTORS_MAX)
        LOG("gic", "only %u ranges of redistributors of %u can be used", U(g->redistributors),
            U(hal_max_u64(a->redistributors, redistributors(a))));
}

static void find_gic(const struct acpi *a, struct machine_gic *g)
{
    g->distributor = reach(a->gic_distributor, MACHINE_GICD_SIZE);
    if (a->gic_version < 3)
        g->cpu_interface = reach(a->gic_cpu_interface, MACHINE_GICC_SIZE);
    else
        find_redistributors(a, g);
}

/* What machines other than PCs have where their tables say. */
static void find_parts(const struct acpi *a)
{
    struct machine_parts p = {.firmware = MACHINE_NO_FIRMWARE};
    if (a->psci)
        p.firmware = a->psci_by_hvc ? MACHINE_HVC : MACHINE_SMC;
    if (a->gic_version != 0) {
        LOG("gic", "version %u at %X, %u ranges of redistributors%s", U(a->gic_version),
            U(a->gic_distributor), U(a->gic_version < 3 ? 0 : redistributors(a)),
            S(a->gic_version < 3 || a->redistributors != 0 ? "" : ", a CPU each"));
        find_gic(a, &p.gic);
    }
    if (a->psci)
        LOG("power", "the firmware goes on running: PSCI by %s", S(a->psci_by_hvc ? "HVC" : "SMC"));
    machine_use(&p);
}

void parts_use(struct boot_info *boot)
{
    mask_devices(&platform);
    find_parts(&platform);
    find_reset(&platform);
    find_off(&platform);
    clock_find(boot, &platform);
}
