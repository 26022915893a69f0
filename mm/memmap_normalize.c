/* The change-point sweep, in the caller's storage: n entries become 2n points (where one starts or
 * ends), the points are sorted, and the regions are written over the points already passed. After
 * p points at most p - 1 pieces lie between them, and the 1 MiB border can cut only one of them:
 * never more than p regions, so nothing unread is overwritten. */
#include "mm/memmap.h"
#include "mm/memmap_internal.h"

/* A point, kept in a struct mem_region: `base` is where, `type` is what. `size` is: */
enum { POINT_ENDS = 0, POINT_STARTS = 1 };

static bool before(const struct mem_region *a, const struct mem_region *b)
{
    return a->base != b->base ? a->base < b->base : a->size < b->size;
}

static void sift_down(struct mem_region *heap, size_t at, size_t count)
{
    struct mem_region sinking = heap[at];
    size_t child;
    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count && before(&heap[child], &heap[child + 1]))
            child++;
        if (!before(&sinking, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = sinking;
}

/* Heapsort: O(n log n) whatever the firmware says, no recursion, no memory. */
static void sort(struct mem_region *regions, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(regions, i, count);
    for (size_t end = count; end-- > 1;) {
        struct mem_region last = regions[end];
        regions[end] = regions[0];
        regions[0] = last;
        sift_down(regions, 0, end);
    }
}

/* Told of the raw bytes: rounding to pages makes no overlap. */
static void note_overlaps(struct memmap *map)
{
    uint64_t reach = 0;
    for (size_t i = 0; i < map->count; i++) {
        paddr_t base = map->regions[i].base;
        uint64_t end = mem_region_end(&map->regions[i]);
        if (base < reach)
            memmap_note(map, MEMMAP_OVERLAP, base, min_u64(reach, end) - base);
        reach = max_u64(reach, end);
    }
}

/* Entry i becomes points 2i and 2i + 1, from the last on, so no entry is lost. What is not RAM
 * grows outward here; RAM is cut inward after the sweep, when its neighbours have merged. */
static void make_points(struct mem_region *regions, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        enum mem_type type = regions[i].type;
        uint64_t grain = mem_type_is_ram(type) ? 1 : PAGE_SIZE;
        paddr_t start = align_down(regions[i].base, grain);
        paddr_t end = align_up(mem_region_end(&regions[i]), grain);
        regions[2 * i] = (struct mem_region){.base = start, .size = POINT_STARTS, .type = type};
        regions[2 * i + 1] = (struct mem_region){.base = end, .size = POINT_ENDS, .type = type};
    }
}

/* Append [base, end), or lengthen the last region when it touches and is the same. */
static void put(struct memmap *map, paddr_t base, paddr_t end, enum mem_type type)
{
    if (base >= end)
        return;
    struct mem_region *last = map->count > 0 ? &map->regions[map->count - 1] : NULL;
    if (last != NULL && last->type == type && mem_region_end(last) == base)
        last->size = end - last->base;
    else
        map->regions[map->count++] =
            (struct mem_region){.base = base, .size = end - base, .type = type, .label = NULL};
}

static void put_piece(struct memmap *map, paddr_t base, paddr_t end, enum mem_type type)
{
    if (!mem_type_is_ram(type)) {
        put(map, base, end, type);
        return;
    }
    base = align_up(base, PAGE_SIZE);
    end = align_down(end, PAGE_SIZE);
    put(map, base, min_u64(end, MEMMAP_FLOOR), MEM_RESERVED);
    put(map, max_u64(base, MEMMAP_FLOOR), end, type);
}

static enum mem_type least_usable(const size_t *cover)
{
    unsigned type = MEM_TYPE_COUNT - 1;
    while (type > MEM_NONE && cover[type] == 0)
        type--;
    return (enum mem_type)type;
}

static void sweep(struct memmap *map, size_t points)
{
    const struct mem_region *point = map->regions;
    size_t cover[MEM_TYPE_COUNT] = {0}; /* entries of each type that cover this place */
    enum mem_type type = MEM_NONE;
    paddr_t start = 0;
    map->count = 0;
    for (size_t i = 0; i < points;) {
        paddr_t here = point[i].base;
        for (; i < points && point[i].base == here; i++)
            cover[point[i].type] += point[i].size == POINT_STARTS ? 1 : (size_t)-1;
        enum mem_type next = least_usable(cover);
        if (next == type)
            continue;
        if (type != MEM_NONE)
            put_piece(map, start, here, type);
        type = next;
        start = here;
    }
}

status_t memmap_normalize(struct memmap *map)
{
    if (map->normalized)
        return STATUS_OK;
    if (map->count > map->capacity / 2)
        return STATUS_FULL;
    size_t points = 2 * map->count;
    sort(map->regions, map->count);
    note_overlaps(map);
    make_points(map->regions, map->count);
    sort(map->regions, points);
    sweep(map, points);
    map->normalized = true;
    return STATUS_OK;
}
