/* kernel/machine/device.c on the desk: where registers may lie, against a question page by page; what is
 * mapped for them, looked up in the tables. */
#define CPU_TRAP_STACKS 1u /* of a port to a machine; this one runs on none */
#include "hal/short.h"
#include "kernel/machine/device.c"
#include "kernel/memory/space_edit.c"

#include "hal/host/host.h"
#include "tests/model/expect.h"

#include <stdlib.h>

struct memmap memory_map;

bool machine_has_ports(void)
{
    return true;
}

#define LIMIT     ((uint64_t)1 << 36)
#define USABLE_AT (MIB + 2 * MEM_USABLE * HAL_PAGE_SIZE)

/* Every type once, at pages 2, 4, 6 ...; holes between them. */
static struct mem_region storage[2 * MEM_TYPE_COUNT + 8];

static void make_map(void)
{
    memmap_init(&memory_map, storage, ARRAY_LEN(storage));
    memmap_set_width(&memory_map, 36);
    for (unsigned type = MEM_USABLE; type < MEM_TYPE_COUNT; type++)
        if (memmap_add(&memory_map, MIB + 2 * type * HAL_PAGE_SIZE, HAL_PAGE_SIZE,
                       (enum mem_type)type) != MM_OK)
            abort();
    if (memmap_normalize(&memory_map) != MM_OK)
        abort();
}

/* Written down by hand: what is RAM. */
static bool is_ram(hal_paddr_t at)
{
    static const enum mem_type ram[] = {MEM_USABLE,   MEM_BOOT,     MEM_LOADER,  MEM_ACPI_RECLAIM,
                                        MEM_SPECIFIC, MEM_ACPI_NVS, MEM_RUNTIME, MEM_BAD};
    uint64_t page = (at - MIB) / HAL_PAGE_SIZE;
    for (size_t i = 0; at >= MIB && i < ARRAY_LEN(ram); i++)
        if (page == 2 * (uint64_t)ram[i])
            return true;
    return false;
}

static void every_page_of_the_block_is_asked(void)
{
    static const uint64_t offsets[] = {0, 1, 4088};
    static const uint64_t sizes[] = {1, 4, 8, 9, 4096, 4097, 8192, 12289};
    make_map();
    for (hal_paddr_t page = MIB - 3 * HAL_PAGE_SIZE;
         page < MIB + 2 * (MEM_TYPE_COUNT + 2) * HAL_PAGE_SIZE; page += HAL_PAGE_SIZE) {
        for (size_t i = 0; i < ARRAY_LEN(offsets) * ARRAY_LEN(sizes); i++) {
            hal_paddr_t at = page + offsets[i % ARRAY_LEN(offsets)];
            uint64_t size = sizes[i / ARRAY_LEN(offsets)];
            bool ram = false;
            for (hal_paddr_t p = page; p < at + size; p += HAL_PAGE_SIZE)
                ram |= is_ram(p);
            EXPECT(device_may_lie(&memory_map, at, size) == !ram);
        }
    }
}

static void the_ends_of_memory(void)
{
    make_map();
    EXPECT(!device_may_lie(&memory_map, 8, 4) && !device_may_lie(&memory_map, 4095, 1));
    EXPECT(device_may_lie(&memory_map, 4096, 4));
    EXPECT(device_may_lie(&memory_map, LIMIT - 4, 4) && !device_may_lie(&memory_map, LIMIT - 4, 5));
    EXPECT(!device_may_lie(&memory_map, LIMIT, 1));
    EXPECT(!device_may_lie(&memory_map, UINT64_MAX, 1));
    EXPECT(!device_may_lie(&memory_map, UINT64_MAX - 3, 8));
}

static hal_paddr_t next_page = MIB;

static hal_paddr_t take(void *ctx)
{
    UNUSED(ctx);
    return next_page += HAL_PAGE_SIZE;
}

static void give(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    UNUSED(page);
}

static const struct page_source source = {take, give, NULL};

static bool shows(struct machine_register r, hal_paddr_t at)
{
    struct aspace_mapping m;
    hal_vaddr_t v = (hal_vaddr_t)(uintptr_t)r.at;
    return r.port == 0 && aspace_query(&space_kernel, v, &m) == MM_OK &&
           m.prot == (ASPACE_W | ASPACE_UC | ASPACE_GLOBAL) && m.phys + (v - m.virt) == at;
}

static struct machine_register reach(uint64_t address, uint32_t space, uint64_t bytes)
{
    return device_reach((struct acpi_address){address, space}, bytes);
}

static bool none(struct machine_register r)
{
    return r.at == NULL && r.port == 0;
}

static void what_is_reached(void)
{
    make_map();
    if (aspace_init(&space_kernel, &source) != MM_OK)
        abort();
    EXPECT(none(reach(0, ACPI_MEMORY, 4)) && none(reach(0, ACPI_PORT, 4)));
    EXPECT(none(reach(0x604, ACPI_PCI, 4)) && none(reach(0x604, 0x7F, 4)));
    EXPECT(reach(0x604, ACPI_PORT, 2).port == 0x604 && reach(0x604, ACPI_PORT, 2).at == NULL);
    EXPECT(reach(0xFFFE, ACPI_PORT, 2).port == 0xFFFE && none(reach(0xFFFF, ACPI_PORT, 2)));
    EXPECT(none(reach(0x10604, ACPI_PORT, 2)));
    /* The block ends in RAM, though it begins outside. */
    EXPECT(none(reach(USABLE_AT - 4, ACPI_MEMORY, 8)));
    EXPECT(shows(reach(USABLE_AT - 8, ACPI_MEMORY, 8), USABLE_AT - 8));
    for (unsigned i = 1; i < 8; i++)
        EXPECT(shows(reach(0xFED00FF0u + 16 * i, ACPI_MEMORY, 32), 0xFED00FF0u + 16 * i));
    EXPECT(space_kernel.tree.stats.pages[0] == 8);
    for (unsigned i = 16; i < 23; i++)
        EXPECT(shows(reach(i * GIB, ACPI_MEMORY, GIB), i * GIB));
    EXPECT(none(reach(32 * GIB, ACPI_MEMORY, GIB))); /* of 8 GiB a little less than one is left */
    EXPECT(shows(reach(0xFED00000u, ACPI_MEMORY, 4), 0xFED00000u));
}

int main(void)
{
    host_ram_create(64 * MIB);
    expect_run("registers lie nowhere where a page of their block is RAM",
               every_page_of_the_block_is_asked);
    expect_run("nor in page 0, nor beyond the CPU's width", the_ends_of_memory);
    expect_run("what can be reached is mapped uncached, or is a port", what_is_reached);
    return expect_total();
}
