/* tests/model/pmm_model.h: the naive model of the page allocator: one entry a page, every answer by
 * counting pages. It knows mm/pmm.h and nothing of mm/pmm*.c, so the two can only agree by both
 * being right.
 *
 * The model does not tell parked pages from free ones: which page is parked where is the
 * allocator's own business. Where the header lets it show, the caller asks pmm_walk().
 */
#ifndef TESTS_MODEL_PMM_MODEL_H
#define TESTS_MODEL_PMM_MODEL_H

#include "hal/short.h"
#include "mm/pmm.h"
#include "tests/model/maps.h"

#include <stdio.h>
#include <stdlib.h>

#define MODEL_REGIONS  24
#define MODEL_NONE     UINT32_MAX
#define MODEL_FREE     0u
#define MODEL_WITHHELD 1u
#define MODEL_BAD      2u
#define MODEL_ABSENT   3u
#define MODEL_OWNED    4u /* + index of the run's first page */

struct model {
    struct mem_region regions[MODEL_REGIONS];
    struct memmap map;
    uint32_t first[MODEL_REGIONS]; /* model index of a region's first page, or MODEL_NONE */
    bool reclaimed[MODEL_REGIONS];
    uint32_t pages;
    hal_paddr_t *address; /* of each page */
    uint32_t *owner;      /* of each page: one of the above */
    bool *waits;          /* a page in use that becomes bad when it is given back */
    bool *border;         /* no run goes on from the page before: a window begins or has ended */
    uint32_t *length;     /* of the run that starts at a page */
    uint8_t *state;       /* scratch of model_compare(): enum pmm_run of each page, or 255 */
    uint64_t total[PMM_ZONE_COUNT], free[PMM_ZONE_COUNT], bad[PMM_ZONE_COUNT];
    uint64_t allocs[PMM_ZONE_COUNT], frees[PMM_ZONE_COUNT], failures[PMM_ZONE_COUNT];
    bool has_memory[PMM_ZONE_COUNT]; /* usable, or to be reclaimed */
    hal_paddr_t walked;              /* end of the run before, while walking */
    enum pmm_run walked_kind;
    const char *walk_error;
};

static inline enum pmm_zone model_zone(hal_paddr_t at)
{
    if (at < PMM_DMA_LIMIT)
        return PMM_ZONE_DMA;
    return at < PMM_DMA32_LIMIT ? PMM_ZONE_DMA32 : PMM_ZONE_NORMAL;
}

static inline bool model_manages(const struct mem_region *r)
{
    return r->label == NULL &&
           (r->type == MEM_USABLE || r->type == MEM_BOOT || r->type == MEM_LOADER ||
            r->type == MEM_BAD || r->type == MEM_HOTPLUG);
}

static inline void *model_memory(size_t bytes)
{
    void *p = calloc(1, bytes + 1);
    if (p == NULL) {
        fprintf(stderr, "the model needs %zu bytes of memory: give the process more\n", bytes);
        exit(1);
    }
    return p;
}

static inline void model_add_region(struct model *m, size_t region)
{
    const struct mem_region *r = &m->regions[region];
    m->first[region] = m->pages;
    m->border[m->pages] =
        r->type == MEM_HOTPLUG || (region > 0 && m->regions[region - 1].type == MEM_HOTPLUG);
    for (hal_paddr_t at = r->base; at < r->base + r->size; at += HAL_PAGE_SIZE) {
        bool usable = r->type == MEM_USABLE;
        bool bad = r->type == MEM_BAD;
        m->has_memory[model_zone(at)] = true;
        m->address[m->pages] = at;
        m->owner[m->pages++] = usable                   ? MODEL_FREE
                               : bad                    ? MODEL_BAD
                               : r->type == MEM_HOTPLUG ? MODEL_ABSENT
                                                        : MODEL_WITHHELD;
        m->bad[model_zone(at)] += bad;
        m->total[model_zone(at)] += usable;
        m->free[model_zone(at)] += usable;
    }
}

