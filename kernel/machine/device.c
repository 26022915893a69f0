#include "kernel/machine/device.h"
#include "hal/short.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"

/* Slots of the device window that follow those of space.h. */
#define SLOT_BRIEF ((uint64_t)15)
#define SLOT_FIRST ((uint64_t)16)
#define SLOT_LAST  ((uint64_t)23)
#define ROOM_BEGIN (SPACE_DEVICES + SLOT_FIRST * GIB)
#define ROOM_END   (SPACE_DEVICES + (SLOT_LAST + 1) * GIB)

static hal_vaddr_t room = ROOM_BEGIN; /* the first free page of these slots */

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
    hal_vaddr_t to = room;
    if (!device_may_lie(&memory_map, at, bytes))
        return NULL;
    uint64_t size = hal_align_up(at + bytes, HAL_PAGE_SIZE) - from;
    if (size > ROOM_END - room ||
        space_map(to, from, size, ASPACE_W | ASPACE_UC | ASPACE_GLOBAL) != MM_OK)
        return NULL;
    room += hal_min_u64(size + HAL_PAGE_SIZE, ROOM_END - room); /* a page that faults between two */
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
