#include "kernel/memory/space.h"
#include "hal/cpu.h"
#include "hal/machine.h"
#include "hal/short.h"
#include "kernel/early/image.h"
#include "kernel/early/move.h"
#include "kernel/log/log.h"
#include "kernel/memory/tables.h"

const char space_screen_label[] = "framebuffer";
const char space_null_label[] = "page 0";

bool space_entered;
struct space_range space_stacks[STACK_COUNT] = {{.name = "boot stack"}};
struct space_range space_devices[DEVICE_COUNT] = {
    {.name = "interrupt controller"},
    {.name = "framebuffer"},
    {.name = "serial port"},
};

static void map(hal_vaddr_t virt, hal_paddr_t phys, uint64_t size, uint32_t prot)
{
    mm_status_t s = aspace_map(&space_kernel, virt, phys, size, prot | ASPACE_GLOBAL);
    if (s == MM_OK)
        return;
    LOG("space", "mapping %X to %X, %u bytes, %s", U(virt), U(phys), U(size), S(mm_status_text(s)));
    HAL_PANIC(s == MM_NO_MEMORY ? "no memory is left for page tables; this machine needs more RAM"
                                : "the kernel's address space cannot be made");
}

static void map_image(void)
{
    map(image.base, image.phys, HAL_PAGE_SIZE,
        ASPACE_R); /* the headers: the backtrace reads them */
    for (unsigned i = 0; i < image.pe.section_count; i++) {
        const struct pe_section *s = &image.pe.sections[i];
        map(image.base + s->address, image.phys + s->address, pe_section_size(s),
            (s->flags & PE_EXECUTE) != 0 ? ASPACE_X
            : (s->flags & PE_WRITE) != 0 ? ASPACE_W
                                         : ASPACE_R);
    }
}

static uint32_t stack_cpus = 1; /* that have stacks here */

/* At the end of its slot, but for one page: each CPU has STACK_COUNT slots. */
static hal_vaddr_t stack_end(uint32_t cpu, unsigned which)
{
    uint64_t slot = (uint64_t)cpu * STACK_COUNT + which;
    return SPACE_STACKS + (slot + 1) * SPACE_STACK_SLOT - HAL_PAGE_SIZE;
}

hal_vaddr_t space_map_stack(uint32_t cpu, unsigned which, hal_paddr_t phys, uint64_t size)
{
    hal_vaddr_t end = stack_end(cpu, which);
    if (end >= SPACE_SCRATCH ||
        space_map(end - size, phys, size, ASPACE_W | ASPACE_GLOBAL) != MM_OK)
        return 0;
    if (cpu >= stack_cpus)
        stack_cpus = cpu + 1;
    return end;
}

bool space_stack_at(hal_vaddr_t at, struct space_stack_place *out)
{
    struct aspace_mapping m;
    uint64_t slot = (at - SPACE_STACKS) / SPACE_STACK_SLOT;
    if (at < SPACE_STACKS || slot / STACK_COUNT >= stack_cpus)
        return false;
    *out = (struct space_stack_place){.name = space_stacks[slot % STACK_COUNT].name,
                                      .cpu = (uint32_t)(slot / STACK_COUNT),
                                      .mapped = aspace_query(&space_kernel, at, &m) == MM_OK};
    return true;
}

bool space_is_stack(hal_vaddr_t at)
{
    struct space_stack_place p;
    return space_stack_at(at, &p) && p.mapped;
}

static void map_stack(unsigned which, hal_paddr_t phys, uint64_t size)
{
    struct space_range *s = &space_stacks[which];
    s->base = stack_end(0, which) - size;
    s->size = size;
    map(s->base, phys, size, ASPACE_W);
}

static void map_stacks(const struct boot_info *info)
{
    map_stack(STACK_BOOT, info->stack_base, info->stack_size);
    for (unsigned i = 0; i < CPU_TRAP_STACKS; i++) {
        struct cpu_stack c = cpu_trap_stack(i);
        space_stacks[STACK_TRAPS + i].name = c.name;
        map_stack(STACK_TRAPS + i, image_phys(c.base), c.size);
    }
}

bool space_holds(const struct mem_region *r)
{
    return mem_type_is_ram(r->type) && r->label != space_screen_label &&
           r->label != space_null_label && r->base < SPACE_DIRECT_SIZE;
}

/* Regions are merged first, so that a border between two kinds of RAM splits no large page. */
static void map_ram(const struct memmap *m, hal_paddr_t trampoline)
{
    for (size_t i = 0; i < m->count;) {
        hal_paddr_t base = m->regions[i].base;
        hal_paddr_t end = mem_region_end(&m->regions[i]);
        bool wanted = space_holds(&m->regions[i]);
        for (i++;
             i < m->count && m->regions[i].base == end && space_holds(&m->regions[i]) == wanted;
             i++)
            end = mem_region_end(&m->regions[i]);
        if (!wanted)
            continue;
        end = hal_min_u64(end, SPACE_DIRECT_SIZE);
        map(SPACE_DIRECT + base, base, end - base, ASPACE_W);
    }
    /* Low memory is reserved, but for kinds that the allocator never gets. */
    const struct mem_region *r = memmap_find(m, trampoline);
    if (trampoline != 0 && (r == NULL || !space_holds(r)))
        map(SPACE_DIRECT + trampoline, trampoline, HAL_PAGE_SIZE, ASPACE_W);
}

/* What the image keeps from being written is not to be written by way of the direct map either. */
static void narrow(uint64_t offset, uint64_t size)
{
    hal_vaddr_t at = SPACE_DIRECT + image.phys + offset;
    if (aspace_protect(&space_kernel, at, size, ASPACE_R | ASPACE_GLOBAL) != MM_OK)
        HAL_PANIC("the firmware's map says that this program lies in no RAM, or RAM has run out");
}

