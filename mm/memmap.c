#include "memmap.h"

#include "mem_sweep.h"

#define WIDTH_MIN 32
#define WIDTH_MAX 52

/* n entries have 2n ends; a sweep makes at most 2n - 1 pieces of them, and the floor cuts one of
 * these. An owner's piece cuts at most two ends off the regions that it lies in. */
size_t memmap_capacity_for(size_t entries, size_t owners)
{
    if (entries > SIZE_MAX / 4 || owners > SIZE_MAX / 4)
        return SIZE_MAX;
    return 2 * (entries + owners);
}

void memmap_init(struct memmap *map, struct mem_region *storage, size_t capacity)
{
    *map = (struct memmap){.regions = storage,
                           .capacity = capacity,
                           .limit = (uint64_t)1 << WIDTH_MAX,
                           .floor = MEMMAP_FLOOR};
}

void memmap_set_width(struct memmap *map, unsigned bits)
{
    if (map->count != 0 || map->normalized)
        return;
    if (bits < WIDTH_MIN)
        bits = WIDTH_MIN;
    if (bits > WIDTH_MAX)
        bits = WIDTH_MAX;
    map->limit = (uint64_t)1 << bits;
}

void memmap_set_floor(struct memmap *map, hal_paddr_t floor)
{
    if (map->count != 0 || map->normalized)
        return;
    floor = hal_min_u64(floor, (uint64_t)1 << WIDTH_MAX);
    map->floor = hal_max_u64(hal_align_up(floor, HAL_PAGE_SIZE), HAL_PAGE_SIZE);
}

/* --- anomalies -------------------------------------------------------------------------------- */

void memmap_on_anomaly(struct memmap *map, memmap_anomaly_fn *fn, void *ctx)
{
    map->on_anomaly = fn;
    map->anomaly_ctx = ctx;
}

const char *memmap_anomaly_text(enum memmap_anomaly anomaly)
{
    static const char *const texts[] = {
        [MEMMAP_UNSORTED] = "unsorted",
        [MEMMAP_OVERLAP] = "overlap",
        [MEMMAP_EMPTY] = "zero length",
        [MEMMAP_WRAP] = "wraps past the end of the address space",
        [MEMMAP_TOO_HIGH] = "beyond the physical address width",
        [MEMMAP_UNALIGNED] = "not whole pages",
        [MEMMAP_UNKNOWN] = "unknown type",
        [MEMMAP_NO_WB] = "RAM without the write-back attribute",
        [MEMMAP_LOW] = "memory in the first MiB",
    };
    _Static_assert((sizeof texts / sizeof texts[0]) == MEMMAP_ANOMALY_COUNT,
                   "every anomaly has a text");
    return (unsigned)anomaly < MEMMAP_ANOMALY_COUNT ? texts[anomaly] : "unknown anomaly";
}

static void note(struct memmap *map, enum memmap_anomaly kind, hal_paddr_t base, uint64_t size)
{
    map->anomalies[kind]++;
    if (map->on_anomaly != NULL)
        map->on_anomaly(map->anomaly_ctx, kind, base, size);
}

/* Why an entry cannot be stored at all, or MEMMAP_ANOMALY_COUNT. */
static enum memmap_anomaly why_ignored(const struct memmap *map, hal_paddr_t base, uint64_t size)
{
    if (size == 0)
        return MEMMAP_EMPTY;
    if (size > UINT64_MAX - base)
        return MEMMAP_WRAP;
    if (base >= map->limit)
        return MEMMAP_TOO_HIGH;
    return MEMMAP_ANOMALY_COUNT;
}

