/* mm/pmm_struct.h: the allocator's own structure, for mm/pmm*.c and for tests that break it. */
#ifndef MORTISE_MM_PMM_STRUCT_H
#define MORTISE_MM_PMM_STRUCT_H

#include "magazine.h"
#include "memmap.h"
#include "pmm_types.h"

/* Firmware memory that waits for pmm_reclaim(). */
struct withheld {
    uint64_t first_page, pages;
    bool reclaimed;
};

struct pmm {
    const struct memmap *map;
    struct zone *zones[PMM_ZONE_COUNT]; /* NULL: no memory there */
    struct region *regions;             /* of all zones, by address */
    size_t region_count;
    struct withheld *withheld; /* by address */
    size_t withheld_count;
    struct magazine_cpu *cpus;
    unsigned cpu_count;
    size_t table_bytes;
    uint64_t failures; /* calls whose zones all have no memory */

    /* For mm/pmm_debug.c; its header says what they are. */
    bool debugging; /* any mode is on: then no call takes the short way */
    bool junk;
    uint32_t check_every;
    struct pmm_op *ring;
    size_t ring_size;
    uint64_t operations; /* calls since the modes were set */
};

/* The region that has a page, or NULL; see region_of_page(). */
static inline const struct region *pmm_region(const struct pmm *p, uint64_t page, uint32_t *hint)
{
    return region_of_page(p->regions, p->region_count, page, hint);
}

#endif
