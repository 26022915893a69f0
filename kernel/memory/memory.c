#include "kernel/memory/memory.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/log/keep.h"
#include "kernel/log/log.h"
#include "kernel/memory/bad.h"
#include "kernel/memory/space.h"
#include "kernel/memory/tables.h"
#include "kernel/memory/unfit.h"

#define UEFI_CONVENTIONAL 7u
#define UEFI_SP           ((uint64_t)0x40000)

#define OWNERS_LATER 16u /* of BOOT_OWNERS: those that pmm_create() adds */

struct memmap memory_map;
struct pmm *memory_pmm;
struct pmm_machine memory_machine;

static bool screen_sound;

static void tell_anomaly(void *ctx, enum memmap_anomaly what, hal_paddr_t base, uint64_t size)
{
    UNUSED(ctx);
    if (what == MEMMAP_LOW) /* every PC has some: counted, no alarm */
        return;
    if (memory_map.anomalies[what] <= LOG_ALIKE)
        LOG("anomaly", "%s: base %X, %u bytes", S(memmap_anomaly_text(what)), U(base), U(size));
}

static void tell_rest_of_anomalies(void)
{
    for (enum memmap_anomaly what = 0; what < MEMMAP_ANOMALY_COUNT; what++)
        if (what != MEMMAP_LOW && memory_map.anomalies[what] > LOG_ALIKE)
            LOG("anomaly", "%s: %u more of this kind", S(memmap_anomaly_text(what)),
                U(memory_map.anomalies[what] - LOG_ALIKE));
}

static void log_raw(const struct boot_info *info)
{
    for (uint64_t i = 0; i < info->map_count; i++) {
        const struct boot_mem *m = &info->map[i];
        LOG("map", "%u %X %X %x", U(m->type), U(m->base), U(m->end), U(m->attributes));
    }
    if (info->map_count == 0)
        HAL_PANIC("the firmware gave an empty memory map; there is no RAM to use");
}

static bool has_free_ram(void)
{
    for (size_t i = 0; i < memory_map.count; i++)
        if (memory_map.regions[i].type == MEM_USABLE)
            return true;
    return false;
}

static const char *why_no_free_ram(const struct boot_info *info)
{
    bool special = false, uncached = false;
    for (uint64_t i = 0; i < info->map_count; i++) {
        const struct boot_mem *m = &info->map[i];
        special |= m->type == UEFI_CONVENTIONAL && (m->attributes & UEFI_SP) != 0;
        uncached |=
            m->type == UEFI_CONVENTIONAL && mem_type_lacks_write_back(m->type, m->attributes);
    }
    if (uncached)
        return "the firmware's map says of none of its free RAM that it can be cached write-back "
               "(attribute 8); no other RAM is used, so there is none; a firmware update may help";
    return special
               ? "the firmware's map keeps all free RAM for a special purpose; the option sp=use "
                 "takes it all the same"
               : "the firmware's map has no free RAM";
}

static void use_special(const struct boot_info *info)
{
    SAY("memory", "special-purpose memory is used like any other, as the option sp=use asks");
    for (uint64_t i = 0; i < info->map_count; i++)
        info->map[i].attributes &= ~UEFI_SP;
}

static void add_entries(const struct boot_info *info)
{
    for (uint64_t i = 0; i < info->map_count; i++) {
        const struct boot_mem *m = &info->map[i];
        mm_status_t s =
            memmap_add_uefi(&memory_map, m->base, m->end - m->base, m->type, m->attributes);
        if (s != MM_OK)
            HAL_PANIC("the storage for the memory map is too small for the firmware's list");
    }
}

/* The part of the range that can be owned, page by page. */
static uint64_t reserve_pages(hal_paddr_t base, uint64_t size, const char *label)
{
    uint64_t owned = 0;
    for (hal_paddr_t at = hal_align_down(base, HAL_PAGE_SIZE); at < base + size;
         at += HAL_PAGE_SIZE)
        if (memmap_reserve(&memory_map, at, HAL_PAGE_SIZE, label) == MM_OK)
            owned++;
    return owned;
}

