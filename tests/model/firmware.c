/* kernel/machine/firmware.c on the desk: what may be read, against a list that asks page by page;
 * and what is mapped for it, looked up in the tables. */
#define CPU_TRAP_STACKS 1u /* of a port to a machine; this one runs on none */
#include "hal/short.h"
#include "kernel/machine/firmware.c"
#include "kernel/memory/space_edit.c"

#include "hal/host/host.h"
#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

const char space_screen_label[] = "framebuffer";

#define WIDTH 36u
#define LIMIT ((uint64_t)1 << WIDTH)

/* Every type once, at pages 2, 4, 6 ...; holes between them, and page 0 of a type that is RAM. */
static struct mem_region storage[2 * MEM_TYPE_COUNT + 8];
static struct memmap map;

static enum mem_type type_of(uint64_t page)
{
    if (page == 0)
        return MEM_ACPI_NVS;
    return page % 2 == 0 && page / 2 < MEM_TYPE_COUNT ? (enum mem_type)(page / 2) : MEM_NONE;
}

static void make_map(void)
{
    memmap_init(&map, storage, ARRAY_LEN(storage));
    memmap_set_width(&map, WIDTH);
    for (uint64_t page = 0; page < 2 * MEM_TYPE_COUNT; page++)
        if (type_of(page) != MEM_NONE &&
            memmap_add(&map, page * HAL_PAGE_SIZE, HAL_PAGE_SIZE, type_of(page)) != MM_OK)
            abort();
    if (memmap_normalize(&map) != MM_OK)
        abort();
}

/* Written down by hand: the types that a read must never touch. */
static bool forbidden(uint64_t page)
{
    enum mem_type type = type_of(page);
    return page == 0 || type == MEM_MMIO || type == MEM_UNUSABLE || type == MEM_UNACCEPTED;
}

static void each_page_is_asked(void)
{
    static const uint64_t offsets[] = {0, 1, 2048, 4095};
    make_map();
    for (uint64_t page = 0; page < 2 * MEM_TYPE_COUNT + 2; page++) {
        for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
            for (uint64_t last = page; last < page + 5; last++) {
                bool bad = false;
                for (uint64_t p = page; p <= last; p++)
                    bad |= forbidden(p);
                hal_paddr_t at = page * HAL_PAGE_SIZE + offsets[i];
                uint64_t end = (last + 1) * HAL_PAGE_SIZE;
                EXPECT((firmware_refuse(&map, at, end - at) != NULL) == bad);
                if (last > page) /* the first byte of the last page will do */
                    EXPECT((firmware_refuse(&map, at, last * HAL_PAGE_SIZE + 1 - at) != NULL) ==
                           bad);
            }
        }
    }
}

static void the_width_ends_it(void)
{
    make_map();
    EXPECT(firmware_refuse(&map, LIMIT - 1, 1) == NULL);
    EXPECT(firmware_refuse(&map, LIMIT - 4096, 4096) == NULL);
    EXPECT(firmware_refuse(&map, LIMIT - 1, 2) != NULL);
    EXPECT(firmware_refuse(&map, LIMIT, 1) != NULL);
    EXPECT(firmware_refuse(&map, UINT64_MAX, 1) != NULL);
    EXPECT(firmware_refuse(&map, UINT64_MAX, UINT64_MAX) != NULL);
    EXPECT(firmware_refuse(&map, HAL_PAGE_SIZE, UINT64_MAX) != NULL);
    EXPECT(firmware_refuse(&map, 4095, 1) != NULL && firmware_refuse(&map, 4096, 1) == NULL);
}

/* The BIOS area is in no map, and neither is a framebuffer; one in RAM has its label. */
static void the_framebuffer_is_left_alone(void)
{
    make_map();
    hal_paddr_t at = 2 * MEM_RUNTIME * HAL_PAGE_SIZE;
    EXPECT(firmware_refuse(&map, at, 8) == NULL);
    if (memmap_reserve(&map, at, HAL_PAGE_SIZE, space_screen_label) != MM_OK)
        abort();
    EXPECT(strcmp(firmware_refuse(&map, at, 8), "it touches the framebuffer") == 0);
    EXPECT(firmware_refuse(&map, 0xA0000, 0x60000) == NULL);
}

static uint64_t tables_left;

