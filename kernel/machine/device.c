#include "kernel/machine/device.h"
#include "hal/short.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"

/* Slots of the device window that follow those of space.h. */
#define SLOT_BRIEF ((uint64_t)15)
#define SLOT_FIRST ((uint64_t)16)
#define SLOTS_MAX  8u

static unsigned slots_used;

bool device_may_lie(const struct memmap *m, hal_paddr_t at, uint64_t bytes)
{
    if (at < HAL_PAGE_SIZE || at >= m->limit || bytes > m->limit - at)
        return false;
    bool ram = false;
    for (size_t i = mem_region_index(m->regions, m->count, at);
         i < m->count && m->regions[i].base < at + bytes; i++)
        ram |= mem_type_is_ram(m->regions[i].type);
    return !ram;
}

bool device_visit(hal_paddr_t at, uint64_t bytes, void (*visit)(volatile void *registers))
{
    hal_paddr_t from = hal_align_down(at, HAL_PAGE_SIZE);
    uint64_t size = hal_align_up(at + bytes, HAL_PAGE_SIZE) - from;
    hal_vaddr_t to = SPACE_DEVICES + SLOT_BRIEF * GIB;
    if (!device_may_lie(&memory_map, at, bytes) ||
        space_map(to, from, size, ASPACE_W | ASPACE_UC | ASPACE_GLOBAL) != MM_OK)
        return false;
    visit((volatile void *)(uintptr_t)(to + (at - from)));
    return space_unmap(to, size) == MM_OK;
}

static volatile void *map(hal_paddr_t at, uint64_t bytes)
{
    hal_paddr_t from = hal_align_down(at, HAL_PAGE_SIZE);
    hal_vaddr_t to = SPACE_DEVICES + (SLOT_FIRST + slots_used) * GIB;
    if (slots_used == SLOTS_MAX || !device_may_lie(&memory_map, at, bytes) ||
        space_map(to, from, hal_align_up(at + bytes, HAL_PAGE_SIZE) - from,
                  ASPACE_W | ASPACE_UC | ASPACE_GLOBAL) != MM_OK)
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
