#include "kernel/machine/nodes.h"

#define LOCAL    10u
#define REMOTE   20u
#define ATTACHED 15u
#define MOST     254u
#define UNKNOWN  UINT32_MAX

/* Index of the first domain that is not below `domain`. */
static uint32_t place_of(const struct nodes *n, uint32_t domain)
{
    uint32_t i = 0;
    while (i < n->count && n->domain[i] < domain)
        i++;
    return i;
}

static uint32_t find(const struct nodes *n, uint32_t domain)
{
    uint32_t i = place_of(n, domain);
    return i < n->count && n->domain[i] == domain ? i : UNKNOWN;
}

static void add_domain(struct nodes *n, uint32_t domain)
{
    if (find(n, domain) != UNKNOWN)
        return;
    uint32_t at = place_of(n, domain);
    for (uint32_t i = n->count++; i > at; i--)
        n->domain[i] = n->domain[i - 1];
    n->domain[at] = domain;
}

/* The next piece of the range, from `*at` on, that the map has as a window; `*at` is its end then. */
static bool next_window(const struct memmap *m, const struct acpi_range *r, hal_paddr_t *at,
                        hal_paddr_t *base)
{
    hal_paddr_t end = r->base + r->size;
    size_t i = mem_region_index(m->regions, m->count, *at);
    while (i < m->count && m->regions[i].base < end && m->regions[i].type != MEM_HOTPLUG)
        i++;
    if (*at == end || i == m->count || m->regions[i].base >= end)
        return false;
    *base = hal_max_u64(*at, m->regions[i].base);
    *at = hal_min_u64(end, mem_region_end(&m->regions[i]));
    return true;
}

static void find_domains(struct nodes *n, const struct acpi *a, const struct memmap *m)
{
    for (uint32_t i = 0; i < a->range_count; i++) {
        hal_paddr_t at = a->range[i].base, base;
        if (!a->range[i].hot_plug || next_window(m, &a->range[i], &at, &base))
            add_domain(n, a->range[i].node);
    }
    for (uint32_t i = 0; i < a->cpu_count; i++)
        if (a->cpu[i].node != ACPI_NO_NODE)
            add_domain(n, a->cpu[i].node);
}

static void insert(struct nodes *n, uint32_t at, hal_paddr_t base, hal_paddr_t end, uint32_t node)
{
    for (uint32_t i = n->range_count++; i > at; i--)
        n->range[i] = n->range[i - 1];
    n->range[at] = (struct pmm_node_range){base, end, node};
}

/* Give the node what no earlier range has of [base, end). */
static void place(struct nodes *n, hal_paddr_t base, hal_paddr_t end, uint32_t node)
{
    for (uint32_t i = 0; base < end; i++) {
        bool last = i == n->range_count;
        if (!last && n->range[i].end <= base)
            continue;
        hal_paddr_t stop = last ? end : hal_min_u64(end, n->range[i].base);
        if (base < stop)
            insert(n, i++, base, stop, node);
        base = last ? end : hal_max_u64(base, n->range[i].end);
    }
}

static void join_ranges(struct nodes *n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n->range_count; i++) {
        struct pmm_node_range *last = &n->range[kept - (kept > 0)];
        if (kept > 0 && last->end == n->range[i].base && last->node == n->range[i].node)
            last->end = n->range[i].end;
        else
            n->range[kept++] = n->range[i];
    }
    n->range_count = kept;
}

/* To the next page, for a page belongs to whom its first byte belongs (N2). */
static hal_paddr_t page_from(hal_paddr_t at)
{
    return at > UINT64_MAX - HAL_PAGE_SIZE ? hal_align_down(UINT64_MAX, HAL_PAGE_SIZE)
                                           : hal_align_up(at, HAL_PAGE_SIZE);
}

static void place_ranges(struct nodes *n, const struct acpi *a)
{
    for (uint32_t i = 0; i < a->range_count; i++) {
        const struct acpi_range *r = &a->range[i];
        uint32_t node = find(n, r->node);
        if (!r->hot_plug)
            place(n, page_from(r->base), page_from(r->base + r->size), node);
    }
}

/* Behind all other ranges, which may lie in a window and then count. */
static void place_windows(struct nodes *n, const struct acpi *a, const struct memmap *m)
{
    for (uint32_t i = 0; i < a->range_count; i++) {
        const struct acpi_range *r = &a->range[i];
        hal_paddr_t at = r->base, base;
        while (r->hot_plug && next_window(m, r, &at, &base))
            place(n, page_from(base), page_from(at), find(n, r->node));
    }
}

