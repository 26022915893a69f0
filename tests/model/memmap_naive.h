/* tests/model/memmap_naive.h: the memory map, naively: a second answer to compare mm/memmap with.
 *
 * No sweep, no sorting of entries: the type of a page is asked of every raw entry in turn. What a
 * page is can change only where an entry, an owner or the floor begins or ends, so it is enough
 * to ask at those pages ("edges") and the pages after them: between two edges all pages are alike.
 * Written from the header of mm/memmap.h, for at most NAIVE_ENTRIES entries, and slow.
 */
#ifndef TESTS_MODEL_MEMMAP_NAIVE_H
#define TESTS_MODEL_MEMMAP_NAIVE_H

#include "mm/memmap.h"

#include <stdlib.h>
#include <string.h>

#define NAIVE_ENTRIES 40
#define NAIVE_OWNERS  40
#define NAIVE_EDGES   (4 * NAIVE_ENTRIES + 2 * NAIVE_OWNERS + 3)

struct naive_entry {
    hal_paddr_t base;
    hal_paddr_t end;
    enum mem_type type;
};

struct naive {
    struct naive_entry entries[NAIVE_ENTRIES];
    size_t count;
    uint64_t limit, floor;
    uint64_t anomalies[MEMMAP_ANOMALY_COUNT];
    struct {
        hal_paddr_t base, end;
        const char *label;
    } owners[NAIVE_OWNERS];
    size_t owner_count;
    /* All pages in [edges[i], edges[i + 1]) have types[i] and labels[i]. */
    hal_paddr_t edges[NAIVE_EDGES];
    enum mem_type types[NAIVE_EDGES];
    const char *labels[NAIVE_EDGES];
    size_t edge_count;
};

static inline void naive_init(struct naive *n, uint64_t limit)
{
    memset(n, 0, sizeof *n);
    n->limit = limit;
    n->floor = 1048576;
}

static inline bool naive_is_ram(enum mem_type type)
{
    return type >= MEM_HOTPLUG && type <= MEM_LOADER;
}

/* Does memmap_add() keep it? Counts what the header says is odd. There is room. */
static inline bool naive_add(struct naive *n, hal_paddr_t base, uint64_t size, uint32_t type)
{
    bool wraps = base + size < base;
    if (size == 0 || wraps || base >= n->limit) {
        n->anomalies[size == 0 ? MEMMAP_EMPTY : wraps ? MEMMAP_WRAP : MEMMAP_TOO_HIGH]++;
        return false;
    }
    bool known = type >= MEM_HOTPLUG && type <= MEM_UNUSABLE;
    struct naive_entry e = {base, base + size, known ? (enum mem_type)type : MEM_RESERVED};
    n->anomalies[MEMMAP_UNKNOWN] += !known;
    n->anomalies[MEMMAP_UNALIGNED] += base % 4096 != 0 || size % 4096 != 0;
    n->anomalies[MEMMAP_LOW] += naive_is_ram(e.type) && base < n->floor;
    n->anomalies[MEMMAP_UNSORTED] += n->count > 0 && n->entries[n->count - 1].base > base;
    if (e.end > n->limit) {
        n->anomalies[MEMMAP_TOO_HIGH]++;
        e.end = n->limit;
    }
    n->entries[n->count++] = e;
    return true;
}

/* Is entry a before b in the order of addresses? */
static inline bool naive_before(const struct naive *n, size_t a, size_t b)
{
    const struct naive_entry *x = &n->entries[a];
    const struct naive_entry *y = &n->entries[b];
    if (x->base != y->base)
        return x->base < y->base;
    return x->end != y->end ? x->end < y->end : a < b;
}

static inline void naive_count_overlaps(struct naive *n)
{
    for (size_t i = 0; i < n->count; i++) {
        bool overlaps = false;
        for (size_t j = 0; j < n->count; j++)
            overlaps |= i != j && naive_before(n, j, i) && n->entries[j].end > n->entries[i].base;
        n->anomalies[MEMMAP_OVERLAP] += overlaps;
    }
}