/* The map is sorted and disjoint: what memmap_normalize() would answer. */
static inline void model_init(struct model *m, const struct mem_region *regions, size_t count)
{
    uint64_t pages = 0;
    *m = (struct model){.pages = 0};
    for (size_t i = 0; i < count; i++) {
        m->regions[i] = regions[i];
        pages += regions[i].size / HAL_PAGE_SIZE;
    }
    m->map = (struct memmap){.regions = m->regions,
                             .capacity = MODEL_REGIONS,
                             .count = count,
                             .limit = (uint64_t)1 << 52,
                             .floor = MEMMAP_FLOOR,
                             .normalized = true};
    m->address = model_memory(pages * sizeof *m->address);
    m->owner = model_memory(pages * sizeof *m->owner);
    m->length = model_memory(pages * sizeof *m->length);
    m->waits = model_memory(pages * sizeof *m->waits);
    m->border = model_memory(pages * sizeof *m->border);
    m->state = model_memory(pages);
    for (size_t i = 0; i < count; i++) {
        m->first[i] = MODEL_NONE;
        if (model_manages(&regions[i]))
            model_add_region(m, i);
    }
}

static inline void model_destroy(struct model *m)
{
    free(m->address);
    free(m->owner);
    free(m->length);
    free(m->waits);
    free(m->border);
    free(m->state);
}

static inline size_t model_region_of(const struct model *m, hal_paddr_t at)
{
    size_t i = 0;
    while (i < m->map.count && at - m->regions[i].base >= m->regions[i].size)
        i++;
    return i;
}

/* Index of the page at `at`, or MODEL_NONE. */
static inline uint32_t model_index(const struct model *m, hal_paddr_t at)
{
    size_t r = model_region_of(m, at);
    if (r == m->map.count || m->first[r] == MODEL_NONE)
        return MODEL_NONE;
    return m->first[r] + (uint32_t)((at - m->regions[r].base) / HAL_PAGE_SIZE);
}

/* Does page i follow page i - 1 in the same zone? */
static inline bool model_follows(const struct model *m, uint32_t i)
{
    return m->address[i] == m->address[i - 1] + HAL_PAGE_SIZE && !m->border[i] &&
           model_zone(m->address[i]) == model_zone(m->address[i - 1]);
}

/* Are `n` pages from i on one run of free memory in one zone? */
static inline bool model_is_free_run(const struct model *m, uint32_t i, size_t n)
{
    if (n > m->pages - i)
        return false;
    for (uint32_t k = i; k < i + n; k++)
        if (m->owner[k] != MODEL_FREE || (k > i && !model_follows(m, k)))
            return false;
    return true;
}

/* Does a zone hold `n` free pages in a row, the first one aligned? */
static inline bool model_zone_fits(const struct model *m, size_t n, uint64_t align,
                                   enum pmm_zone zone)
{
    size_t run = 0;
    if (n > m->free[zone])
        return false;
    for (uint32_t i = 0; i < m->pages; i++) {
        if (i > 0 && !model_follows(m, i))
            run = 0;
        if (m->owner[i] != MODEL_FREE || model_zone(m->address[i]) != zone)
            run = 0;
        else if (run > 0 || m->address[i] % align == 0)
            run++;
        if (run >= n)
            return true;
        /* A run that began at an aligned page may have to begin at a later one only if it is cut,
         * and then it begins anew: the first aligned page of a free stretch is the best start. */
    }
    return false;
}

static inline uint64_t model_reserve(const struct model *m)
{
    return m->total[PMM_ZONE_DMA] / 4;
}

/* May a request with these flags take `n` pages from this zone, if they are there? */
static inline bool model_allowed(const struct model *m, size_t n, uint32_t flags,
                                 enum pmm_zone zone)
{
    if ((flags & PMM_DMA) != 0)
        return zone == PMM_ZONE_DMA;
    if (zone == PMM_ZONE_NORMAL)
        return (flags & PMM_DMA32) == 0;
    return zone != PMM_ZONE_DMA || m->free[zone] >= n + model_reserve(m);
}

static inline bool model_in_range(size_t n, uint64_t align, uint32_t flags)
{
    return n > 0 && hal_is_power_of_two(align) && align >= HAL_PAGE_SIZE && align <= GIB &&
           flags < PMM_NODE; /* PMM_HERE says nothing on one node */
}

