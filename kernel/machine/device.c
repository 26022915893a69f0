#include "kernel/machine/device.h"
#include "hal/hal.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"

/* Slots of the device window that follow those of space.h. */
#define SLOT_FIRST ((uint64_t)16)
#define SLOTS_MAX  8u

static unsigned slots_used;

static volatile void *map(paddr_t at, uint64_t bytes)
{
    paddr_t from = align_down(at, PAGE_SIZE);
    const struct mem_region *r = memmap_find(&memory_map, at);
    if (at >> hal_paging_features().phys_bits != 0 || (r != NULL && mem_type_is_ram(r->type)) ||
        slots_used == SLOTS_MAX)
        return NULL;
    vaddr_t to = SPACE_DEVICES + (SLOT_FIRST + slots_used) * GIB;
    if (aspace_map(&space_kernel, to, from, align_up(at + bytes, PAGE_SIZE) - from,
                   ASPACE_W | ASPACE_UC | ASPACE_GLOBAL) != STATUS_OK)
        return NULL;
    slots_used++;
    return (volatile void *)(uintptr_t)(to + (at - from));
}

struct machine_register device_reach(struct acpi_address a, uint64_t bytes)
{
    struct machine_register r = {.at = NULL};
    if (a.address != 0 && a.space == ACPI_MEMORY)
        r.at = map(a.address, bytes);
    else if (a.space == ACPI_PORT && machine_has_ports() && a.address <= 0x10000u - bytes)
        r.port = (uint16_t)a.address;
    return r;
}
