#include "kernel/machine/platform.h"
#include "hal/hal.h"
#include "hal/short.h"
#include "hal/unaligned.h"
#include "kernel/log/log.h"
#include "kernel/machine/acpi.h"
#include "kernel/machine/firmware.h"
#include "kernel/machine/tree/device_tree.h"
#include "kernel/machine/tree/fdt.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/window.h"

/* Lines in the log for as many ranges of nodes; real machines have far fewer. */
#define RANGES_LOGGED 64u

/* Of the map's storage, for owners that come after the windows. */
#define SLOTS_KEPT BOOT_OWNERS

struct acpi platform;
struct nodes platform_nodes;

static uint32_t wrong_tables; /* lines that say what is wrong with one */

static const unsigned char *read_firmware(const void *ctx, hal_paddr_t at, uint64_t size,
                                          const char **why)
{
    return firmware_read(ctx, at, size, why);
}

/* For as long as this kernel runs. */
static void *take_for(const char *label, uint64_t size)
{
    hal_paddr_t at =
        memmap_early_alloc(&memory_map, hal_align_up(size, HAL_PAGE_SIZE), HAL_PAGE_SIZE, 0, label);
    return at != HAL_PADDR_NONE ? hal_phys_to_virt(at) : NULL;
}

static void *take_memory(const void *ctx, uint64_t size)
{
    UNUSED(ctx);
    return take_for("lists of the machine", size);
}

static void *take_for_nodes(uint64_t size)
{
    return take_for("list of nodes", size);
}

/* A table in memory that the map calls free must not be written over while tables are read. */
static void keep_table(const unsigned char *header, hal_paddr_t at)
{
    const struct mem_region *r = memmap_find(&memory_map, at);
    if (r == NULL || r->type != MEM_USABLE)
        return;
    if (memmap_reserve(&memory_map, at, load32(header + 4), "ACPI table") != MM_OK)
        SAY("acpi", "the next table lies partly in free memory, and cannot be kept");
}

/* A table that is refused may have any bytes for a name. */
static void log_table(const unsigned char *header, hal_paddr_t at, const char *wrong,
                      uint32_t times)
{
    char name[5] = "";
    for (unsigned i = 0; i < 4; i++)
        name[i] = (char)(header[i] > ' ' && header[i] < 0x7F ? header[i] : '?');
    if (times > 1)
        LOG("acpi", "%s at %X, %u bytes: %s (%u times)", S(name), U(at), U(load32(header + 4)),
            S(wrong), U(times));
    else
        LOG("acpi", "%s at %X, %u bytes%s%s", S(name), U(at), U(load32(header + 4)),
            S(wrong != NULL ? ": " : ""), S(wrong != NULL ? wrong : ""));
}

static void note(void *ctx, const unsigned char *header, hal_paddr_t at, const char *wrong,
                 uint32_t times)
{
    UNUSED(ctx);
    if (wrong == NULL)
        keep_table(header, at);
    if (wrong != NULL && ++wrong_tables > LOG_ALIKE)
        return;
    if (header == NULL)
        LOG("acpi", "a table at %X: %s", U(at), S(wrong));
    else
        log_table(header, at, wrong, times);
}

/* CPUs that are not enabled have their places in the tables all the same. */
static void log_spare_cpus(void)
{
    struct format_line l = {.used = 0};
    uint32_t named = (uint32_t)hal_min_u64(platform.cpus_spare, ACPI_SPARE_MAX);
    for (uint32_t i = 0; i < named; i++)
        FORMAT(&l, " %u", U(platform.spare[i]));
    l.text[hal_min_u64(l.used, LOG_LINE - 1)] = '\0';
    LOG("acpi", "%u CPUs are not enabled (%u can be later), and are left: id%s%s",
        U(platform.cpus_spare), U(platform.cpus_later), S(l.text),
        S(named < platform.cpus_spare ? " and more" : ""));
}

static void log_cpus(void)
{
    uint32_t highest = platform.cpu_count != 0 ? platform.cpu[platform.cpu_count - 1].id : 0;
    LOG("acpi", "%u CPUs (%u by x2APIC), highest id %u, %u spare; %u I/O APICs, local APIC at %x",
        U(platform.cpus), U(platform.cpus_x2), U(highest), U(platform.cpus_spare),
        U(platform.io_apics), U(platform.apic_base));
    if (platform.cpus_spare != 0)
        log_spare_cpus();
    if (platform.mailbox != 0)
        LOG("acpi", "CPUs wait for orders in the mailbox at %X", U(platform.mailbox));
}