/* What is odd about the place of an entry that is stored all the same. */
static void note_place(struct memmap *map, hal_paddr_t base, uint64_t size, enum mem_type type)
{
    if (map->count != 0 && base < map->regions[map->count - 1].base)
        note(map, MEMMAP_UNSORTED, base, size);
    if (size > map->limit - base)
        note(map, MEMMAP_TOO_HIGH, base, size);
    if ((base | size) % HAL_PAGE_SIZE != 0)
        note(map, MEMMAP_UNALIGNED, base, size);
    if (mem_type_is_allocatable(type) && base < map->floor)
        note(map, MEMMAP_LOW, base, hal_min_u64(size, map->floor - base));
}

/* Told of the raw bytes of the sorted entries: rounding to pages makes no overlap. */
static void note_overlaps(struct memmap *map)
{
    uint64_t reach = 0;
    for (size_t i = 0; i < map->count; i++) {
        hal_paddr_t base = map->regions[i].base;
        uint64_t end = mem_region_end(&map->regions[i]);
        if (base < reach)
            note(map, MEMMAP_OVERLAP, base, hal_min_u64(reach, end) - base);
        reach = hal_max_u64(reach, end);
    }
}

/* --- from raw entries to regions -------------------------------------------------------------- */

/* `odd`: what is odd about the entry's type, or MEMMAP_ANOMALY_COUNT. */
static mm_status_t add(struct memmap *map, hal_paddr_t base, uint64_t size, enum mem_type type,
                       enum memmap_anomaly odd)
{
    if (map->normalized)
        return MM_INVALID;
    enum memmap_anomaly ignored = why_ignored(map, base, size);
    if (ignored != MEMMAP_ANOMALY_COUNT) {
        note(map, ignored, base, size);
        return MM_OK;
    }
    if (map->count >= map->capacity)
        return MM_FULL;
    if (odd != MEMMAP_ANOMALY_COUNT)
        note(map, odd, base, size);
    note_place(map, base, size, type);
    map->regions[map->count++] = (struct mem_region){
        .base = base, .size = hal_min_u64(size, map->limit - base), .type = type, .label = NULL};
    return MM_OK;
}

mm_status_t memmap_add(struct memmap *map, hal_paddr_t base, uint64_t size, enum mem_type type)
{
    if (!mem_type_is_stored(type))
        return add(map, base, size, MEM_RESERVED, MEMMAP_UNKNOWN);
    return add(map, base, size, type, MEMMAP_ANOMALY_COUNT);
}

mm_status_t memmap_add_uefi(struct memmap *map, hal_paddr_t base, uint64_t size, uint32_t uefi_type,
                            uint64_t attributes)
{
    bool known;
    enum mem_type type = mem_type_from_uefi(uefi_type, attributes, &known);
    enum memmap_anomaly odd = MEMMAP_ANOMALY_COUNT;
    if (!known)
        odd = MEMMAP_UNKNOWN;
    else if (mem_type_lacks_write_back(uefi_type, attributes))
        odd = MEMMAP_NO_WB;
    return add(map, base, size, type, odd);
}

mm_status_t memmap_normalize(struct memmap *map)
{
    if (map->normalized)
        return MM_OK;
    if (map->count > map->capacity / 2)
        return MM_FULL;
    mem_sweep_sort(map->regions, map->count);
    note_overlaps(map);
    map->count = mem_sweep(map->regions, map->count, map->floor);
    map->normalized = true;
    return MM_OK;
}

const struct mem_region *memmap_find(const struct memmap *map, hal_paddr_t addr)
{
    if (!map->normalized)
        return NULL;
    size_t i = mem_region_index(map->regions, map->count, addr);
    return i < map->count && map->regions[i].base <= addr ? &map->regions[i] : NULL;
}

const char *memmap_check(const struct memmap *map)
{
    if (!map->normalized)
        return "M1: the map is not normalized yet";
    if (map->count > map->capacity)
        return "M5: more regions than the storage holds";
    return mem_region_check(map->regions, map->count, map->floor, map->limit);
}

/* --- owners ----------------------------------------------------------------------------------- */

/* Cut [base, end) out of regions `*first` to `*last`, in which it lies; these touch and have no owner.
 * The right end is cut first: it moves none of the regions before it. */
