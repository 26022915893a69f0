#include "kernel/memory/unfit.h"
#include "hal/cpu.h"
#include "hal/machine.h"
#include "hal/short.h"
#include "kernel/log/log.h"

#define RANGES_LOGGED 32u

struct unfit {
    struct memmap *map;
    size_t spare;
    uint64_t used; /* pages of unfit RAM for which there was no slot */
};

static bool is_free(const struct mem_region *r)
{
    return mem_type_is_free_ram(r->type) && r->label == NULL;
}

/* [base, end) lies in one free region. */
static void reserve(struct unfit *u, hal_paddr_t base, hal_paddr_t end, const char *label)
{
    uint64_t pages = (end - base) / HAL_PAGE_SIZE;
    if (u->map->capacity - u->map->count < u->spare + 2 ||
        memmap_reserve(u->map, base, end - base, label) != MM_OK) {
        u->used += pages;
        return;
    }
    LOG("reserve", "%s %X %X, %u pages", S(label), U(base), U(end), U(pages));
}

/* A piece of free RAM that the CPU caches in one way. */
struct run {
    hal_paddr_t base, end;
    bool write_back;
};

/* The first such piece from `at` on; false: there is none. */
static bool next_run(const struct memmap *m, hal_paddr_t at, struct run *run)
{
    size_t i = mem_region_index(m->regions, m->count, at);
    while (i < m->count && !is_free(&m->regions[i]))
        i++;
    if (i == m->count)
        return false;
    run->base = hal_max_u64(at, m->regions[i].base);
    run->write_back = cpu_caching(run->base, &run->end).write_back;
    run->end = hal_min_u64(run->end, mem_region_end(&m->regions[i]));
    return true;
}

/* Bytes of free RAM that are cached in that way. */
static uint64_t count(const struct memmap *m, bool write_back)
{
    struct run run = {.end = 0};
    uint64_t bytes = 0;
    while (next_run(m, run.end, &run))
        bytes += run.write_back == write_back ? run.end - run.base : 0;
    return bytes;
}

static void reserve_uncached(struct unfit *u)
{
    struct run run = {.end = 0};
    uint64_t bad = count(u->map, false);
    if (bad > count(u->map, true)) {
        LOG("caching", "by that %h of RAM are not write-back, most of it: not believed", U(bad));
        return;
    }
    while (next_run(u->map, run.end, &run))
        if (!run.write_back)
            reserve(u, run.base, run.end, "not write-back");
}

static void reserve_spoilt(struct unfit *u, const struct machine_spoilt *s)
{
    const struct memmap *m = u->map;
    hal_paddr_t end = s->base + s->size;
    for (hal_paddr_t at = s->base; at < end;) {
        size_t i = mem_region_index(m->regions, m->count, at);
        if (i == m->count || m->regions[i].base >= end)
            return;
        hal_paddr_t base = hal_max_u64(at, m->regions[i].base);
        at = hal_min_u64(mem_region_end(&m->regions[i]), end);
        if (is_free(&m->regions[i]))
            reserve(u, base, at, s->whose);
    }
}

/* As far as there is RAM. */
static void log_caching(const struct memmap *m)
{
    hal_paddr_t limit = 0;
    for (size_t i = 0; i < m->count; i++)
        if (mem_type_is_ram(m->regions[i].type))
            limit = mem_region_end(&m->regions[i]);
    hal_paddr_t at = MIB, until;
    for (unsigned i = 0; at < limit && i < RANGES_LOGGED; i++, at = until) {
        struct cpu_caching c = cpu_caching_run(at, limit, &until);
        LOG("caching", "%X %X %s", U(at), U(until), S(c.name));
    }
    if (at < limit)
        LOG("caching", "and more ranges from %X on", U(at));
}

void unfit_reserve(struct memmap *map, size_t spare)
{
    struct unfit u = {.map = map, .spare = spare};
    struct machine_spoilt s;
    log_caching(map);
    reserve_uncached(&u);
    for (unsigned i = 0; (s = machine_spoilt(i)).size != 0; i++)
        reserve_spoilt(&u, &s);
    if (u.used != 0)
        LOG("reserve", "%u more pages are unfit and used all the same: too many ranges", U(u.used));
}