static inline enum mem_type naive_byte(const struct naive *n, hal_paddr_t addr)
{
    enum mem_type worst = MEM_NONE;
    for (size_t i = 0; i < n->count; i++)
        if (n->entries[i].base <= addr && addr < n->entries[i].end && n->entries[i].type > worst)
            worst = n->entries[i].type;
    return worst;
}

/* The type of a page below the limit, from the raw entries alone. */
static inline enum mem_type naive_page(const struct naive *n, hal_paddr_t page)
{
    enum mem_type worst = MEM_NONE;
    for (size_t i = 0; i < n->count; i++) {
        const struct naive_entry *e = &n->entries[i];
        if (!naive_is_ram(e->type) && e->base < page + 4096 && page < e->end && e->type > worst)
            worst = e->type;
    }
    if (worst != MEM_NONE)
        return worst;
    enum mem_type ram = naive_byte(n, page);
    for (size_t i = 0; i < n->count; i++) {
        hal_paddr_t ends[2] = {n->entries[i].base, n->entries[i].end};
        for (size_t k = 0; k < 2; k++)
            if (ends[k] > page && ends[k] < page + 4096 && naive_byte(n, ends[k]) != ram)
                return MEM_NONE;
    }
    return ram != MEM_NONE && page < n->floor ? MEM_RESERVED : ram;
}

static inline void naive_edge(struct naive *n, hal_paddr_t page)
{
    if (page >= n->limit)
        return;
    size_t at = 0;
    while (at < n->edge_count && n->edges[at] < page)
        at++;
    if (at < n->edge_count && n->edges[at] == page)
        return;
    for (size_t i = n->edge_count++; i > at; i--) {
        n->edges[i] = n->edges[i - 1];
        n->types[i] = n->types[i - 1];
        n->labels[i] = n->labels[i - 1];
    }
    n->edges[at] = page;
    n->types[at] = naive_page(n, page);
    n->labels[at] = at > 0 ? n->labels[at - 1] : NULL;
}

/* After the last entry. */
static inline void naive_normalize(struct naive *n)
{
    naive_count_overlaps(n);
    naive_edge(n, 0);
    naive_edge(n, n->floor);
    for (size_t i = 0; i < n->count; i++) {
        hal_paddr_t ends[2] = {n->entries[i].base, n->entries[i].end};
        for (size_t k = 0; k < 2; k++) {
            naive_edge(n, ends[k] / 4096 * 4096);
            naive_edge(n, ends[k] / 4096 * 4096 + 4096);
        }
    }
}

static inline hal_paddr_t naive_edge_end(const struct naive *n, size_t i)
{
    return i + 1 < n->edge_count ? n->edges[i + 1] : n->limit;
}

/* What is there; the last edge at or below it. */
static inline size_t naive_at(const struct naive *n, hal_paddr_t addr)
{
    size_t i = 0;
    while (i + 1 < n->edge_count && n->edges[i + 1] <= addr)
        i++;
    return i;
}

static inline bool naive_alike(const struct naive *n, hal_paddr_t a, hal_paddr_t b)
{
    size_t i = naive_at(n, a);
    size_t j = naive_at(n, b);
    return n->types[i] == n->types[j] && n->types[i] != MEM_NONE && n->labels[i] == NULL &&
           n->labels[j] == NULL;
}

static inline void naive_own(struct naive *n, hal_paddr_t base, hal_paddr_t end, const char *label)
{
    naive_edge(n, base);
    naive_edge(n, end);
    for (size_t i = 0; i < n->edge_count; i++)
        if (n->edges[i] >= base && n->edges[i] < end)
            n->labels[i] = label;
    n->owner_count++;
}

