/* mm/mem_region.h: a run of memory of one type and one owner, and sorted lists of such runs.
 *
 * A list is an array of regions and its length. It is sound when M1 to M4 of mm/memmap.h hold;
 * every function but the check wants a sound list and leaves one. The caller has the storage.
 */
#ifndef MORTISE_MM_MEM_REGION_H
#define MORTISE_MM_MEM_REGION_H

#include "mem_type.h"

struct mem_region {
    hal_paddr_t base;
    uint64_t size;
    enum mem_type type;
    const char *label; /* NULL, or the owner; the string outlives the list */
};

/* First address after the region. A stored region never wraps (M1). */
static inline hal_paddr_t mem_region_end(const struct mem_region *region)
{
    return region->base + region->size;
}

/* Are two labels one owner's? By their text, for equal literals of two files are two strings; NULL is like
 * NULL alone. O(their lengths). */
bool mem_region_same_owner(const char *a, const char *b);

/* Index of the first region that ends after `addr`; `count` when there is none. O(log n). */
size_t mem_region_index(const struct mem_region *list, size_t count, hal_paddr_t addr);

/* Cut region i in two at `at`, which lies inside it. The list grows by one, and the storage has room
 * for that; M2 is broken until the two parts differ. O(n). */
void mem_region_cut(struct mem_region *list, size_t *count, size_t i, hal_paddr_t at);

/* If regions i and i + 1 exist, touch and are alike, make them one (M2). Alike: of one type, and
 * both without an owner or with owners of the same text. O(n). */
void mem_region_join(struct mem_region *list, size_t *count, size_t i);

/* NULL, or the first of M1 to M4 that is broken ("M1: ..."). `floor` is the address below which no
 * memory is offered, `limit` the first address beyond the physical address width. O(n). */
const char *mem_region_check(const struct mem_region *list, size_t count, hal_paddr_t floor,
                             uint64_t limit);

#endif