/* P6: must such a request succeed (when no other CPU holds parked pages)? */
static inline bool model_can_alloc(const struct model *m, size_t n, uint64_t align, uint32_t flags)
{
    if (!model_in_range(n, align, flags) || n > m->pages)
        return false;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        if (model_allowed(m, n, flags, (enum pmm_zone)z) &&
            model_zone_fits(m, n, align, (enum pmm_zone)z))
            return true;
    return false;
}

/* Each failed call is counted once, in the highest zone with memory that it may use, or in DMA. */
static inline void model_count_failure(struct model *m, uint32_t flags)
{
    unsigned zone = (flags & PMM_DMA)     ? PMM_ZONE_DMA
                    : (flags & PMM_DMA32) ? PMM_ZONE_DMA32
                                          : PMM_ZONE_NORMAL;
    while (zone > PMM_ZONE_DMA && !m->has_memory[zone])
        zone--;
    m->failures[zone]++;
}

static inline void model_take(struct model *m, uint32_t i, size_t n)
{
    for (uint32_t k = i; k < i + n; k++)
        m->owner[k] = MODEL_OWNED + i;
    m->length[i] = (uint32_t)n;
    m->free[model_zone(m->address[i])] -= n;
    m->allocs[model_zone(m->address[i])]++;
}

/* A page that is in nobody's hands any more. */
static inline void model_set_free(struct model *m, uint32_t i)
{
    enum pmm_zone zone = model_zone(m->address[i]);
    m->owner[i] = m->waits[i] ? MODEL_BAD : MODEL_FREE;
    m->free[zone] += !m->waits[i];
    m->total[zone] -= m->waits[i];
    m->bad[zone] += m->waits[i];
    m->waits[i] = false;
}

static inline void model_give(struct model *m, uint32_t i)
{
    for (uint32_t k = i; k < i + m->length[i]; k++)
        model_set_free(m, k);
    m->frees[model_zone(m->address[i])]++;
}

/* pmm_retire() has answered MM_OK. */
static inline void model_retire(struct model *m, uint32_t i)
{
    m->waits[i] = true;
    if (m->owner[i] != MODEL_FREE)
        return;
    m->free[model_zone(m->address[i])]--;
    model_set_free(m, i);
}

/* Judge a successful allocation and take it over: NULL, or what is wrong with it. */
static inline const char *model_accept(struct model *m, hal_paddr_t got, size_t n, uint64_t align,
                                       uint32_t flags)
{
    if (!model_in_range(n, align, flags))
        return "an argument out of range was accepted";
    if (got % align != 0)
        return "the run is not aligned";
    uint32_t i = model_index(m, got);
    if (i == MODEL_NONE)
        return "the run is not ours";
    if (!model_is_free_run(m, i, n))
        return "the run is not free, or not one run";
    if (!model_allowed(m, n, flags, model_zone(got)))
        return "the run lies in a zone that the flags forbid, or breaks the DMA reserve";
    model_take(m, i, n);
    return NULL;
}

static inline void model_split(struct model *m, uint32_t i, size_t first)
{
    uint32_t rest = m->length[i] - (uint32_t)first;
    m->length[i] = (uint32_t)first;
    for (uint32_t k = i + (uint32_t)first; k < i + first + rest; k++)
        m->owner[k] = MODEL_OWNED + i + (uint32_t)first;
    m->length[i + first] = rest;
    m->allocs[model_zone(m->address[i])]++;
}

/* Does [at, at + n pages) lie in one window, and in one zone? Windows are whole blocks here. */
static inline bool model_in_window(const struct model *m, hal_paddr_t at, size_t n)
{
    size_t r = model_region_of(m, at);
    return r < m->map.count && m->regions[r].type == MEM_HOTPLUG &&
           n <= (mem_region_end(&m->regions[r]) - at) / HAL_PAGE_SIZE &&
           model_zone(at) == model_zone(at + n * HAL_PAGE_SIZE - 1);
}

