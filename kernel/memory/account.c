#include "kernel/memory/account.h"
#include "kernel/log/format.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"

struct recount {
    uint64_t pages[PMM_RUN_COUNT];
    uint64_t runs_outside; /* runs that are not wholly allocatable memory of the map */
    hal_paddr_t last_end;
    bool disordered;
};

struct account {
    uint64_t by_type[MEM_TYPE_COUNT];
    uint64_t owned;     /* usable, boot, loader and bad pages with a label */
    uint64_t ownerless; /* the same kinds without */
};

/* Of a type that the allocator knows where it has no owner. */
static bool is_managed(const struct mem_region *r)
{
    return mem_type_is_free_ram(r->type) || r->type == MEM_BAD;
}

static void count_map(struct account *a)
{
    *a = (struct account){.owned = 0};
    for (size_t i = 0; i < memory_map.count; i++) {
        const struct mem_region *r = &memory_map.regions[i];
        uint64_t pages = r->size / HAL_PAGE_SIZE;
        a->by_type[r->type] += pages;
        if (is_managed(r) && r->label != NULL)
            a->owned += pages;
        else if (is_managed(r))
            a->ownerless += pages;
    }
}

/* Is all of [base, end) memory that the allocator may hold? Regions that touch may be crossed. */
static bool in_map(hal_paddr_t base, hal_paddr_t end)
{
    while (base < end) {
        const struct mem_region *r = memmap_find(&memory_map, base);
        if (r == NULL || r->label != NULL || !is_managed(r))
            return false;
        base = r->base + r->size;
    }
    return true;
}

static void count_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct recount *c = ctx;
    c->disordered |= base < c->last_end;
    c->last_end = base + pages * HAL_PAGE_SIZE;
    c->pages[kind] += pages;
    if (!in_map(base, c->last_end))
        c->runs_outside++;
}

static void sum_zones(struct pmm_stats *sum)
{
    *sum = (struct pmm_stats){.total = 0};
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        sum->total += s.total;
        sum->free += s.free;
        sum->parked += s.parked;
        sum->bad += s.bad;
    }
}

static void each_of_node(uint32_t node, uint32_t number, account_zone_fn *fn)
{
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct format_line name = {.used = 0};
        struct pmm_stats s;
        pmm_stats_node(memory_pmm, node, (enum pmm_zone)z, &s);
        FORMAT(&name, "%s of node %u", S(pmm_zone_name((enum pmm_zone)z)), U(number));
        name.text[name.used] = '\0';
        if (s.total != 0)
            fn(name.text, &s);
    }
}

void account_each_zone(const uint32_t *numbers, account_zone_fn *fn)
{
    uint32_t nodes = pmm_node_count(memory_pmm);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        fn(pmm_zone_name((enum pmm_zone)z), &s);
    }
    for (uint32_t node = 0; nodes > 1 && node < nodes; node++)
        each_of_node(node, numbers[node], fn);
}

static void report_zone(const char *name, const struct pmm_stats *s)
{
    LOG("zone", "%s total=%u free=%u parked=%u largest_run=%u runs=%u free_blocks=%u size=%h",
        S(name), U(s->total), U(s->free), U(s->parked), U(s->largest_run), U(s->runs),
        U(s->free_blocks), U(s->total * HAL_PAGE_SIZE));
}

void account_report_zones(const uint32_t *numbers)
{
    LOG("zones", "DMA ends at %X, DMA32 at %X", U(memory_machine.dma_end),
        U(memory_machine.dma32_end));
    account_each_zone(numbers, report_zone);
}

static void report_types(void)
{
    struct account a;
    count_map(&a);
    for (unsigned t = 1; t < MEM_TYPE_COUNT; t++)
        if (a.by_type[t] != 0)
            LOG("memory", "%s: %u pages, %h", S(mem_type_name((enum mem_type)t)), U(a.by_type[t]),
                U(a.by_type[t] * HAL_PAGE_SIZE));
    for (size_t i = 0; i < memory_map.count; i++) {
        const struct mem_region *r = &memory_map.regions[i];
        if (r->label != NULL)
            LOG("owner", "%X %X %s, %u pages, %s", U(r->base), U(r->base + r->size), S(r->label),
                U(r->size / HAL_PAGE_SIZE), S(mem_type_name(r->type)));
    }
}