/* Index of the first range that ends beyond `at`. */
static uint32_t range_after(const struct nodes *n, hal_paddr_t at)
{
    uint32_t low = 0, high = n->range_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (n->range[middle].end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t nodes_at(const struct nodes *n, hal_paddr_t at, hal_paddr_t *until)
{
    uint32_t i = range_after(n, at);
    bool inside = i < n->range_count && n->range[i].base <= at;
    *until = inside ? n->range[i].end : i < n->range_count ? n->range[i].base : UINT64_MAX;
    return inside ? n->range[i].node : 0;
}

uint32_t nodes_of(const struct nodes *n, uint32_t domain)
{
    uint32_t node = find(n, domain);
    return node == UNKNOWN ? 0 : node;
}

static void count_region(struct nodes *n, const struct mem_region *r)
{
    hal_paddr_t until;
    for (hal_paddr_t at = r->base; at < mem_region_end(r); at = until) {
        uint32_t node = nodes_at(n, at, &until);
        uint32_t i = range_after(n, at);
        until = hal_min_u64(until, mem_region_end(r));
        n->ram[node] += until - at;
        if (i == n->range_count || n->range[i].base > at)
            n->unplaced += until - at;
    }
}

static uint64_t count_ram(struct nodes *n, const struct memmap *m)
{
    uint64_t placed = 0;
    for (size_t i = 0; i < m->count; i++)
        if (mem_type_is_ram(m->regions[i].type))
            count_region(n, &m->regions[i]);
    for (uint32_t i = 0; i < n->count; i++)
        placed += n->ram[i];
    return placed - n->unplaced;
}

static void count_cpus(struct nodes *n, const struct acpi *a)
{
    for (uint32_t i = 0; i < a->cpu_count; i++) {
        bool placed = a->cpu[i].node != ACPI_NO_NODE;
        uint32_t node = placed ? find(n, a->cpu[i].node) : UNKNOWN;
        n->cpus[node == UNKNOWN ? 0 : node]++;
        n->stray_cpus += node == UNKNOWN;
    }
}

/* From one domain to another; where nothing is told REMOTE. */
static uint8_t hmat_distance(const struct acpi *a, uint32_t from, uint32_t to)
{
    if (from >= ACPI_PLACES_MAX || to >= ACPI_PLACES_MAX)
        return REMOTE;
    uint64_t own = a->latency[from * ACPI_PLACES_MAX + from];
    uint64_t other = a->latency[from * ACPI_PLACES_MAX + to];
    if (own == 0 || other == 0)
        return a->attached[to] == from + 1 ? ATTACHED : REMOTE;
    uint64_t ratio = (LOCAL * other + own / 2) / own;
    return (uint8_t)hal_min_u64(hal_max_u64(ratio, LOCAL + 1), MOST);
}

static void set_distances(struct nodes *n, const struct acpi *a)
{
    for (uint32_t i = 0; i < n->count; i++) {
        for (uint32_t j = 0; j < n->count; j++) {
            uint32_t from = n->domain[i], to = n->domain[j];
            uint8_t *distance = &n->distance[(size_t)i * n->count + j];
            *distance = i == j ? LOCAL : hmat_distance(a, from, to);
            if (from < a->places && to < a->places)
                *distance = a->distance[from * a->places + to];
        }
    }
}

/* All memory and all CPUs in one. */
static void make_one(struct nodes *n, const struct acpi *a, const struct memmap *m,
                     const char *wrong)
{
    *n = (struct nodes){.wrong = wrong, .count = 1, .domain = &n->one.domain, .ram = &n->one.ram};
    n->cpus = &n->one.cpus;
    n->distance = &n->one.distance;
    n->one.distance = LOCAL;
    count_ram(n, m);
    n->unplaced = 0;
    n->cpus[0] = a->cpu_count;
}

/* Ranges, and parts of windows: so many that n of them, whose ends cut others, become less than twice as
 * many. */
static uint64_t count_pieces(const struct acpi *a, const struct memmap *m)
{
    uint64_t pieces = 0;
    for (uint32_t i = 0; i < a->range_count; i++) {
        hal_paddr_t at = a->range[i].base, base;
        pieces += !a->range[i].hot_plug;
        while (a->range[i].hot_plug && next_window(m, &a->range[i], &at, &base))
            pieces++;
    }
    return 2 * pieces;
}

/* The rest, once it is known how many nodes there are. */
static bool take_lists(struct nodes *n, const struct acpi *a, const struct memmap *m,
                       void *(*take)(uint64_t size))
{
    uint64_t pieces = count_pieces(a, m), count = n->count;
    uint64_t ranges = pieces * sizeof *n->range, ram = count * sizeof *n->ram;
    uint64_t bytes = ranges + ram + count * sizeof *n->cpus + count * count;
    unsigned char *at = take(bytes);
    if (at == NULL)
        return false;
    __builtin_memset(at, 0, (size_t)bytes);
    n->range = (void *)at;
    n->ram = (void *)(at + ranges);
    n->cpus = (void *)(at + ranges + ram);
    n->distance = at + ranges + ram + count * sizeof *n->cpus;
    return true;
}

/* NULL, or why all is in one node. */
static const char *make_many(struct nodes *n, const struct acpi *a, const struct memmap *m,
                             void *(*take)(uint64_t size))
{
    uint64_t most = (uint64_t)a->range_count + a->cpu_count;
    if (a->srat_cut)
        return "the SRAT ends before it should";
    if (most != 0 && (n->domain = take(most * sizeof *n->domain)) == NULL)
        return "no memory for the list of nodes";
    find_domains(n, a, m);
    if (n->count != 0 && !take_lists(n, a, m, take))
        return "no memory for the list of nodes";
    place_ranges(n, a);
    place_windows(n, a, m);
    join_ranges(n);
    if (n->count == 0 || count_ram(n, m) == 0)
        return "no RAM lies in a range of the SRAT";
    count_cpus(n, a);
    set_distances(n, a);
    return NULL;
}

void nodes_make(struct nodes *n, const struct acpi *a, const struct memmap *m,
                void *(*take)(uint64_t size))
{
    const char *wrong = "the firmware has no SRAT";
    *n = (struct nodes){.wrong = NULL};
    if (a->has_srat)
        wrong = make_many(n, a, m, take);
    if (wrong != NULL)
        make_one(n, a, m, wrong);
}
