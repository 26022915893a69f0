#include "region.h"

/* Below `low` all regions begin at or below the block, from `high` on they begin above it. */
const struct region *region_of_block(const struct region *regions, uint32_t count, uint32_t block)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (regions[middle].first_block <= block)
            low = middle;
        else
            high = middle;
    }
    return &regions[low];
}

const struct region *region_of_page(const struct region *regions, size_t count, uint64_t page,
                                    uint32_t *number)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct region *r = &regions[middle];
        if (region_has(r, page)) {
            *number = (uint32_t)middle;
            return r;
        }
        if (r->first_page < page)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
