/* Who owns what: a label on a piece cut out of the regions. */
#include "mm/memmap.h"
#include "mm/memmap_internal.h"

bool memmap_same_owner(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    for (; *a != '\0' && *a == *b; a++)
        b++;
    return *a == *b;
}

/* Cut region i in two at `at`, which lies inside it. There is room for one more region. */
static void split(struct memmap *map, size_t i, paddr_t at)
{
    for (size_t j = map->count++; j > i; j--)
        map->regions[j] = map->regions[j - 1];
    map->regions[i + 1].size = mem_region_end(&map->regions[i]) - at;
    map->regions[i + 1].base = at;
    map->regions[i].size = at - map->regions[i].base;
}

/* Join region i to region i + 1 when both exist, touch and are the same (M2). */
static void join(struct memmap *map, size_t i)
{
    if (i + 1 >= map->count)
        return;
    struct mem_region *a = &map->regions[i];
    const struct mem_region *b = a + 1;
    if (mem_region_end(a) != b->base || a->type != b->type ||
        !memmap_same_owner(a->label, b->label))
        return;
    a->size += b->size;
    map->count--;
    for (size_t j = i + 1; j < map->count; j++)
        map->regions[j] = map->regions[j + 1];
}

/* Label [base, end), which lies in regions first to last, touching and without an owner. */
static status_t own(struct memmap *map, size_t first, size_t last, paddr_t base, paddr_t end,
                    const char *label)
{
    bool cut_left = map->regions[first].base < base;
    bool cut_right = mem_region_end(&map->regions[last]) > end;
    if (map->capacity - map->count < (size_t)cut_left + (size_t)cut_right)
        return STATUS_FULL;
    if (cut_right)
        split(map, last, end);
    if (cut_left) {
        split(map, first, base);
        first++;
        last++;
    }
    for (size_t i = first; i <= last; i++)
        map->regions[i].label = label;
    join(map, last);
    if (first > 0)
        join(map, first - 1);
    return STATUS_OK;
}

/* Does [base, end) lie in the map without a hole, and without an owner? `*first` and `*last` are
 * the regions that it touches. */
static status_t find_range(const struct memmap *map, paddr_t base, paddr_t end, size_t *first,
                           size_t *last)
{
    bool owned = false;
    paddr_t reached = base;
    size_t i = memmap_index_of(map, base);
    *first = i;
    for (; i < map->count && map->regions[i].base <= reached && reached < end; i++) {
        owned |= map->regions[i].label != NULL;
        reached = mem_region_end(&map->regions[i]);
    }
    if (reached < end)
        return STATUS_FOREIGN;
    *last = i - 1;
    return owned ? STATUS_OVERLAP : STATUS_OK;
}

static bool is_name(const char *label)
{
    return label != NULL && *label != '\0';
}

status_t memmap_reserve(struct memmap *map, paddr_t base, uint64_t size, const char *label)
{
    if (!map->normalized || size == 0 || !is_name(label))
        return STATUS_INVALID;
    if (size > UINT64_MAX - base)
        return STATUS_OVERFLOW;
    if (base + size > map->limit)
        return STATUS_FOREIGN;
    paddr_t start = align_down(base, PAGE_SIZE);
    paddr_t end = align_up(base + size, PAGE_SIZE);
    size_t first, last;
    status_t status = find_range(map, start, end, &first, &last);
    return status == STATUS_OK ? own(map, first, last, start, end, label) : status;
}

/* The highest place for `size` bytes in the region, below `limit`, or PADDR_NONE. */
static paddr_t highest_place(const struct mem_region *r, uint64_t size, uint64_t align,
                             paddr_t limit)
{
    paddr_t end = min_u64(mem_region_end(r), limit);
    if (r->type != MEM_USABLE || r->label != NULL || end < r->base || end - r->base < size)
        return PADDR_NONE;
    paddr_t place = align_down(end - size, align);
    return place >= r->base ? place : PADDR_NONE;
}

static bool is_alignment(uint64_t align)
{
    return is_power_of_two(align) && align >= PAGE_SIZE;
}

paddr_t memmap_early_alloc(struct memmap *map, uint64_t size, uint64_t align, paddr_t limit,
                           const char *label)
{
    bool legal = map->normalized && size != 0 && size <= map->limit && is_name(label);
    if (!legal || !is_alignment(align))
        return PADDR_NONE;
    size = align_up(size, PAGE_SIZE);
    limit = limit == 0 ? map->limit : align_down(limit, PAGE_SIZE);
    for (size_t i = map->count; i-- > 0;) {
        paddr_t place = highest_place(&map->regions[i], size, align, limit);
        if (place != PADDR_NONE)
            return own(map, i, i, place, place + size, label) == STATUS_OK ? place : PADDR_NONE;
    }
    return PADDR_NONE;
}
