#include "kernel/memory/bad.h"
#include "kernel/log/log.h"
#include "kernel/options.h"

static void refuse(hal_paddr_t base, hal_paddr_t end, const char *why)
{
    LOG("bad", "%X %X cannot be kept from use: %s", U(base), U(end), S(why));
}

/* [base, end) lies in one region. */
static void keep(struct memmap *m, const struct mem_region *r, hal_paddr_t base, hal_paddr_t end,
                 size_t spare)
{
    if (r->label != NULL) {
        refuse(base, end, r->label);
        return;
    }
    if (!mem_type_is_free_ram(r->type)) {
        if (r->type != MEM_BAD)
            refuse(base, end, mem_type_name(r->type));
        return;
    }
    bool room = m->capacity - m->count >= spare + 2;
    if (room && memmap_retire(m, base, end - base) == MM_OK)
        LOG("bad", "%X %X, %u pages kept from use", U(base), U(end),
            U((end - base) / HAL_PAGE_SIZE));
    else
        refuse(base, end, "there are too many bad pages");
}

/* Piece by piece: what lies in no region is no memory. */
static void keep_range(struct memmap *m, hal_paddr_t base, hal_paddr_t end, size_t spare)
{
    for (hal_paddr_t at = base, next; at < end; at = next) {
        size_t i = mem_region_index(m->regions, m->count, at);
        if (i == m->count || m->regions[i].base >= end) {
            refuse(at, end, "no memory");
            return;
        }
        const struct mem_region *r = &m->regions[i];
        next = r->base > at ? r->base : hal_min_u64(mem_region_end(r), end);
        if (r->base > at)
            refuse(at, next, "no memory");
        else
            keep(m, r, at, next, spare);
    }
}

void bad_reserve(struct memmap *m, const char *options, size_t size, size_t spare)
{
    struct options_bad pages;
    for (size_t at = 0; options_next_bad(options, size, &at, &pages);)
        keep_range(m, hal_align_down(pages.first, HAL_PAGE_SIZE),
                   hal_align_down(pages.last, HAL_PAGE_SIZE) + HAL_PAGE_SIZE, spare);
}
