#include "kernel/memory/device.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"
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
    if (at >> cpu.phys_bits != 0 || (r != NULL && mem_type_is_ram(r->type)) || slots_used == SLOTS_MAX)
        return NULL;
    vaddr_t to = SPACE_DEVICES + (SLOT_FIRST + slots_used) * GIB;
    if (aspace_map(&space_kernel, to, from, align_up(at + bytes, PAGE_SIZE) - from,
                   ASPACE_W | ASPACE_UC | ASPACE_GLOBAL) != STATUS_OK)
        return NULL;
    slots_used++;
    return (volatile void *)(uintptr_t)(to + (at - from));
}

struct device_register device_reach(struct acpi_address a, uint64_t bytes)
{
    struct device_register r = {.at = NULL};
    if (a.address != 0 && a.space == ACPI_MEMORY)
        r.at = map(a.address, bytes);
    else if (a.space == ACPI_PORT && a.address <= 0x10000u - bytes)
        r.port = (uint16_t)a.address;
    return r;
}

bool device_reached(struct device_register r)
{
    return r.at != NULL || r.port != 0;
}

uint32_t device_get(struct device_register r, unsigned bits)
{
    if (!device_reached(r))
        return 0xFFFFFFFFu;
    if (bits == 32)
        return r.at != NULL ? *(volatile uint32_t *)r.at : asm_in32(r.port);
    if (bits == 16)
        return r.at != NULL ? *(volatile uint16_t *)r.at : asm_in16(r.port);
    return r.at != NULL ? *(volatile uint8_t *)r.at : asm_in8(r.port);
}

static void set_memory(volatile void *at, unsigned bits, uint32_t value)
{
    if (bits == 32)
        *(volatile uint32_t *)at = value;
    else if (bits == 16)
        *(volatile uint16_t *)at = (uint16_t)value;
    else
        *(volatile uint8_t *)at = (uint8_t)value;
}

void device_set(struct device_register r, unsigned bits, uint32_t value)
{
    if (r.at != NULL)
        set_memory(r.at, bits, value);
    else if (r.port != 0 && bits == 32)
        asm_out32(r.port, value);
    else if (r.port != 0 && bits == 16)
        asm_out16(r.port, (uint16_t)value);
    else if (r.port != 0)
        asm_out8(r.port, (uint8_t)value);
}
