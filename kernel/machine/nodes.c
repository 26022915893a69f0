#include "kernel/machine/nodes.h"
#include "hal/short.h"
#include "kernel/machine/heap.h"

#define LOCAL    10u
#define REMOTE   20u
#define ATTACHED 15u
#define MOST     254u
#define UNKNOWN  UINT32_MAX
#define NO_PAIR  UINT64_MAX

static uint32_t find(const struct nodes *n, uint32_t domain)
{
    uint32_t low = 0, high = n->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (n->domain[middle] < domain)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n->count && n->domain[low] == domain ? low : UNKNOWN;
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

/* Sort them, and keep each once. */
static void close_domains(struct nodes *n)
{
    uint32_t kept = 0;
    heap_sort(n->domain, n->count, heap_is_less, NULL);
    for (uint32_t i = 0; i < n->count; i++)
        if (kept == 0 || n->domain[kept - 1] != n->domain[i])
            n->domain[kept++] = n->domain[i];
    n->count = kept;
}

static void find_domains(struct nodes *n, const struct acpi *a, const struct memmap *m)
{
    for (uint32_t i = 0; i < a->range_count; i++) {
        hal_paddr_t at = a->range[i].base, base;
        if (!a->range[i].hot_plug || next_window(m, &a->range[i], &at, &base))
            n->domain[n->count++] = a->range[i].node;
    }
    for (uint32_t i = 0; i < a->cpu_count; i++)
        if (a->cpu[i].node != ACPI_NO_NODE)
            n->domain[n->count++] = a->cpu[i].node;
    close_domains(n);
}

/* --- who has which page: of all that claim it the first in the list --- */

struct claim {
    hal_paddr_t base, end;
    uint32_t node;
};

struct claims {
    struct claim *claim;
    uint32_t count;
    uint32_t *by_base; /* room for the order of their beginnings */
    uint32_t *active;  /* and for those that hold one address */
};

/* To the next page, for a page belongs to whom its first byte belongs (N2). */
static hal_paddr_t page_from(hal_paddr_t at)
{
    return at > UINT64_MAX - HAL_PAGE_SIZE ? hal_align_down(UINT64_MAX, HAL_PAGE_SIZE)
                                           : hal_align_up(at, HAL_PAGE_SIZE);
}

static void add_claim(struct claims *c, hal_paddr_t base, hal_paddr_t end, uint32_t node)
{
    c->claim[c->count++] = (struct claim){page_from(base), page_from(end), node};
}

/* Windows come behind all other ranges, which may lie in one and then count. */
static void list_claims(const struct nodes *n, const struct acpi *a, const struct memmap *m,
                        struct claims *c)
{
    for (uint32_t i = 0; i < a->range_count; i++) {
        const struct acpi_range *r = &a->range[i];
        if (!r->hot_plug)
            add_claim(c, r->base, r->base + r->size, find(n, r->node));
    }
    for (uint32_t i = 0; i < a->range_count; i++) {
        const struct acpi_range *r = &a->range[i];
        hal_paddr_t at = r->base, base;
        while (r->hot_plug && next_window(m, r, &at, &base))
            add_claim(c, base, at, find(n, r->node));
    }
}

static bool claim_begins_before(const void *ctx, uint32_t a, uint32_t b)
{
    const struct claim *claim = ctx;
    return claim[a].base < claim[b].base;
}

static void add_piece(struct nodes *n, hal_paddr_t base, hal_paddr_t end, uint32_t node)
{
    struct pmm_node_range *last = n->range_count > 0 ? &n->range[n->range_count - 1] : NULL;
    if (last != NULL && last->end == base && last->node == node)
        last->end = end;
    else
        n->range[n->range_count++] = (struct pmm_node_range){base, end, node};
}

/* From address to address at which a claim begins or the one that counts ends: each step is one of these, so
 * there are at most twice as many pieces as claims. */
static void place_claims(struct nodes *n, const struct claims *c)
{
    struct heap active = {.item = c->active, .before = heap_is_less};
    hal_paddr_t at = 0;
    for (uint32_t next = 0; next < c->count || active.count > 0;) {
        if (active.count == 0)
            at = hal_max_u64(at, c->claim[c->by_base[next]].base);
        while (next < c->count && c->claim[c->by_base[next]].base <= at)
            heap_push(&active, c->by_base[next++]);
        const struct claim *first = &c->claim[active.item[0]];
        hal_paddr_t stop = first->end;
        if (next < c->count)
            stop = hal_min_u64(stop, c->claim[c->by_base[next]].base);
        if (at < stop)
            add_piece(n, at, stop, first->node);
        at = hal_max_u64(at, stop);
        if (first->end <= at)
            heap_pop(&active);
    }
}

static void place_all(struct nodes *n, const struct acpi *a, const struct memmap *m,
                      struct claims *c)
{
    list_claims(n, a, m, c);
    for (uint32_t i = 0; i < c->count; i++)
        c->by_base[i] = i;
    heap_sort(c->by_base, c->count, claim_begins_before, c->claim);
    place_claims(n, c);
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

/* Index of what is told of a pair; NO_PAIR: one of the two is no node. */
static uint64_t place_of(const struct nodes *n, const struct acpi_pair *p)
{
    uint32_t from = find(n, p->from), to = find(n, p->to);
    return from == UNKNOWN || to == UNKNOWN ? NO_PAIR : (uint64_t)from * n->count + to;
}

static void take_hmat(struct nodes *n, const struct acpi *a)
{
    for (uint32_t i = 0; i < n->count; i++)
        n->attached[i] = ACPI_NO_NODE;
    for (uint32_t i = a->attached.count; i-- > 0;) { /* so that the first stays */
        uint32_t node = find(n, a->attached.pair[i].from);
        if (node != UNKNOWN)
            n->attached[node] = a->attached.pair[i].to;
    }
    for (uint32_t i = a->latency.count; i-- > 0;) {
        uint64_t at = place_of(n, &a->latency.pair[i]);
        if (at != NO_PAIR)
            n->latency[at] = a->latency.pair[i].value;
    }
}

/* From one node to another; where nothing is told REMOTE. */
static uint8_t hmat_distance(const struct nodes *n, uint32_t from, uint32_t to)
{
    uint64_t own = n->latency[(size_t)from * n->count + from];
    uint64_t other = n->latency[(size_t)from * n->count + to];
    if (own == 0 || other == 0)
        return n->attached[to] == n->domain[from] && n->attached[to] != ACPI_NO_NODE ? ATTACHED
                                                                                     : REMOTE;
    uint64_t ratio = (LOCAL * other + own / 2) / own;
    return (uint8_t)hal_min_u64(hal_max_u64(ratio, LOCAL + 1), MOST);
}

static void set_distances(struct nodes *n, const struct acpi *a)
{
    take_hmat(n, a);
    for (uint32_t i = 0; i < n->count; i++)
        for (uint32_t j = 0; j < n->count; j++)
            n->distance[(size_t)i * n->count + j] = i == j ? LOCAL : hmat_distance(n, i, j);
    for (uint32_t i = a->distance.count; i-- > 0;) {
        uint64_t at = place_of(n, &a->distance.pair[i]);
        if (at != NO_PAIR)
            n->distance[at] = (uint8_t)a->distance.pair[i].value;
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

/* Ranges, and parts of windows. */
static uint64_t count_claims(const struct acpi *a, const struct memmap *m)
{
    uint64_t claims = 0;
    for (uint32_t i = 0; i < a->range_count; i++) {
        hal_paddr_t at = a->range[i].base, base;
        claims += !a->range[i].hot_plug;
        while (a->range[i].hot_plug && next_window(m, &a->range[i], &at, &base))
            claims++;
    }
    return claims;
}

/* The rest, once it is known how many nodes there are; and room to work in. Lists of larger items come
 * first, so that all are aligned. */
static bool take_lists(struct nodes *n, uint64_t claims, struct claims *c,
                       void *(*take)(uint64_t size))
{
    uint64_t count = n->count, pairs = count * count;
    const uint64_t sizes[] = {
        2 * claims * sizeof *n->range, claims * sizeof *c->claim,   count * sizeof *n->ram,
        count * sizeof *n->cpus,       count * sizeof *n->attached, pairs * sizeof *n->latency,
        claims * sizeof *c->by_base,   claims * sizeof *c->active,  pairs};
    unsigned char *list[ARRAY_LEN(sizes)], *at;
    uint64_t bytes = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        bytes += sizes[i];
    if ((at = take(bytes)) == NULL)
        return false;
    __builtin_memset(at, 0, (size_t)bytes);
    for (size_t i = 0; i < ARRAY_LEN(sizes); at += sizes[i++])
        list[i] = at;
    n->range = (void *)list[0];
    n->ram = (void *)list[2];
    n->cpus = (void *)list[3];
    n->attached = (void *)list[4];
    n->latency = (void *)list[5];
    n->distance = list[8];
    *c = (struct claims){(void *)list[1], 0, (void *)list[6], (void *)list[7]};
    return true;
}

/* NULL, or why all is in one node. */
static const char *make_many(struct nodes *n, const struct acpi *a, const struct memmap *m,
                             void *(*take)(uint64_t size))
{
    uint64_t most = (uint64_t)a->range_count + a->cpu_count;
    struct claims claims;
    if (a->srat_cut)
        return "the SRAT ends before it should";
    if (most != 0 && (n->domain = take(most * sizeof *n->domain)) == NULL)
        return "no memory for the list of nodes";
    find_domains(n, a, m);
    if (n->count > PMM_NODES_MAX)
        return "the SRAT has more nodes than the page allocator takes";
    if (n->count != 0 && !take_lists(n, count_claims(a, m), &claims, take))
        return "no memory for the list of nodes";
    if (n->count != 0)
        place_all(n, a, m, &claims);
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