void account_report(const struct boot_info *info, const uint32_t *numbers)
{
    struct pmm_stats sum;
    sum_zones(&sum);
    uint64_t micros = log_micros();
    uint64_t writing = log_micros_writing();
    LOG("pmm", "Page allocator ready: %u pages", U(sum.total));
    if (info->tsc_hz != 0)
        LOG("time",
            "%u us from exit of boot services to Page allocator ready, %u us of it writing this "
            "log",
            U(micros), U(writing));
    else
        LOG("time",
            "%u thousand ticks from exit of boot services to Page allocator ready; their rate is "
            "unknown",
            U(micros));
    LOG("pmm", "%u regions, tables of %h, %h in all", U(pmm_region_count(memory_pmm)),
        U(pmm_table_bytes(memory_pmm)), U(sum.total * HAL_PAGE_SIZE));
    account_report_zones(numbers);
    report_types();
}

static bool equal(const char *what, uint64_t a, uint64_t b)
{
    if (a != b)
        LOG("audit", "%s: %u is not %u", S(what), U(a), U(b));
    return a == b;
}

/* Of the map alone. */
static uint64_t usable_pages(const struct account *a)
{
    return a->by_type[MEM_USABLE] + a->by_type[MEM_BOOT] + a->by_type[MEM_LOADER] +
           a->by_type[MEM_BAD];
}

struct account_sums account_count(void)
{
    struct account a;
    struct recount c = {.last_end = 0};
    count_map(&a);
    pmm_walk(memory_pmm, count_run, &c);
    return (struct account_sums){.usable = usable_pages(&a),
                                 .free = c.pages[PMM_RUN_FREE],
                                 .parked = c.pages[PMM_RUN_PARKED],
                                 .allocated = c.pages[PMM_RUN_ALLOCATED],
                                 .withheld = c.pages[PMM_RUN_WITHHELD],
                                 .owned = a.owned,
                                 .bad = c.pages[PMM_RUN_BAD]};
}

bool account_audit(void)
{
    struct account a;
    struct recount c = {.last_end = 0};
    struct pmm_stats sum;
    count_map(&a);
    sum_zones(&sum);
    pmm_walk(memory_pmm, count_run, &c);
    uint64_t kept = c.pages[PMM_RUN_WITHHELD];
    uint64_t held = c.pages[PMM_RUN_FREE] + c.pages[PMM_RUN_PARKED] + c.pages[PMM_RUN_ALLOCATED];
    uint64_t bad = c.pages[PMM_RUN_BAD];
    uint64_t all = usable_pages(&a);
    bool ok = equal("pages in the allocator's runs and its total", held, sum.total);
    ok &= equal("free pages by recount and by count", c.pages[PMM_RUN_FREE], sum.free);
    ok &= equal("parked pages by recount and by count", c.pages[PMM_RUN_PARKED], sum.parked);
    ok &= equal("bad pages by recount and by count", bad, sum.bad);
    ok &= equal("pages without an owner in the map and in the allocator", a.ownerless,
                held + kept + bad);
    ok &= equal("all pages of the map, and owned and allocator pages", all,
                a.owned + held + kept + bad);
    ok &= equal("runs outside the map's free memory", c.runs_outside, 0);
    ok &= equal("runs out of order", c.disordered, 0);
    const char *map_broken = memmap_check(&memory_map);
    const char *pmm_broken = pmm_check(memory_pmm);
    if (map_broken != NULL || pmm_broken != NULL)
        LOG("audit", "broken invariant: %s", S(map_broken != NULL ? map_broken : pmm_broken));
    ok &= map_broken == NULL && pmm_broken == NULL;
    LOG("audit",
        "%u pages of usable RAM = %u free + %u parked + %u allocated + %u withheld + %u owned + "
        "%u bad: %s",
        U(all), U(c.pages[PMM_RUN_FREE]), U(c.pages[PMM_RUN_PARKED]), U(c.pages[PMM_RUN_ALLOCATED]),
        U(kept), U(a.owned), U(bad), S(ok ? "exact" : "WRONG"));
    return ok;
}