/* The firmware counts for itself. The MADT decides, which also lists the CPUs' ids. */
static void compare_cpus(const struct boot_info *boot)
{
    if (boot->processors == 0)
        return;
    LOG("acpi", "the firmware counts %u processors, %u of them enabled%s", U(boot->processors),
        U(boot->processors_enabled),
        S(platform.has_madt && platform.cpus != boot->processors_enabled
              ? "; the table APIC has another number, which counts"
              : ""));
}

/* Bytes of RAM of the map in the range. */
static uint64_t ram_inside(const struct memmap *m, const struct pmm_node_range *n)
{
    uint64_t sum = 0;
    for (size_t i = mem_region_index(m->regions, m->count, n->base);
         i < m->count && m->regions[i].base < n->end; i++) {
        const struct mem_region *r = &m->regions[i];
        if (mem_type_is_ram(r->type))
            sum += hal_min_u64(mem_region_end(r), n->end) - hal_max_u64(r->base, n->base);
    }
    return sum;
}

static bool has_range(const struct nodes *n, uint32_t node)
{
    for (uint32_t i = 0; i < n->range_count; i++)
        if (n->range[i].node == node)
            return true;
    return false;
}

static void log_ranges(const struct nodes *n, const struct memmap *m)
{
    for (uint32_t i = 0; i < n->range_count; i++) {
        const struct pmm_node_range *r = &n->range[i];
        if (i < RANGES_LOGGED)
            LOG("node", "%u, %u CPUs: %X %X, %h of it RAM", U(n->domain[r->node]),
                U(n->cpus[r->node]), U(r->base), U(r->end), U(ram_inside(m, r)));
    }
    if (n->range_count > RANGES_LOGGED)
        LOG("node", "%u more ranges", U(n->range_count - RANGES_LOGGED));
    for (uint32_t i = 0; i < n->count; i++)
        if (!has_range(n, i))
            LOG("node", "%u, %u CPUs, no memory", U(n->domain[i]), U(n->cpus[i]));
}

static void log_distances(const struct nodes *n)
{
    for (uint32_t i = 0; i < n->count && n->count > 1; i++) {
        struct format_line l = {.used = 0};
        for (uint32_t j = 0; j < n->count; j++)
            FORMAT(&l, " %u", U(n->distance[i * n->count + j]));
        l.text[hal_min_u64(l.used, LOG_LINE - 1)] = '\0';
        LOG("node", "%u, distances:%s", U(n->domain[i]), S(l.text));
    }
}

/* In the order of the nodes; "?" where the HMAT does not tell. */
static void log_latencies(const struct nodes *n, uint32_t node)
{
    struct format_line l = {.used = 0};
    uint32_t told = 0;
    for (uint32_t j = 0; j < n->count; j++) {
        uint32_t latency = n->latency[(size_t)node * n->count + j];
        told += latency != 0;
        FORMAT(&l, latency != 0 ? " %u" : " ?", U(latency));
    }
    l.text[hal_min_u64(l.used, LOG_LINE - 1)] = '\0';
    if (told != 0)
        LOG("node", "%u, latencies in ps:%s", U(n->domain[node]), S(l.text));
}

static void log_hmat(const struct nodes *n)
{
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->attached[i] != ACPI_NO_NODE)
            LOG("node", "%u, memory attached to the CPUs of %u", U(n->domain[i]),
                U(n->attached[i]));
        log_latencies(n, i);
    }
}

static void log_nodes(const struct nodes *n, const struct memmap *m)
{
    if (n->wrong != NULL) {
        LOG("node", "all memory and all CPUs are in one: %s", S(n->wrong));
        return;
    }
    log_ranges(n, m);
    if (n->unplaced != 0)
        LOG("node", "%u too: %h of RAM in no range", U(n->domain[0]), U(n->unplaced));
    if (n->stray_cpus != 0)
        LOG("node", "%u too: %u CPUs that the SRAT does not place", U(n->domain[0]),
            U(n->stray_cpus));
    log_distances(n);
    log_hmat(n);
}

