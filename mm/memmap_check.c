#include "mm/memmap.h"
#include "mm/memmap_internal.h"

/* What one region must be by itself. */
static const char *check_region(const struct memmap *map, const struct mem_region *r)
{
    if (r->size == 0)
        return "M1: a region is empty";
    if (r->size > UINT64_MAX - r->base)
        return "M1: a region wraps";
    if (mem_region_end(r) > map->limit)
        return "M1: a region ends beyond the physical address width";
    if ((r->base | r->size) % PAGE_SIZE != 0)
        return "M3: a region is not whole pages";
    if (!mem_type_is_stored(r->type))
        return "M3: a region has a type that is no type of memory";
    if (mem_type_is_ram(r->type) && r->base < MEMMAP_FLOOR)
        return "M3: memory in the first MiB is offered for use";
    if (r->label != NULL && r->label[0] == '\0')
        return "M4: an owner has no name";
    return NULL;
}

/* What two neighbours must be, each right by itself. */
static const char *check_pair(const struct mem_region *a, const struct mem_region *b)
{
    if (b->base < a->base)
        return "M1: regions are not sorted";
    if (b->base < mem_region_end(a))
        return "M1: two regions overlap";
    if (b->base == mem_region_end(a) && a->type == b->type && memmap_same_owner(a->label, b->label))
        return "M2: two regions that touch should be one";
    return NULL;
}

const char *memmap_check(const struct memmap *map)
{
    if (!map->normalized)
        return "M1: the map is not normalized yet";
    if (map->count > map->capacity)
        return "M5: more regions than the storage holds";
    const char *broken = NULL;
    for (size_t i = 0; i < map->count && broken == NULL; i++) {
        broken = check_region(map, &map->regions[i]);
        if (broken == NULL && i > 0)
            broken = check_pair(&map->regions[i - 1], &map->regions[i]);
    }
    return broken;
}
