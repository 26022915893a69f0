#include "efi/base/rawmap.h"
#include "hal/unaligned.h"

#include <stddef.h>

bool rawmap_stride_ok(size_t stride)
{
    return stride >= RAWMAP_DESCRIPTOR && stride % 8 == 0;
}

size_t rawmap_count(const struct rawmap *map)
{
    return map->bytes / map->stride;
}

static uint64_t end_of(uint64_t base, uint64_t pages)
{
    if (pages <= (UINT64_MAX >> HAL_PAGE_SHIFT))
        return base + (pages << HAL_PAGE_SHIFT);
    return base == 0 ? hal_align_down(UINT64_MAX, HAL_PAGE_SIZE) : 0;
}

struct boot_mem rawmap_get(const struct rawmap *map, size_t index)
{
    const uint8_t *at = map->at + index * map->stride;
    uint64_t base = load64(at + 8);
    return (struct boot_mem){
        .base = base,
        .end = end_of(base, load64(at + 24)),
        .attributes = load64(at + 32),
        .type = (uint32_t)load64(at),
    };
}

/* Can it be read like memory? Types 8, 11, 12 and 15: faulty, of a device, not accepted yet. */
static bool is_memory(uint32_t type)
{
    return type != 8 && type != 11 && type != 12 && type != 15;
}

bool rawmap_covers(const struct rawmap *map, uint64_t base, uint64_t size)
{
    for (size_t i = 0; i < rawmap_count(map); i++) {
        struct boot_mem m = rawmap_get(map, i);
        if (is_memory(m.type) && m.end > m.base && base >= m.base && base < m.end &&
            size <= m.end - base)
            return true;
    }
    return false;
}
