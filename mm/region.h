/* mm/region.h: regions, and where a page lies in them.
 *
 * A region is a maximal run of pages of one zone that the allocator manages or withholds. Its
 * blocks are the 512-page blocks of physical memory that it reaches into; the first and the last
 * may be covered in part. A zone numbers the blocks of its regions one after another:
 *
 *     region 0                 region 1            pages of memory
 *     |--|------|------|-|     |------|---|        cut at multiples of 512 pages
 *      0    1       2   3         4     5          the zone's numbers of the blocks
 *
 * Two regions never share a number, even when they reach into one block of memory.
 *
 * Page numbers are physical addresses / 4 KiB. Nothing here changes after creation, so no lock is
 * needed. Costs are O(1) unless said.
 */
#ifndef MORTISE_MM_REGION_H
#define MORTISE_MM_REGION_H

#include "block.h"

struct region {
    uint64_t first_page;
    uint64_t pages;
    uint32_t first_block; /* the number of the block that holds first_page */
    uint32_t blocks;
    uint32_t zone;   /* which zone of the allocator it belongs to */
    uint32_t window; /* 1: memory is added and removed here (mm/pmm_hotplug.h) */
};

/* Where a page is in its zone: the number of its block, and its index in the block, 0 to 511. */
struct place {
    uint32_t block;
    uint32_t index;
};

/* The place of a page of the region. */
static inline struct place region_place(const struct region *r, uint64_t page)
{
    uint64_t block = (page >> BLOCK_SHIFT) - (r->first_page >> BLOCK_SHIFT);
    return (struct place){r->first_block + (uint32_t)block, (uint32_t)(page % BLOCK_PAGES)};
}

/* The page of a place in the region. */
static inline uint64_t region_page(const struct region *r, struct place at)
{
    uint64_t frame = (r->first_page >> BLOCK_SHIFT) + (at.block - r->first_block);
    return (frame << BLOCK_SHIFT) + at.index;
}

/* Does the page lie in the region? One unsigned comparison tells both sides: a page below gives a
 * huge difference. */
static inline bool region_has(const struct region *r, uint64_t page)
{
    return page - r->first_page < r->pages;
}

/* Of one zone's regions, `count` (at least 1) of them by address: the one that has the block.
 * O(log count). */
const struct region *region_of_block(const struct region *regions, uint32_t count, uint32_t block);

/* Of all regions, by address: the one that has the page, and its number; or NULL, and the number stays
 * as it is. O(log count). */
const struct region *region_of_page(const struct region *regions, size_t count, uint64_t page,
                                    uint32_t *number);

#endif