static void narrow_image(void)
{
    narrow(0, HAL_PAGE_SIZE);
    for (unsigned i = 0; i < image.pe.section_count; i++) {
        const struct pe_section *s = &image.pe.sections[i];
        if ((s->flags & PE_WRITE) == 0)
            narrow(s->address, pe_section_size(s));
    }
}

static void map_device(unsigned which, hal_paddr_t base, uint64_t size, uint32_t prot)
{
    hal_paddr_t from = hal_align_down(base, HAL_PAGE_SIZE);
    hal_vaddr_t at = SPACE_DEVICES + which * GIB + (from & (2 * MIB - 1)); /* 2 MiB pages may fit */
    map(at, from, hal_align_up(base + size, HAL_PAGE_SIZE) - from, prot);
    space_devices[which].base = at + (base - from);
    space_devices[which].size = size;
}

/* Where it lies in one page, and no RAM there, of which the direct map would be a second mapping. */
static void map_serial(const struct memmap *m)
{
    hal_paddr_t at = (hal_paddr_t)(uintptr_t)serial_registers();
    const struct mem_region *r = memmap_find(m, at);
    if (at != 0 && (r == NULL || !mem_type_is_ram(r->type)))
        map_device(DEVICE_SERIAL, hal_align_down(at, HAL_PAGE_SIZE), HAL_PAGE_SIZE,
                   ASPACE_W | ASPACE_UC);
}

/* The table below the root stays when the window is empty again (A2). It is made here, so that the figures
 * of the space do not depend on who first used the window. */
static void open_scratch(void)
{
    map(SPACE_SCRATCH, image.phys, HAL_PAGE_SIZE, ASPACE_R);
    if (aspace_unmap(&space_kernel, SPACE_SCRATCH, HAL_PAGE_SIZE) != MM_OK)
        HAL_PANIC("the window for what is mapped for a while cannot be made");
}

void space_make(const struct boot_info *info, const struct memmap *m, bool screen)
{
    if (aspace_init(&space_kernel, &tables_source) != MM_OK)
        HAL_PANIC("there is no page for the root of the kernel's address space");
    map_image();
    map_stacks(info);
    map_ram(m, info->trampoline);
    narrow_image();
    hal_paddr_t interrupts = cpu_interrupt_registers();
    if (interrupts != 0)
        map_device(DEVICE_INTERRUPTS, interrupts, HAL_PAGE_SIZE, ASPACE_W | ASPACE_UC);
    if (screen)
        map_device(DEVICE_SCREEN, info->framebuffer.base, info->framebuffer.size,
                   ASPACE_W | ASPACE_WC);
    map_serial(m);
    open_scratch();
}

/* It was found at its physical address. */
static void move_serial(void)
{
    const struct space_range *s = &space_devices[DEVICE_SERIAL];
    uint64_t offset = (uintptr_t)serial_registers() % HAL_PAGE_SIZE;
    if (serial_registers() != NULL)
        serial_move(s->size != 0 ? (volatile void *)(uintptr_t)(s->base + offset) : NULL);
}

static void arrive(void *entry)
{
    const struct space_range *s = &space_stacks[STACK_BOOT];
    void (*fn)(void *);
    aspace_activate(&space_kernel);
    hal_direct_base = SPACE_DIRECT;
    cpu_use_global_pages();
    move_forget_tables();
    space_entered = true;
    move_serial();
    for (unsigned i = 0; i < CPU_TRAP_STACKS; i++)
        cpu_set_trap_stack(i, s[STACK_TRAPS + i].base + s[STACK_TRAPS + i].size);
    __builtin_memcpy(&fn, &entry, sizeof fn);
    cpu_call_on_stack(s->base + s->size, fn, NULL);
}

/* By way of a stack that both spaces have at the same place: in the image. */
_Noreturn void space_enter(void (*entry)(void *))
{
    void *argument;
    __builtin_memcpy(&argument, &entry, sizeof argument);
    struct cpu_stack between = cpu_trap_stack(0);
    cpu_call_on_stack((hal_vaddr_t)(uintptr_t)between.base + between.size, arrive, argument);
}

static void log_run(void *ctx, const struct aspace_mapping *m)
{
    UNUSED(ctx);
    LOG("mapping", "%X %X %X %h %s%s%s%s%s", U(m->virt), U(m->virt + m->size), U(m->phys),
        U(m->page), S((m->prot & ASPACE_W) != 0 ? "w" : "-"),
        S((m->prot & ASPACE_X) != 0 ? "x" : "-"), S((m->prot & ASPACE_USER) != 0 ? "u" : "-"),
        S((m->prot & ASPACE_GLOBAL) != 0 ? "g" : "-"),
        S((m->prot & ASPACE_UC) != 0   ? "UC"
          : (m->prot & ASPACE_WC) != 0 ? "WC"
                                       : "WB"));
}

void space_log(bool runs)
{
    const struct page_tree_stats *a = &space_kernel.tree.stats;
    LOG("space",
        "%u pages of 4 KiB, %u of 2 MiB, %u of 1 GiB in %u tables of %u levels; %u splits, %u "
        "merges, %u pages and %u times all flushed",
        U(a->pages[0]), U(a->pages[1]), U(a->pages[2]), U(a->tables),
        U(hal_paging_features().levels), U(a->splits), U(a->merges), U(a->flushed_pages),
        U(a->full_flushes));
    tables_log();
    if (runs)
        aspace_walk(&space_kernel, log_run, NULL);
}
