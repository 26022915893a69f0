#include "kernel/machine/firmware.h"
#include "hal/hal.h"
#include "hal/short.h"
#include "kernel/memory/space.h"

#define WINDOW      (SPACE_SCRATCH + 64 * GIB)
#define WINDOW_SIZE (64 * GIB)

static uint64_t window_used; /* bytes, from WINDOW on, mapped throughout */

/* Why a region may not be read, or NULL. */
static const char *refuse_region(const struct mem_region *r)
{
    if (r->label == space_screen_label)
        return "it touches the framebuffer";
    switch (r->type) {
    case MEM_MMIO:
        return "it touches what the firmware's map calls device memory";
    case MEM_UNUSABLE:
        return "it touches memory that is faulty";
    case MEM_UNACCEPTED:
        return "it touches memory that has not been accepted";
    default:
        return NULL;
    }
}

const char *firmware_refuse(const struct memmap *m, hal_paddr_t at, uint64_t size)
{
    if (at < HAL_PAGE_SIZE)
        return "it touches page 0, which nothing maps";
    if (at >= m->limit || size > m->limit - at)
        return "it goes beyond the physical addresses of this CPU";
    const char *why = NULL;
    for (size_t i = mem_region_index(m->regions, m->count, at);
         why == NULL && i < m->count && m->regions[i].base < at + size; i++)
        why = refuse_region(&m->regions[i]);
    return why;
}

const unsigned char *firmware_read(const struct memmap *m, hal_paddr_t at, uint64_t size,
                                   const char **why)
{
    *why = firmware_refuse(m, at, size);
    if (*why != NULL)
        return NULL;
    hal_paddr_t from = hal_align_down(at, HAL_PAGE_SIZE);
    uint64_t bytes = hal_align_up(at + size, HAL_PAGE_SIZE) - from;
    hal_vaddr_t to = WINDOW + window_used;
    if (bytes > WINDOW_SIZE - window_used || space_map(to, from, bytes, ASPACE_R) != MM_OK) {
        *why = "no memory is left to map it";
        return NULL;
    }
    window_used += bytes;
    return (const unsigned char *)(uintptr_t)(to + (at - from));
}

void firmware_close(void)
{
    if (window_used != 0 && space_unmap(WINDOW, window_used) != MM_OK)
        HAL_PANIC("the firmware's tables cannot be unmapped");
    window_used = 0;
}