/* What pmm_add() must answer, or pmm_remove(); and the page that it names. */
static inline mm_status_t model_plug_status(const struct model *m, hal_paddr_t at, size_t n,
                                            bool add, hal_paddr_t *page)
{
    *page = HAL_PADDR_NONE;
    if (at % (2 * MIB) != 0 || n % 512 != 0 || n == 0)
        return MM_INVALID;
    if (!model_in_window(m, at, n))
        return MM_FOREIGN;
    for (size_t k = 0; k < n; k++) {
        uint32_t owner = m->owner[model_index(m, at + k * HAL_PAGE_SIZE)];
        *page = at + k * HAL_PAGE_SIZE;
        if (add && owner != MODEL_ABSENT)
            return MM_OVERLAP;
        if (!add && (owner == MODEL_ABSENT || owner >= MODEL_OWNED))
            return owner == MODEL_ABSENT ? MM_FOREIGN : MM_BUSY;
    }
    *page = HAL_PADDR_NONE;
    return MM_OK;
}

static inline void model_plug(struct model *m, hal_paddr_t at, size_t n, bool add)
{
    enum pmm_zone zone = model_zone(at);
    for (size_t k = 0; k < n; k++) {
        uint32_t *owner = &m->owner[model_index(m, at + k * HAL_PAGE_SIZE)];
        bool sound = *owner != MODEL_BAD;
        m->bad[zone] -= !sound;
        m->free[zone] += add ? 1 : (uint64_t)-sound;
        m->total[zone] += add ? 1 : (uint64_t)-sound;
        *owner = add ? MODEL_FREE : MODEL_ABSENT;
    }
}

/* What pmm_free(base, n) must answer. MM_ALREADY_FREE stands for MM_PARKED too. */
static inline mm_status_t model_free_status(const struct model *m, hal_paddr_t base, size_t n)
{
    if (base == HAL_PADDR_NONE || base % HAL_PAGE_SIZE != 0)
        return MM_NOT_PAGE;
    uint32_t i = model_index(m, base);
    if (i == MODEL_NONE)
        return model_region_of(m, base) < m->map.count ? MM_RESERVED : MM_FOREIGN;
    if (m->owner[i] == MODEL_ABSENT)
        return MM_FOREIGN;
    if (m->owner[i] == MODEL_WITHHELD)
        return MM_RESERVED;
    if (m->owner[i] == MODEL_BAD)
        return MM_BAD;
    if (m->owner[i] == MODEL_FREE)
        return MM_ALREADY_FREE;
    if (m->owner[i] != MODEL_OWNED + i)
        return MM_INTERIOR;
    return m->length[i] == n ? MM_OK : MM_WRONG_LENGTH;
}

static inline bool model_same_status(mm_status_t answer, mm_status_t expected)
{
    return answer == expected || (answer == MM_PARKED && expected == MM_ALREADY_FREE);
}

/* What pmm_length(base) must answer, and how long the run is. */
static inline mm_status_t model_length_status(const struct model *m, hal_paddr_t base, size_t *n)
{
    mm_status_t status = model_free_status(m, base, 0); /* no run has that length */
    *n = status == MM_WRONG_LENGTH ? m->length[model_index(m, base)] : 0;
    return status == MM_WRONG_LENGTH ? MM_OK : status;
}

/* Does pmm_length(base) say so? */
static inline bool model_same_length(const struct model *m, struct pmm *p, hal_paddr_t base)
{
    size_t is = 77, must;
    mm_status_t status = model_length_status(m, base, &must);
    return model_same_status(pmm_length(p, base, &is), status) && is == must;
}

/* What pmm_split(base, n, first) must answer. */
static inline mm_status_t model_split_status(const struct model *m, hal_paddr_t base, size_t n,
                                             size_t first)
{
    mm_status_t status = model_free_status(m, base, n);
    return status == MM_OK && (first == 0 || first >= n) ? MM_INVALID : status;
}

/* What pmm_retire(base) must answer, with a record for a page in use or without. */
static inline mm_status_t model_retire_status(const struct model *m, hal_paddr_t base, bool later)
{
    uint32_t i = model_index(m, base);
    if (base == HAL_PADDR_NONE || base % HAL_PAGE_SIZE != 0 || i == MODEL_NONE)
        return model_free_status(m, base, 0);
    if (m->owner[i] == MODEL_ABSENT)
        return MM_FOREIGN;
    if (m->owner[i] == MODEL_BAD || m->waits[i])
        return MM_BAD;
    return m->owner[i] == MODEL_FREE || later ? MM_OK : MM_BUSY;
}

