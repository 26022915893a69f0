#include "kernel/serial/early_console.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/log/log.h"
#include "kernel/machine/acpi.h"
#include "kernel/serial/spcr.h"
#include "kernel/machine/tree/device_tree.h"
#include "kernel/machine/tree/fdt.h"

enum { UEFI_FAULTY = 8, UEFI_MMIO = 11, UEFI_PORTS = 12 };

static bool is_memory(const struct boot_info *info, hal_paddr_t at)
{
    bool memory = false;
    for (uint64_t i = 0; i < info->map_count; i++) {
        const struct boot_mem *m = &info->map[i];
        if (m->base > at || m->end <= at)
            continue;
        if (m->type == UEFI_FAULTY || m->type == UEFI_MMIO || m->type == UEFI_PORTS)
            return false;
        memory = true;
    }
    return memory;
}

static bool maps(hal_paddr_t at)
{
    return cpu_maps((const volatile void *)(uintptr_t)at);
}

static const unsigned char *read(const void *ctx, hal_paddr_t at, uint64_t size, const char **why)
{
    *why = "it is not mapped, or no memory";
    if (at + size < at)
        return NULL;
    for (hal_paddr_t page = hal_align_down(at, HAL_PAGE_SIZE); page < at + size;
         page += HAL_PAGE_SIZE)
        if (!is_memory(ctx, page) || !maps(page))
            return NULL;
    return (const unsigned char *)(uintptr_t)at;
}

/* Lists and reservations are for the reader that comes later. */
static void *take(const void *ctx, uint64_t size)
{
    UNUSED(ctx);
    UNUSED(size);
    return NULL;
}

static void reserve(const void *ctx, hal_paddr_t base, uint64_t size)
{
    UNUSED(ctx);
    UNUSED(base);
    UNUSED(size);
}

static void note(void *ctx, const unsigned char *header, hal_paddr_t at, const char *wrong,
                 uint32_t times)
{
    UNUSED(ctx);
    UNUSED(header);
    UNUSED(at);
    UNUSED(wrong);
    UNUSED(times);
}

static void read_tree(struct acpi *a, const struct boot_info *info)
{
    const struct device_tree_view view = {take, reserve, info};
    const char *why;
    const unsigned char *bytes =
        info->device_tree != 0 ? read(info, info->device_tree, FDT_HEADER, &why) : NULL;
    uint32_t size = bytes != NULL ? fdt_size(bytes) : 0;
    if (size < FDT_HEADER || size > DEVICE_TREE_MAX)
        return;
    bytes = read(info, info->device_tree, size, &why);
    if (bytes != NULL)
        (void)device_tree_read(a, &view, bytes, size);
}

void early_console_open(const struct boot_info *info, const struct options *o)
{
    static struct acpi facts;
    const struct acpi_view view = {read, take, info};
    struct serial_port port;
    if (acpi_read(&facts, &view, info->rsdp, note, NULL) != NULL)
        read_tree(&facts, info);
    hal_paddr_t at = facts.serial.address;
    if (at == 0 || facts.serial.space != ACPI_MEMORY || spcr_refuse(&facts, &port) != NULL ||
        o->serial != OPTIONS_SERIAL || !maps(at) || !maps(at + spcr_bytes(&port) - 1))
        return;
    port.first.at = (volatile void *)(uintptr_t)at;
    log_open_serial(port);
    spcr_early = serial_works() ? at : 0;
}