static mm_status_t cut_out(struct memmap *map, size_t *first, size_t *last, hal_paddr_t base,
                           hal_paddr_t end)
{
    bool cut_left = map->regions[*first].base < base;
    bool cut_right = mem_region_end(&map->regions[*last]) > end;
    if (map->capacity - map->count < (size_t)cut_left + (size_t)cut_right)
        return MM_FULL;
    if (cut_right)
        mem_region_cut(map->regions, &map->count, *last, end);
    if (cut_left) {
        mem_region_cut(map->regions, &map->count, *first, base);
        ++*first;
        ++*last;
    }
    return MM_OK;
}

/* Regions `first` to `last` have changed: those that are alike now become one (M2). */
static void join(struct memmap *map, size_t first, size_t last)
{
    for (size_t i = last + 1; i-- > first;)
        mem_region_join(map->regions, &map->count, i);
    if (first > 0)
        mem_region_join(map->regions, &map->count, first - 1);
}

/* Label [base, end), which lies in regions `first` to `last`; these touch and have no owner. */
static mm_status_t own(struct memmap *map, size_t first, size_t last, hal_paddr_t base,
                       hal_paddr_t end, const char *label)
{
    mm_status_t status = cut_out(map, &first, &last, base, end);
    if (status != MM_OK)
        return status;
    for (size_t i = first; i <= last; i++)
        map->regions[i].label = label;
    join(map, first, last);
    return MM_OK;
}

/* Does [base, end) lie in the map without a hole, and without an owner but `label`? `*first` and `*last`
 * are then the regions that it touches. */
static mm_status_t find_range(const struct memmap *map, hal_paddr_t base, hal_paddr_t end,
                              const char *label, size_t *first, size_t *last)
{
    bool owned = false;
    hal_paddr_t reached = base;
    size_t i = mem_region_index(map->regions, map->count, base);
    *first = i;
    for (; i < map->count && map->regions[i].base <= reached && reached < end; i++) {
        owned |=
            map->regions[i].label != NULL && !mem_region_same_owner(map->regions[i].label, label);
        reached = mem_region_end(&map->regions[i]);
    }
    if (reached < end)
        return MM_FOREIGN;
    *last = i - 1;
    return owned ? MM_OVERLAP : MM_OK;
}

static bool is_name(const char *label)
{
    return label != NULL && *label != '\0';
}

/* Grow [*base, *base + size) outward to [*base, *end). Below the limit nothing can wrap, so rounding up
 * is safe once that is known. */
static mm_status_t grow(const struct memmap *map, hal_paddr_t *base, uint64_t size,
                        hal_paddr_t *end)
{
    if (!map->normalized || size == 0)
        return MM_INVALID;
    if (size > UINT64_MAX - *base)
        return MM_OVERFLOW;
    if (*base + size > map->limit)
        return MM_FOREIGN;
    *end = hal_align_up(*base + size, HAL_PAGE_SIZE);
    *base = hal_align_down(*base, HAL_PAGE_SIZE);
    return MM_OK;
}

/* The owner has the pages at both ends of [base, end) already, perhaps: they stay as they are. */
static mm_status_t own_rest(struct memmap *map, size_t first, size_t last, hal_paddr_t base,
                            hal_paddr_t end, const char *label)
{
    if (map->regions[first].label != NULL)
        base = mem_region_end(&map->regions[first++]);
    if (base < end && map->regions[last].label != NULL)
        end = map->regions[last--].base;
    return base < end ? own(map, first, last, base, end, label) : MM_OK;
}

mm_status_t memmap_reserve(struct memmap *map, hal_paddr_t base, uint64_t size, const char *label)
{
    hal_paddr_t end = 0;
    size_t first = 0, last = 0;
    if (!is_name(label))
        return MM_INVALID;
    mm_status_t status = grow(map, &base, size, &end);
    if (status == MM_OK)
        status = find_range(map, base, end, label, &first, &last);
    return status == MM_OK ? own_rest(map, first, last, base, end, label) : status;
}