/* `room`: regions that still fit. There is room for one more owner here. */
static inline mm_status_t naive_reserve(struct naive *n, hal_paddr_t base, uint64_t size,
                                        const char *label, size_t room)
{
    if (size == 0 || label == NULL || label[0] == '\0')
        return MM_INVALID;
    if (base + size < base)
        return MM_OVERFLOW;
    if (base + size > n->limit)
        return MM_FOREIGN;
    hal_paddr_t start = base / 4096 * 4096;
    hal_paddr_t end = (base + size + 4095) / 4096 * 4096;
    bool owned = false;
    for (size_t i = naive_at(n, start); i < n->edge_count && n->edges[i] < end; i++) {
        if (n->types[i] == MEM_NONE)
            return MM_FOREIGN;
        owned |= n->labels[i] != NULL && strcmp(n->labels[i], label) != 0;
    }
    if (owned)
        return MM_OVERLAP;
    size_t cuts = (start > 0 && naive_alike(n, start - 4096, start) ? 1u : 0u) +
                  (end < n->limit && naive_alike(n, end - 4096, end) ? 1u : 0u);
    if (cuts > room)
        return MM_FULL;
    naive_own(n, start, end, label);
    return MM_OK;
}

static inline bool naive_free_usable(const struct naive *n, hal_paddr_t base, hal_paddr_t end)
{
    for (size_t i = naive_at(n, base); i < n->edge_count && n->edges[i] < end; i++)
        if (n->types[i] != MEM_USABLE || n->labels[i] != NULL)
            return false;
    return true;
}

/* Every edge could be the end of the run that holds the highest place; so could the limit. */
static inline hal_paddr_t naive_alloc(struct naive *n, uint64_t size, uint64_t align,
                                      hal_paddr_t limit, const char *label, size_t room)
{
    hal_paddr_t best = HAL_PADDR_NONE;
    if (size == 0 || size > n->limit || label == NULL || label[0] == '\0')
        return HAL_PADDR_NONE;
    if (align < 4096 || (align & (align - 1)) != 0)
        return HAL_PADDR_NONE;
    size = (size + 4095) / 4096 * 4096;
    limit = limit == 0 || limit > n->limit ? n->limit : limit / 4096 * 4096;
    for (size_t i = 0; i <= n->edge_count; i++) {
        hal_paddr_t top = i < n->edge_count && n->edges[i] < limit ? n->edges[i] : limit;
        if (top < size)
            continue;
        hal_paddr_t place = (top - size) / align * align;
        if (place > best && naive_free_usable(n, place, place + size))
            best = place;
    }
    if (best == HAL_PADDR_NONE || naive_reserve(n, best, size, label, room) != MM_OK)
        return HAL_PADDR_NONE;
    return best;
}

/* NULL, or how the map differs. Found through memmap_find() only, at each edge and before the next;
 * with M2, which memmap_check() recomputes, that leaves no room for another map. */
static inline const char *naive_compare(const struct naive *n, const struct memmap *map)
{
    const char *broken = memmap_check(map);
    if (broken != NULL)
        return broken;
    for (size_t i = 0; i < n->edge_count; i++) {
        hal_paddr_t probes[2] = {n->edges[i], naive_edge_end(n, i) - 1};
        for (size_t k = 0; k < 2; k++) {
            const struct mem_region *r = memmap_find(map, probes[k]);
            if ((r != NULL ? r->type : MEM_NONE) != n->types[i])
                return "a page has another type than the raw entries say";
            const char *label = r != NULL ? r->label : NULL;
            bool same = label == NULL || n->labels[i] == NULL ? label == n->labels[i]
                                                              : strcmp(label, n->labels[i]) == 0;
            if (!same)
                return "a page has another owner than was asked for";
        }
    }
    if (memcmp(n->anomalies, map->anomalies, sizeof n->anomalies) != 0)
        return "the anomalies are counted otherwise";
    return NULL;
}

#endif