static void reserve(hal_paddr_t base, uint64_t size, const char *label)
{
    if (base == 0 || size == 0)
        return;
    mm_status_t s = memmap_reserve(&memory_map, base, size, label);
    if (s == MM_FULL)
        HAL_PANIC("the storage for the memory map is too small; raise BOOT_OWNERS in "
                  "kernel/boot_info.h");
    if (s == MM_OK) {
        LOG("reserve", "%s %X %X, %u pages", S(label), U(base), U(base + size),
            U((hal_align_up(base + size, HAL_PAGE_SIZE) - hal_align_down(base, HAL_PAGE_SIZE)) /
              HAL_PAGE_SIZE));
        return;
    }
    LOG("reserve", "%s %X %X %s; %u pages of it could be owned", S(label), U(base), U(base + size),
        S(mm_status_text(s)), U(s == MM_OVERFLOW ? 0 : reserve_pages(base, size, label)));
}

static bool touches_free_ram(hal_paddr_t base, uint64_t size)
{
    for (size_t i = 0; i < memory_map.count; i++) {
        const struct mem_region *r = &memory_map.regions[i];
        if (mem_type_is_free_ram(r->type) && r->base < base + size && mem_region_end(r) > base)
            return true;
    }
    return false;
}

/* Some firmware keeps ACPI NVS there, which the direct map would show (S4). */
static void reserve_page_zero(void)
{
    if (memmap_find(&memory_map, 0) != NULL &&
        memmap_reserve(&memory_map, 0, HAL_PAGE_SIZE, space_null_label) != MM_OK)
        HAL_PANIC("page 0 of the memory map cannot be kept out of use");
}

/* The kernel reaches RAM through the direct map alone. */
static void reserve_beyond_direct_map(void)
{
    for (size_t i = 0; i < memory_map.count; i++) {
        const struct mem_region *r = &memory_map.regions[i];
        hal_paddr_t base = hal_max_u64(r->base, SPACE_DIRECT_SIZE);
        if (mem_type_is_free_ram(r->type) && r->label == NULL && base < mem_region_end(r))
            reserve(base, mem_region_end(r) - base, "beyond the direct map");
    }
}

/* A framebuffer is usually outside the map; inside RAM it must be kept from the allocator. */
static void reserve_screen(const struct boot_framebuffer *fb, const char *wrong)
{
    if (wrong == NULL) {
        mm_status_t s = memmap_reserve(&memory_map, fb->base, fb->size, space_screen_label);
        if (s == MM_OK)
            LOG("reserve", "framebuffer %X %X", U(fb->base), U(fb->base + fb->size));
        else if (s != MM_FOREIGN)
            wrong = "it lies where something else is";
        else if (touches_free_ram(fb->base, fb->size))
            wrong = "it lies partly in free RAM";
    }
    screen_sound = wrong == NULL;
    if (screen_sound)
        LOG("screen", "%ux%u, pitch %u, at %X", U(fb->width), U(fb->height), U(fb->pitch),
            U(fb->base));
    else
        LOG("screen", "the framebuffer is not used: %s", S(wrong));
}

static void log_bad(void *ctx, const char *line)
{
    UNUSED(ctx);
    SAY("bad", line);
}

void memory_read_map(const struct boot_info *info, const struct options *o, const char *no_screen)
{
    log_raw(info);
    if (o->sp_use)
        use_special(info);
    size_t slots = info->regions_bytes / sizeof(struct mem_region);
    if (slots < memmap_capacity_for(info->map_count, BOOT_OWNERS))
        HAL_PANIC("the loader took too little memory for the cleaned map");
    memmap_init(&memory_map, hal_phys_to_virt(info->regions), slots);
    memmap_set_width(&memory_map, hal_paging_features().phys_bits);
    memmap_on_anomaly(&memory_map, tell_anomaly, NULL);
    add_entries(info);
    if (memmap_normalize(&memory_map) != MM_OK)
        HAL_PANIC("the storage for the memory map is too small to clean the firmware's list");
    tell_rest_of_anomalies();
    if (!has_free_ram())
        HAL_PANIC(why_no_free_ram(info));
    LOG("memory", "%u entries with RAM in the first MiB, which is not used",
        U(memory_map.anomalies[MEMMAP_LOW]));
    reserve_page_zero();
    reserve_beyond_direct_map();
    reserve(info->regions, info->regions_bytes, "memory map");
    reserve(info->image_base, info->image_size, "kernel image");
    reserve(info->stack_base, info->stack_size, "boot stack");
    reserve((hal_paddr_t)(uintptr_t)info->map, info->map_bytes, "firmware map");
    reserve(info->trampoline, HAL_PAGE_SIZE, "trampoline");
    reserve(info->keep, KEEP_SIZE, "kept log");
    reserve_screen(&info->framebuffer, no_screen);
    bad_reserve(&memory_map, info->options, sizeof info->options, (size_t)2 * OWNERS_LATER, log_bad,
                NULL);
}

