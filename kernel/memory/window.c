#include "kernel/memory/window.h"
#include "hal/short.h"
#include "kernel/log/log.h"
#include "kernel/memory/space.h"

#define BLOCK (2 * MIB) /* memory is added in whole ones */

/* Bytes of RAM, and of windows that are open already; where the RAM ends. */
struct census {
    uint64_t ram, windows;
    hal_paddr_t top;
};

static struct census count(const struct memmap *m)
{
    struct census c = {.ram = 0};
    for (size_t i = 0; i < m->count; i++) {
        const struct mem_region *r = &m->regions[i];
        c.windows += r->type == MEM_HOTPLUG ? r->size : 0;
        if (!mem_type_is_ram(r->type))
            continue;
        c.ram += r->size;
        c.top = mem_region_end(r);
    }
    return c;
}

static void refuse(hal_paddr_t base, hal_paddr_t end, const char *why)
{
    if (base < end)
        LOG("window", "%X %X, %h, is left a hole: %s", U(base), U(end), U(end - base), S(why));
}

/* [base, end) is a hole, and whole blocks. */
static void open_hole(struct memmap *m, hal_paddr_t base, hal_paddr_t end, size_t spare)
{
    struct census c = count(m);
    uint64_t most = WINDOW_TIMES * c.ram;
    uint64_t left = hal_align_down(most - hal_min_u64(most, c.windows), BLOCK);
    hal_paddr_t stop = base + hal_min_u64(end - base, left);
    if (m->capacity - m->count < spare + 1) {
        refuse(base, end, "the memory map has no room for more");
        return;
    }
    if (base < stop && memmap_add_window(m, base, stop - base) == MM_OK)
        LOG("window", "%X %X, %h: memory may be added here", U(base), U(stop), U(stop - base));
    refuse(stop, end,
           "windows are at most 32 times as large as the RAM, for their tables take some");
}

_Static_assert(WINDOW_TIMES == 32, "as the sentence says");

void window_open(struct memmap *m, hal_paddr_t base, uint64_t size, size_t spare)
{
    hal_paddr_t limit = hal_min_u64(m->limit, SPACE_DIRECT_SIZE);
    hal_paddr_t end = hal_min_u64(base + size, limit);
    refuse(hal_max_u64(base, limit), base + size, "this kernel cannot reach it");
    base = hal_max_u64(base, hal_min_u64(count(m).top, 4 * GIB));
    while (base < end) {
        size_t i = mem_region_index(m->regions, m->count, base);
        bool last = i == m->count || m->regions[i].base >= end;
        hal_paddr_t from = hal_align_up(base, BLOCK);
        hal_paddr_t to = hal_align_down(last ? end : m->regions[i].base, BLOCK);
        base = last ? end : mem_region_end(&m->regions[i]);
        if (from < to)
            open_hole(m, from, to, spare);
    }
}
