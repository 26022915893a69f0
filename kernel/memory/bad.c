#include "kernel/memory/bad.h"
#include "kernel/log/format.h"
#include "kernel/options.h"

struct keeper {
    struct memmap *map;
    size_t spare;
    bad_tell_fn *tell;
    void *ctx;
};

static void tell(const struct keeper *k, struct format_line *l)
{
    l->text[hal_min_u64(l->used, LOG_LINE - 1)] = '\0';
    k->tell(k->ctx, l->text);
}

static void refuse(const struct keeper *k, hal_paddr_t base, hal_paddr_t end, const char *why)
{
    struct format_line l = {.used = 0};
    FORMAT(&l, "%X %X cannot be kept from use: %s", U(base), U(end), S(why));
    tell(k, &l);
}

static void retire(const struct keeper *k, hal_paddr_t base, hal_paddr_t end)
{
    struct format_line l = {.used = 0};
    bool room = k->map->capacity - k->map->count >= k->spare + 2;
    if (!room || memmap_retire(k->map, base, end - base) != MM_OK) {
        refuse(k, base, end, "there are too many bad pages");
        return;
    }
    FORMAT(&l, "%X %X, %u pages kept from use", U(base), U(end), U((end - base) / HAL_PAGE_SIZE));
    tell(k, &l);
}

/* [base, end) lies in one region. */
static void keep(const struct keeper *k, const struct mem_region *r, hal_paddr_t base,
                 hal_paddr_t end)
{
    if (r->label != NULL)
        refuse(k, base, end, r->label);
    else if (mem_type_is_free_ram(r->type))
        retire(k, base, end);
    else if (r->type != MEM_BAD)
        refuse(k, base, end, mem_type_name(r->type));
}

/* Piece by piece: what lies in no region is no memory. */
static void keep_range(const struct keeper *k, hal_paddr_t base, hal_paddr_t end)
{
    const struct memmap *m = k->map;
    for (hal_paddr_t at = base, next; at < end; at = next) {
        size_t i = mem_region_index(m->regions, m->count, at);
        if (i == m->count || m->regions[i].base >= end) {
            refuse(k, at, end, "no memory");
            return;
        }
        const struct mem_region *r = &m->regions[i];
        next = r->base > at ? r->base : hal_min_u64(mem_region_end(r), end);
        if (r->base > at)
            refuse(k, at, next, "no memory");
        else
            keep(k, r, at, next);
    }
}

void bad_reserve(struct memmap *m, const char *options, size_t size, size_t spare,
                 bad_tell_fn *listener, void *ctx)
{
    const struct keeper k = {m, spare, listener, ctx};
    struct options_bad pages;
    for (size_t at = 0; options_next_bad(options, size, &at, &pages);)
        keep_range(&k, hal_align_down(pages.first, HAL_PAGE_SIZE),
                   hal_align_down(pages.last, HAL_PAGE_SIZE) + HAL_PAGE_SIZE);
}