/* --- bad pages -------------------------------------------------------------------------------- */

static mm_status_t spoil(struct memmap *map, size_t first, size_t last, hal_paddr_t base,
                         hal_paddr_t end)
{
    for (size_t i = first; i <= last; i++)
        if (!mem_type_is_allocatable(map->regions[i].type) && map->regions[i].type != MEM_BAD)
            return MM_RESERVED;
    mm_status_t status = cut_out(map, &first, &last, base, end);
    if (status != MM_OK)
        return status;
    for (size_t i = first; i <= last; i++)
        map->regions[i].type = MEM_BAD;
    join(map, first, last);
    return MM_OK;
}

mm_status_t memmap_retire(struct memmap *map, hal_paddr_t base, uint64_t size)
{
    hal_paddr_t end = 0;
    size_t first = 0, last = 0;
    mm_status_t status = grow(map, &base, size, &end);
    if (status == MM_OK)
        status = find_range(map, base, end, NULL, &first, &last);
    return status == MM_OK ? spoil(map, first, last, base, end) : status;
}

/* --- windows ---------------------------------------------------------------------------------- */

static mm_status_t judge_window(const struct memmap *map, hal_paddr_t base, uint64_t size)
{
    if (!map->normalized || size == 0 || (base | size) % HAL_PAGE_SIZE != 0 || base < map->floor)
        return MM_INVALID;
    if (size > UINT64_MAX - base)
        return MM_OVERFLOW;
    return base + size > map->limit ? MM_FOREIGN : MM_OK;
}

mm_status_t memmap_add_window(struct memmap *map, hal_paddr_t base, uint64_t size)
{
    mm_status_t status = judge_window(map, base, size);
    if (status != MM_OK)
        return status;
    size_t at = mem_region_index(map->regions, map->count, base);
    if (at < map->count && map->regions[at].base < base + size)
        return MM_OVERLAP;
    if (map->count == map->capacity)
        return MM_FULL;
    for (size_t i = map->count++; i > at; i--)
        map->regions[i] = map->regions[i - 1];
    map->regions[at] = (struct mem_region){.base = base, .size = size, .type = MEM_HOTPLUG};
    join(map, at, at);
    return MM_OK;
}

/* --- taking before there is an allocator ------------------------------------------------------ */

/* The highest place for `size` bytes in the region, below `limit`, or HAL_PADDR_NONE. */
static hal_paddr_t highest_place(const struct mem_region *r, uint64_t size, uint64_t align,
                                 hal_paddr_t limit)
{
    hal_paddr_t end = hal_min_u64(mem_region_end(r), limit);
    if (r->type != MEM_USABLE || r->label != NULL || end < r->base || end - r->base < size)
        return HAL_PADDR_NONE;
    hal_paddr_t place = hal_align_down(end - size, align);
    return place >= r->base ? place : HAL_PADDR_NONE;
}

static bool is_alignment(uint64_t align)
{
    return hal_is_power_of_two(align) && align >= HAL_PAGE_SIZE;
}

hal_paddr_t memmap_early_alloc(struct memmap *map, uint64_t size, uint64_t align, hal_paddr_t limit,
                               const char *label)
{
    bool legal = map->normalized && size != 0 && size <= map->limit && is_name(label);
    if (!legal || !is_alignment(align))
        return HAL_PADDR_NONE;
    size = hal_align_up(size, HAL_PAGE_SIZE);
    limit = limit == 0 ? map->limit : hal_align_down(limit, HAL_PAGE_SIZE);
    for (size_t i = map->count; i-- > 0;) {
        hal_paddr_t place = highest_place(&map->regions[i], size, align, limit);
        if (place != HAL_PADDR_NONE)
            return own(map, i, i, place, place + size, label) == MM_OK ? place : HAL_PADDR_NONE;
    }
    return HAL_PADDR_NONE;
}
