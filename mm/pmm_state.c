#include "pmm_state.h"

/* The last piece that begins at or below the page. Pieces do not overlap. */
bool pmm_withholds(const struct pmm *p, uint64_t page)
{
    size_t low = 0;
    size_t high = p->withheld_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->withheld[middle].first_page <= page)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    const struct withheld *w = &p->withheld[low - 1];
    return page - w->first_page < w->pages && !__atomic_load_n(&w->given, __ATOMIC_ACQUIRE);
}

/* Does the map know its memory? */
mm_status_t pmm_judge_outside(const struct pmm *p, uint64_t page)
{
    return memmap_find(p->map, page << HAL_PAGE_SHIFT) != NULL ? MM_RESERVED : MM_FOREIGN;
}

mm_status_t pmm_judge_kept(const struct pmm *p, uint64_t page)
{
    return pmm_withholds(p, page) ? MM_RESERVED : MM_BAD;
}
