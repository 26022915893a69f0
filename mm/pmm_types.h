/* mm/pmm_types.h: what all headers of the page allocator speak of: an allocator and its zones. */
#ifndef MORTISE_MM_PMM_TYPES_H
#define MORTISE_MM_PMM_TYPES_H

#include "../hal/base.h"

struct pmm; /* an allocator */

enum pmm_zone { PMM_ZONE_DMA, PMM_ZONE_DMA32, PMM_ZONE_NORMAL, PMM_ZONE_COUNT };

/* The first address above the zone. */
#define PMM_DMA_LIMIT   ((uint64_t)16 << 20)
#define PMM_DMA32_LIMIT ((uint64_t)4 << 30)

/* A page in use that becomes bad when it is given back; see mm/pmm_retire.h. The caller's memory. */
struct pmm_retiring {
    struct pmm_retiring *next;
    uint64_t page; /* its number */
    bool waits;
};

#endif
