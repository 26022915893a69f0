#include "kernel/trap/fault.h"
#include "hal/cpu.h"
#include "kernel/early/image.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"

struct search {
    hal_paddr_t page;
    const char *found;
};

static void meet_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    static const char *const names[] = {"a free page", "a free page, parked", "an allocated page",
                                        "a page withheld until reclaim", "a bad page"};
    struct search *s = ctx;
    if (s->page >= base && s->page - base < pages * HAL_PAGE_SIZE)
        s->found = names[kind];
}

static struct fault_place in_ram(hal_paddr_t at)
{
    const struct mem_region *r = memmap_find(&memory_map, at);
    if (r == NULL)
        return (struct fault_place){"direct map, outside RAM", ""};
    if (r->label != NULL)
        return (struct fault_place){"direct map: ", r->label};
    struct search s = {at, mem_type_name(r->type)};
    if (memory_pmm != NULL)
        pmm_walk(memory_pmm, meet_run, &s);
    return (struct fault_place){"direct map: ", s.found};
}

static struct fault_place in_image(uint64_t offset)
{
    for (unsigned i = 0; i < image.pe.section_count; i++) {
        const struct pe_section *s = &image.pe.sections[i];
        if (offset < s->address || offset - s->address >= pe_section_size(s))
            continue;
        return (struct fault_place){(s->flags & PE_EXECUTE) != 0 ? "kernel text"
                                    : (s->flags & PE_WRITE) != 0 ? "kernel data"
                                                                 : "kernel constants",
                                    ""};
    }
    return (struct fault_place){"kernel headers", ""};
}

static struct fault_place in_stacks(hal_vaddr_t at)
{
    struct space_stack_place p;
    if (!space_stack_at(at, &p))
        return (struct fault_place){"window of stacks and scratch mappings", ""};
    return (struct fault_place){p.mapped ? "" : "guard page of the ", p.name};
}

static struct fault_place in_devices(hal_vaddr_t at)
{
    for (unsigned i = 0; i < DEVICE_COUNT; i++)
        if (at - space_devices[i].base < space_devices[i].size)
            return (struct fault_place){"device window: ", space_devices[i].name};
    return (struct fault_place){"device window, no device", ""};
}

struct fault_place fault_place(hal_vaddr_t at)
{
    if (at < HAL_PAGE_SIZE)
        return (struct fault_place){"page 0 (a null pointer)", ""};
    if (at < SPACE_DIRECT)
        return (struct fault_place){"user half", ""};
    if (at - SPACE_DIRECT < SPACE_DIRECT_SIZE)
        return in_ram(at - SPACE_DIRECT);
    if (at - image.base < image.size)
        return in_image(at - image.base);
    if (at >= IMAGE_WINDOW)
        return (struct fault_place){"image window, outside the image", ""};
    return at >= SPACE_STACKS ? in_stacks(at) : in_devices(at);
}

static const char *refusal(uint32_t access)
{
    if ((access & TRAP_MAPPED) == 0)
        return "not mapped";
    if ((access & TRAP_BROKEN) != 0)
        return "mapped by an entry with reserved bits";
    return (access & TRAP_FETCH) != 0   ? "not executable"
           : (access & TRAP_WRITE) != 0 ? "not writable"
                                        : "not for users";
}

void fault_report_access(const struct trap *t)
{
    LOG("trap", "%s %X from %s code: the page is %s",
        S((t->access & TRAP_FETCH) != 0   ? "executing"
          : (t->access & TRAP_WRITE) != 0 ? "writing"
                                          : "reading"),
        U(t->address), S((t->access & TRAP_USER) != 0 ? "user" : "kernel"), S(refusal(t->access)));
}

/* All spaces share the upper half; of a lower half only the kernel's own is known here. */
static bool is_of_another_space(hal_vaddr_t at)
{
    return space_entered && at < SPACE_DIRECT && hal_root() != aspace_root(&space_kernel);
}

bool fault_report_path(hal_vaddr_t at)
{
    if (is_of_another_space(at))
        return false;
    uint64_t entries[ASPACE_LEVELS];
    unsigned levels = hal_paging_features().levels;
    unsigned count = aspace_path(&space_kernel, at, entries);
    for (unsigned i = 0; i < count; i++)
        LOG("trap", "level %u, entry %u of its table: %X%s", U(levels - i),
            U(at >> (12 + 9 * (levels - 1 - i)) & 511u), U(entries[i]),
            S(entries[i] == 0 ? ", not present"
              : i + 1 < count ? ""
                              : ", the page"));
    return count > 0;
}

void fault_report_place(const struct trap *t)
{
    fault_report_path(t->address);
    if (memory_pmm != NULL)
        pmm_others_stopped(memory_pmm);
    struct fault_place p = fault_place(t->address);
    LOG("trap", "%s%s is %s", S(p.what), S(p.name), S(refusal(t->access)));
}