void memory_withhold(hal_paddr_t base, uint64_t size, const char *label)
{
    hal_paddr_t end = base + size;
    for (hal_paddr_t at = base; at < end;) {
        size_t i = mem_region_index(memory_map.regions, memory_map.count, at);
        if (i == memory_map.count || memory_map.regions[i].base >= end)
            return;
        struct mem_region r = memory_map.regions[i];
        hal_paddr_t from = hal_max_u64(at, r.base);
        at = hal_min_u64(mem_region_end(&r), end);
        if (mem_type_is_free_ram(r.type) && r.label == NULL)
            reserve(from, at - from, label);
    }
}

void memory_make_space(const struct boot_info *info)
{
    tables_begin(info->tables, info->tables_bytes);
    space_make(info, &memory_map, screen_sound);
}

void memory_use_space(void)
{
    memory_map.regions = hal_phys_to_virt((hal_paddr_t)(uintptr_t)memory_map.regions);
    cpu_mask_interrupts((volatile void *)(uintptr_t)space_devices[DEVICE_INTERRUPTS].base);
}

static hal_paddr_t dma_end(const struct options *o)
{
    const char *wrong = options_refuse_dma(o->dma);
    if (wrong == NULL)
        return o->dma;
    LOG("options",
        "the zone DMA cannot end at %x: %s; it ends at %x, as without the option dma=", U(o->dma),
        S(wrong), U(PMM_DMA_LIMIT));
    return PMM_DMA_LIMIT;
}

void memory_make_pmm(const struct pmm_machine *machine, const struct options *o)
{
    memory_machine = *machine;
    memory_machine.dma_end = dma_end(o);
    tables_end(&memory_map);
    unfit_reserve(&memory_map, (size_t)2 * OWNERS_LATER);
    mm_status_t s = pmm_create_for(&memory_map, &memory_machine, &memory_pmm);
    if (s == MM_OK) {
        tables_add_pmm(memory_pmm);
        return;
    }
    LOG("pmm", "pmm_create %s", S(mm_status_text(s)));
    HAL_PANIC(s == MM_NO_MEMORY
                  ? "no free memory in the firmware's map is large enough for the page allocator"
                  : "the page allocator could not be made from this memory map");
}

static void reclaim_region(const struct mem_region *r)
{
    mm_status_t s = pmm_reclaim(memory_pmm, r);
    if (s == MM_OK)
        return;
    LOG("reclaim", "%s memory at %X %s", S(mem_type_name(r->type)), U(r->base),
        S(mm_status_text(s)));
    HAL_PANIC("a region of the map could not be reclaimed");
}

void memory_reclaim(const struct options *o)
{
    uint64_t regions = 0;
    uint64_t bytes = 0;
    if (o->keepbs) {
        SAY("reclaim", "BootServices and Loader memory is kept, as the option keepbs asks");
        return;
    }
    for (size_t i = 0; i < memory_map.count; i++) {
        const struct mem_region *r = &memory_map.regions[i];
        if (r->label != NULL || (r->type != MEM_BOOT && r->type != MEM_LOADER))
            continue;
        reclaim_region(r);
        regions++;
        bytes += r->size;
    }
    LOG("reclaim", "%u pages (%h) in %u regions of BootServices and Loader memory",
        U(bytes / HAL_PAGE_SIZE), U(bytes), U(regions));
}