/* Why the page at `at` cannot be claimed, or MM_OK. */
static inline mm_status_t model_claim_fault(const struct model *m, hal_paddr_t at)
{
    uint32_t i = model_index(m, at);
    if (i != MODEL_NONE && m->owner[i] == MODEL_FREE)
        return MM_OK;
    if (i != MODEL_NONE && m->owner[i] >= MODEL_OWNED)
        return MM_BUSY;
    return model_free_status(m, at, 0);
}

/* Is `answer` true of pmm_claim(base, n)? A range may have several faults: each may be named. */
static inline bool model_claim_ok(const struct model *m, hal_paddr_t base, size_t n,
                                  mm_status_t answer)
{
    bool clean = true, crosses = false;
    if (base == HAL_PADDR_NONE || base % HAL_PAGE_SIZE != 0)
        return answer == MM_NOT_PAGE;
    if (n == 0)
        return answer == MM_INVALID;
    for (size_t k = 0; k < n; k++) {
        mm_status_t fault = model_claim_fault(m, base + k * HAL_PAGE_SIZE);
        if (fault != MM_OK && answer == fault)
            return true;
        clean = clean && fault == MM_OK;
        uint32_t i = model_index(m, base + k * HAL_PAGE_SIZE);
        crosses |= k > 0 && i != MODEL_NONE && m->border[i];
    }
    return crosses ? answer == MM_INVALID : clean && answer == MM_OK;
}

static inline void model_reclaim(struct model *m, size_t region)
{
    const struct mem_region *r = &m->regions[region];
    uint32_t i = m->first[region];
    for (hal_paddr_t at = r->base; at < r->base + r->size; at += HAL_PAGE_SIZE) {
        m->total[model_zone(at)]++;
        model_set_free(m, i++);
    }
    m->reclaimed[region] = true;
}

/* ---- comparison ---- */

static inline bool model_kind_ok(const struct model *m, uint32_t i, enum pmm_run kind)
{
    switch (kind) {
    case PMM_RUN_FREE:
    case PMM_RUN_PARKED:
        return m->owner[i] == MODEL_FREE;
    case PMM_RUN_WITHHELD:
        return m->owner[i] == MODEL_WITHHELD;
    case PMM_RUN_BAD:
        return m->owner[i] == MODEL_BAD;
    default:
        return m->owner[i] >= MODEL_OWNED;
    }
}

static inline void model_walk_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct model *m = ctx;
    if (base < m->walked || pages == 0)
        m->walk_error = "pmm_walk is out of order";
    uint32_t first = model_index(m, base);
    if (base == m->walked && kind == m->walked_kind && m->walked != 0 && first != MODEL_NONE &&
        model_follows(m, first))
        m->walk_error = "pmm_walk cut a run in two";
    m->walked = base + pages * HAL_PAGE_SIZE;
    m->walked_kind = kind;
    for (uint64_t k = 0; k < pages; k++) {
        uint32_t i = model_index(m, base + k * HAL_PAGE_SIZE);
        if (i == MODEL_NONE || !model_kind_ok(m, i, kind)) {
            m->walk_error = "pmm_walk shows a page in a state that it is not in";
            return;
        }
        m->state[i] = (uint8_t)kind;
    }
}

static inline const char *model_walk(struct model *m, struct pmm *p)
{
    m->walked = 0;
    m->walk_error = NULL;
    for (uint32_t i = 0; i < m->pages; i++)
        m->state[i] = 255;
    pmm_walk(p, model_walk_run, m);
    for (uint32_t i = 0; i < m->pages; i++)
        if ((m->state[i] == 255) != (m->owner[i] == MODEL_ABSENT) && m->walk_error == NULL)
            m->walk_error = "pmm_walk left a page out, or showed one that is absent";
    return m->walk_error;
}

