#include "pmm_state.h"

/* Does the map know its memory? */
mm_status_t pmm_judge_outside(const struct pmm *p, uint64_t page)
{
    return memmap_find(p->map, page << HAL_PAGE_SHIFT) != NULL ? MM_RESERVED : MM_FOREIGN;
}
