#include "kernel/ram/ram.h"

#define LOW_END (4 * GIB)

/* RAM by its type alone. */
static bool is_certain(enum mem_type type)
{
    return mem_type_is_ram(type) || type == MEM_PERSISTENT || type == MEM_UNACCEPTED ||
           type == MEM_UNUSABLE;
}

/* RAM to a person's eye; runtime services have flash memory too, and errors can be told of anything. */
static bool is_anchor(enum mem_type type)
{
    return mem_type_is_ram(type) && type != MEM_RUNTIME;
}

/* Regions of one type that touch are one here, whoever owns them. */
static size_t run_end(const struct memmap *m, size_t i)
{
    size_t next = i + 1;
    while (next < m->count && m->regions[next].type == m->regions[i].type &&
           m->regions[next].base == mem_region_end(&m->regions[next - 1]))
        next++;
    return next;
}

/* Where the RAM below 4 GiB ends. */
static hal_paddr_t low_top(const struct memmap *m)
{
    hal_paddr_t top = 0;
    for (size_t i = 0; i < m->count && m->regions[i].base < LOW_END; i++)
        if (is_anchor(m->regions[i].type))
            top = hal_min_u64(mem_region_end(&m->regions[i]), LOW_END);
    return top;
}

static bool touches_ram(const struct memmap *m, size_t first, size_t next)
{
    const struct mem_region *r = m->regions;
    return (first > 0 && mem_region_end(&r[first - 1]) == r[first].base &&
            is_certain(r[first - 1].type)) ||
           (next < m->count && r[next].base == mem_region_end(&r[next - 1]) &&
            is_certain(r[next].type));
}

/* The head of ram.h says when. */
static bool is_ram(const struct memmap *m, size_t first, size_t next, hal_paddr_t top)
{
    const struct mem_region *r = &m->regions[first];
    uint64_t size = mem_region_end(&m->regions[next - 1]) - r->base;
    if (r->type != MEM_RESERVED)
        return is_certain(r->type);
    return r->base < top || (size < RAM_RESERVED_MAX && touches_ram(m, first, next));
}

static void count_run(struct ram *ram, enum mem_type type, hal_paddr_t base, hal_paddr_t end)
{
    ram->mapped += end - base;
    ram->low += hal_min_u64(end, LOW_END) - hal_min_u64(base, LOW_END);
    if (mem_type_is_free_ram(type))
        ram->allocatable += end - base;
    else
        ram->kept[type] += end - base;
}

void ram_count(struct ram *ram, const struct memmap *m, const struct slots *s)
{
    hal_paddr_t top = low_top(m);
    *ram =
        (struct ram){.known = s->wrong == NULL && !s->broken && s->filled > 0 && s->unknown == 0};
    for (size_t i = 0, next; i < m->count; i = next) {
        next = run_end(m, i);
        if (is_ram(m, i, next, top))
            count_run(ram, m->regions[i].type, m->regions[i].base,
                      mem_region_end(&m->regions[next - 1]));
    }
    ram->high = ram->mapped - ram->low;
    ram->low_gap = LOW_END - ram->low;
    ram->remapped = hal_min_u64(ram->high, ram->low_gap);
    if (!ram->known)
        return;
    ram->installed = s->installed;
    ram->missing = s->installed > ram->mapped ? s->installed - ram->mapped : 0;
    ram->surplus = ram->mapped > s->installed ? ram->mapped - s->installed : 0;
}

static bool has_ram(const struct memmap *m, const struct slot_range *r)
{
    for (size_t i = mem_region_index(m->regions, m->count, r->base);
         i < m->count && m->regions[i].base < r->end; i++)
        if (is_certain(m->regions[i].type))
            return true;
    return false;
}

bool ram_lacks_slot(const struct memmap *m, const struct slots *s, uint32_t i)
{
    struct slot_range r;
    uint32_t n = 0;
    while (slots_range(s, i, n, &r)) {
        if (has_ram(m, &r))
            return false;
        n++;
    }
    return n > 0;
}
