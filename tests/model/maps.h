/* tests/model/maps.h: memory maps written down by hand, sorted and disjoint as memmap_normalize()
 * would answer them.
 */
#ifndef TESTS_MODEL_MAPS_H
#define TESTS_MODEL_MAPS_H

#include "mm/memmap.h"

#define RAM(base_, size_)                                                                          \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = MEM_USABLE                                       \
    }
#define BOOT(base_, size_)                                                                         \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = MEM_BOOT                                         \
    }
#define OURS(base_, size_)                                                                         \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = MEM_USABLE, .label = "image"                     \
    }

#define BAD(base_, size_)                                                                          \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = MEM_BAD                                          \
    }

#define WINDOW(base_, size_)                                                                       \
    {                                                                                              \
        .base = (base_), .size = (size_), .type = MEM_HOTPLUG                                      \
    }

/* Of exactly these regions, without room for more. */
static inline struct memmap map_of(struct mem_region *regions, size_t count)
{
    return (struct memmap){.regions = regions,
                           .capacity = count,
                           .count = count,
                           .limit = (uint64_t)1 << 52,
                           .floor = MEMMAP_FLOOR,
                           .normalized = true};
}

#endif