static hal_paddr_t take(void *ctx)
{
    static hal_paddr_t next = MIB;
    UNUSED(ctx);
    if (tables_left == 0)
        return HAL_PADDR_NONE;
    tables_left--;
    return next += HAL_PAGE_SIZE;
}

static void give(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    UNUSED(page);
    tables_left++;
}

static const struct page_source source = {take, give, NULL};

/* `size` bytes at `bytes` are those of `at`, can be read, and not written. */
static bool shows(const unsigned char *bytes, hal_paddr_t at, uint64_t size)
{
    hal_vaddr_t first = (hal_vaddr_t)(uintptr_t)bytes;
    for (hal_vaddr_t v = first; v < first + size;
         v = hal_align_down(v, HAL_PAGE_SIZE) + HAL_PAGE_SIZE) {
        struct aspace_mapping m;
        if (aspace_query(&space_kernel, v, &m) != MM_OK || m.prot != ASPACE_R ||
            m.phys + (v - m.virt) != at + (v - first))
            return false;
    }
    return true;
}

static void what_is_read_is_mapped_and_goes(void)
{
    static const struct {
        hal_paddr_t at;
        uint64_t size;
    } ranges[] = {{0x7000, 36},           {0x7001, 36},      {0x7FFF, 2},
                  {0xA0000, 0x60000},     {4 * GIB - 5, 10}, {LIMIT - MIB, MIB},
                  {8 * GIB + 1, 16 * MIB}};
    const unsigned char *bytes[ARRAY_LEN(ranges)];
    const char *why;
    make_map();
    tables_left = 1000;
    if (aspace_init(&space_kernel, &source) != MM_OK)
        abort();
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
            bytes[i] = firmware_read(&map, ranges[i].at, ranges[i].size, &why);
            EXPECT(bytes[i] != NULL && why == NULL);
        }
        for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
            EXPECT(shows(bytes[i], ranges[i].at, ranges[i].size));
        EXPECT(firmware_read(&map, 0, 36, &why) == NULL && strstr(why, "page 0") != NULL);
        firmware_close();
        for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
            EXPECT(!shows(bytes[i], ranges[i].at, 1));
        for (unsigned level = 0; level < PAGE_TREE_SIZES; level++)
            EXPECT(space_kernel.tree.stats.pages[level] == 0);
        EXPECT(aspace_check(&space_kernel) == NULL);
    }
    firmware_close(); /* nothing to do */
    aspace_destroy(&space_kernel);
    EXPECT(tables_left == 1000);
}

static void no_room_is_said(void)
{
    const char *why = NULL;
    make_map();
    for (uint64_t pages = 1; pages < 5; pages++) {
        tables_left = pages;
        if (aspace_init(&space_kernel, &source) != MM_OK)
            abort();
        bool read = firmware_read(&map, 0x7000, 36, &why) != NULL;
        EXPECT(read == (pages == 4)); /* the root, and a table of each level below */
        EXPECT(read || strcmp(why, "no memory is left to map it") == 0);
        firmware_close();
        aspace_destroy(&space_kernel);
    }
    tables_left = 40000;
    if (aspace_init(&space_kernel, &source) != MM_OK)
        abort();
    unsigned ranges = 0; /* each grows by a page, being unaligned */
    while (ranges < 5000 && firmware_read(&map, 4 * GIB + 1, 16 * MIB, &why) != NULL)
        ranges++;
    EXPECT(ranges == 64 * GIB / (16 * MIB + HAL_PAGE_SIZE));
    EXPECT(strcmp(why, "no memory is left to map it") == 0);
    EXPECT(firmware_read(&map, 4 * GIB, 1, &why) != NULL); /* what is left will do for less */
    firmware_close();
    EXPECT(space_kernel.tree.stats.pages[0] == 0);
    aspace_destroy(&space_kernel);
}

int main(void)
{
    host_ram_create(256 * MIB);
    expect_run("F1 each page that a read touches is asked", each_page_is_asked);
    expect_run("F1 nothing beyond the CPU's width, nothing that wraps", the_width_ends_it);
    expect_run("F1 a framebuffer in RAM is left alone", the_framebuffer_is_left_alone);
    expect_run("F2 what is read is mapped read-only, and goes", what_is_read_is_mapped_and_goes);
    expect_run("no memory for the mapping is said", no_room_is_said);
    return expect_total();
}