uint32_t platform_node_of(uint32_t id)
{
    for (uint32_t i = 0; i < platform.cpu_count; i++)
        if (platform.cpu[i].id == id)
            return nodes_of(&platform_nodes, platform.cpu[i].node);
    return 0;
}

/* By CPU, its node, in memory of its own: NULL where there is none for it. CPUs come in another order than
 * the tables list them, but on each node there are as many. */
static uint32_t *list_nodes(struct memmap *map)
{
    uint64_t bytes = platform.cpu_count * sizeof(uint32_t);
    hal_paddr_t at = bytes != 0 ? memmap_early_alloc(map, bytes, HAL_PAGE_SIZE, 0, "nodes of CPUs")
                                : HAL_PADDR_NONE;
    uint32_t *nodes = at != HAL_PADDR_NONE ? hal_phys_to_virt(at) : NULL;
    for (uint32_t i = 0; nodes != NULL && i < platform.cpu_count; i++)
        nodes[i] = nodes_of(&platform_nodes, platform.cpu[i].node);
    return nodes;
}

struct pmm_machine platform_machine(uint32_t cpus, struct memmap *map)
{
    struct pmm_machine m = pmm_machine_pc(cpus);
    m.nodes = platform_nodes.count;
    m.ranges = platform_nodes.range;
    m.range_count = platform_nodes.range_count;
    m.distance = platform_nodes.distance;
    m.distance_row = platform_nodes.count;
    if (m.nodes > 1 && platform.cpu_count >= cpus)
        m.cpu_nodes = list_nodes(map);
    return m;
}

static void withhold(const void *ctx, hal_paddr_t base, uint64_t size)
{
    UNUSED(ctx);
    memory_withhold(base, size, "reserved by the device tree");
}

/* Its header tells how long it is. While it is read nobody may get the memory that it lies in. */
static const char *read_tree(hal_paddr_t at, const struct memmap *m)
{
    const struct device_tree_view view = {take_memory, withhold, NULL};
    const char *wrong;
    const unsigned char *bytes = firmware_read(m, at, FDT_HEADER, &wrong);
    if (bytes == NULL)
        return wrong;
    uint32_t size = fdt_size(bytes);
    if (size < FDT_HEADER || size > DEVICE_TREE_MAX)
        return "it is no device tree, or larger than 16 MiB";
    bytes = firmware_read(m, at, size, &wrong);
    if (bytes == NULL)
        return wrong;
    memory_withhold(at, size, "device tree");
    return device_tree_read(&platform, &view, bytes, size);
}

static void read_device_tree(const struct boot_info *boot, const struct memmap *m)
{
    if (boot->device_tree == 0)
        return;
    const char *wrong = read_tree(boot->device_tree, m);
    firmware_close();
    LOG("tree", "device tree at %X: %s", U(boot->device_tree), S(wrong != NULL ? wrong : "sound"));
}

/* What the allocator will need tables for, if the SRAT is to be believed. */
static void open_windows(const struct acpi *a)
{
    for (uint32_t i = 0; i < a->range_count && !a->srat_cut; i++)
        if (a->range[i].hot_plug)
            window_open(&memory_map, a->range[i].base, a->range[i].size, SLOTS_KEPT);
}

void platform_read(const struct boot_info *boot, const struct memmap *m)
{
    const struct acpi_view view = {read_firmware, take_memory, m};
    const char *wrong = acpi_read(&platform, &view, boot->rsdp, note, NULL);
    firmware_close();
    if (wrong_tables > LOG_ALIKE)
        LOG("acpi", "%u more lines of what is wrong with tables", U(wrong_tables - LOG_ALIKE));
    LOG("acpi", "root pointer %X: %s", U(boot->rsdp), S(wrong != NULL ? wrong : "sound"));
    if (wrong != NULL)
        read_device_tree(boot, m);
    open_windows(&platform);
    nodes_make(&platform_nodes, &platform, m, take_for_nodes);
    if (platform.has_madt)
        log_cpus();
    compare_cpus(boot);
    if (platform.has_srat)
        log_nodes(&platform_nodes, m);
}
