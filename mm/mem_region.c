#include "mem_region.h"

size_t mem_region_index(const struct mem_region *list, size_t count, hal_paddr_t addr)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mem_region_end(&list[middle]) <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool mem_region_same_owner(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    for (; *a != '\0' && *a == *b; a++)
        b++;
    return *a == *b;
}

/* Would these two neighbours, sorted and apart, be one region? */
static bool are_one(const struct mem_region *a, const struct mem_region *b)
{
    return mem_region_end(a) == b->base && a->type == b->type &&
           mem_region_same_owner(a->label, b->label);
}

void mem_region_cut(struct mem_region *list, size_t *count, size_t i, hal_paddr_t at)
{
    for (size_t j = (*count)++; j > i; j--)
        list[j] = list[j - 1];
    list[i + 1].size = mem_region_end(&list[i]) - at;
    list[i + 1].base = at;
    list[i].size = at - list[i].base;
}

void mem_region_join(struct mem_region *list, size_t *count, size_t i)
{
    if (i + 1 >= *count || !are_one(&list[i], &list[i + 1]))
        return;
    list[i].size += list[i + 1].size;
    (*count)--;
    for (size_t j = i + 1; j < *count; j++)
        list[j] = list[j + 1];
}

/* What a region must be by itself. The first two come first: the rest asks for its end. */
static const char *check_one(const struct mem_region *r, hal_paddr_t floor, uint64_t limit)
{
    if (r->size == 0)
        return "M1: a region is empty";
    if (r->size > UINT64_MAX - r->base)
        return "M1: a region wraps";
    if (mem_region_end(r) > limit)
        return "M1: a region ends beyond the physical address width";
    if ((r->base | r->size) % HAL_PAGE_SIZE != 0)
        return "M3: a region is not whole pages";
    if (!mem_type_is_stored(r->type))
        return "M3: a region has a type that is no type of memory";
    if (mem_type_is_allocatable(r->type) && r->base < floor)
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
    return are_one(a, b) ? "M2: two regions that touch should be one" : NULL;
}

const char *mem_region_check(const struct mem_region *list, size_t count, hal_paddr_t floor,
                             uint64_t limit)
{
    const char *broken = NULL;
    for (size_t i = 0; i < count && broken == NULL; i++) {
        broken = check_one(&list[i], floor, limit);
        if (broken == NULL && i > 0)
            broken = check_pair(&list[i - 1], &list[i]);
    }
    return broken;
}