static inline void model_count_run(const struct model *m, struct pmm_stats *s, uint32_t from,
                                   uint32_t to)
{
    hal_paddr_t first = hal_align_up(m->address[from], 2 * MIB);
    hal_paddr_t end = hal_align_down(m->address[to - 1] + HAL_PAGE_SIZE, 2 * MIB);
    s->runs++;
    s->largest_run = hal_max_u64(s->largest_run, to - from);
    s->free_blocks += end > first ? (end - first) / (2 * MIB) : 0;
}

/* Does page i lie in the free run that page i - 1 lies in? */
static inline bool model_same_run(const struct model *m, uint32_t i)
{
    return i > 0 && i < m->pages && model_follows(m, i) && m->state[i] == PMM_RUN_FREE &&
           m->state[i - 1] == PMM_RUN_FREE;
}

/* Statistics by counting pages, after model_walk() has told the parked ones. */
static inline void model_stats(const struct model *m, enum pmm_zone zone, struct pmm_stats *s)
{
    uint32_t from = 0;
    *s = (struct pmm_stats){.total = m->total[zone]};
    for (uint32_t i = 0; i < m->pages; i++) {
        if (model_zone(m->address[i]) != zone)
            continue;
        if (!model_same_run(m, i))
            from = i;
        s->retiring += m->waits[i];
        s->parked += m->state[i] == PMM_RUN_PARKED;
        if (m->state[i] != PMM_RUN_FREE)
            continue;
        s->free++;
        if (!model_same_run(m, i + 1))
            model_count_run(m, s, from, i + 1);
    }
}

static inline const char *model_compare_shape(const struct pmm_stats *is,
                                              const struct pmm_stats *must)
{
    uint64_t whole = must->free == 0 ? 1000 : 1000 * (must->free_blocks * 512) / must->free;
    if (is->runs != must->runs || is->largest_run != must->largest_run)
        return "stats.runs or stats.largest_run is wrong";
    if (is->free_blocks != must->free_blocks || is->fragmentation != 1000 - whole)
        return "stats.free_blocks or stats.fragmentation is wrong";
    return is->low_water <= is->free ? NULL : "stats.low_water is above stats.free";
}

static inline const char *model_compare_zone(const struct model *m, struct pmm *p,
                                             enum pmm_zone zone)
{
    struct pmm_stats is;
    struct pmm_stats must;
    pmm_stats(p, zone, &is);
    model_stats(m, zone, &must);
    if (is.total != must.total)
        return "stats.total is wrong";
    if (is.free != must.free || is.parked != must.parked)
        return "stats.free or stats.parked is not what pmm_walk shows";
    if (is.free + is.parked != m->free[zone])
        return "stats.free + stats.parked is wrong";
    if (is.allocs != m->allocs[zone] || is.frees != m->frees[zone])
        return "stats.allocs or stats.frees is wrong";
    if (is.bad != m->bad[zone] || is.retiring != must.retiring)
        return "stats.bad or stats.retiring is wrong";
    if (is.failures != m->failures[zone])
        return "stats.failures is wrong";
    return model_compare_shape(&is, &must);
}

/* Everything that can be seen of the allocator equals the model: NULL, or what does not. */
static inline const char *model_compare(struct model *m, struct pmm *p)
{
    const char *error = model_walk(m, p);
    for (unsigned z = 0; z < PMM_ZONE_COUNT && error == NULL; z++)
        error = model_compare_zone(m, p, (enum pmm_zone)z);
    return error != NULL ? error : pmm_check(p);
}

/* The allocator for a model, in memory from the heap; `*tables` and `*bytes` say where. */
static inline struct pmm *model_create(struct model *m, unsigned cpus, void **tables, size_t *bytes)
{
    struct pmm *p = NULL;
    *bytes = (pmm_tables_size(&m->map, cpus) + 63) / 64 * 64;
    *tables = aligned_alloc(64, *bytes);
    if (*tables == NULL || pmm_create_in(&m->map, cpus, *tables, *bytes, &p) != MM_OK) {
        fprintf(stderr, "the allocator under test cannot be made over the model's map\n");
        exit(1);
    }
    return p;
}

#endif
