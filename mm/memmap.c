#include "mm/memmap.h"
#include "mm/memmap_internal.h"

#define WIDTH_MIN 32
#define WIDTH_MAX 52

size_t memmap_capacity_for(size_t entries, size_t owners)
{
    /* n entries have 2n ends; a sweep makes at most 2n - 1 pieces of them and the 1 MiB border one
     * more. An owner's piece cuts at most two ends off what it lies in. */
    if (entries > SIZE_MAX / 4 || owners > SIZE_MAX / 4)
        return SIZE_MAX;
    return 2 * (entries + owners);
}

void memmap_init(struct memmap *map, struct mem_region *storage, size_t capacity)
{
    *map = (struct memmap){
        .regions = storage, .capacity = capacity, .limit = (uint64_t)1 << WIDTH_MAX};
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

void memmap_on_anomaly(struct memmap *map, memmap_anomaly_fn *fn, void *ctx)
{
    map->on_anomaly = fn;
    map->anomaly_ctx = ctx;
}

void memmap_note(struct memmap *map, enum memmap_anomaly kind, paddr_t base, uint64_t size)
{
    map->anomalies[kind]++;
    if (map->on_anomaly != NULL)
        map->on_anomaly(map->anomaly_ctx, kind, base, size);
}

/* Why an entry cannot be stored at all, or MEMMAP_ANOMALY_COUNT. */
static enum memmap_anomaly why_ignored(const struct memmap *map, paddr_t base, uint64_t size)
{
    if (size == 0)
        return MEMMAP_EMPTY;
    if (size > UINT64_MAX - base)
        return MEMMAP_WRAP;
    if (base >= map->limit)
        return MEMMAP_TOO_HIGH;
    return MEMMAP_ANOMALY_COUNT;
}

/* What is odd about an entry that is stored all the same. */
static void note_oddities(struct memmap *map, paddr_t base, uint64_t size, enum mem_type type)
{
    if (map->count != 0 && base < map->regions[map->count - 1].base)
        memmap_note(map, MEMMAP_UNSORTED, base, size);
    if (size > map->limit - base)
        memmap_note(map, MEMMAP_TOO_HIGH, base, size);
    if ((base | size) % PAGE_SIZE != 0)
        memmap_note(map, MEMMAP_UNALIGNED, base, size);
    if (mem_type_is_ram(type) && base < MEMMAP_FLOOR)
        memmap_note(map, MEMMAP_LOW, base, min_u64(size, MEMMAP_FLOOR - base));
}

static status_t add(struct memmap *map, paddr_t base, uint64_t size, enum mem_type type, bool known)
{
    if (map->normalized)
        return STATUS_INVALID;
    enum memmap_anomaly ignored = why_ignored(map, base, size);
    if (ignored != MEMMAP_ANOMALY_COUNT) {
        memmap_note(map, ignored, base, size);
        return STATUS_OK;
    }
    if (map->count >= map->capacity)
        return STATUS_FULL;
    if (!known)
        memmap_note(map, MEMMAP_UNKNOWN, base, size);
    note_oddities(map, base, size, type);
    map->regions[map->count++] = (struct mem_region){
        .base = base, .size = min_u64(size, map->limit - base), .type = type, .label = NULL};
    return STATUS_OK;
}

status_t memmap_add(struct memmap *map, paddr_t base, uint64_t size, enum mem_type type)
{
    bool known = mem_type_is_stored(type);
    return add(map, base, size, known ? type : MEM_RESERVED, known);
}

status_t memmap_add_uefi(struct memmap *map, paddr_t base, uint64_t size, uint32_t uefi_type,
                         uint64_t attributes)
{
    bool known;
    enum mem_type type = mem_type_from_uefi(uefi_type, attributes, &known);
    return add(map, base, size, type, known);
}

size_t memmap_index_of(const struct memmap *map, paddr_t addr)
{
    size_t low = 0;
    size_t high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mem_region_end(&map->regions[middle]) <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct mem_region *memmap_find(const struct memmap *map, paddr_t addr)
{
    if (!map->normalized)
        return NULL;
    size_t i = memmap_index_of(map, addr);
    return i < map->count && map->regions[i].base <= addr ? &map->regions[i] : NULL;
}
