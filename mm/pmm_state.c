#include "pmm_state.h"

/* So much memory must a zone have for magazines, in all and for each CPU: what is parked pins blocks, so
 * at most a quarter may be. */
#define PAGES(mib)    ((uint64_t)(mib) << (20 - HAL_PAGE_SHIFT))
#define MAGAZINES_ALL PAGES(64)
#define MAGAZINES_CPU PAGES(57)
_Static_assert(MAGAZINES_CPU / 4 >= MAGAZINE_COUNT * BLOCK_PAGES + STASH_ALL,
               "all magazines of a CPU and its stash are at most a quarter");

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

mm_status_t pmm_judge_kept(const struct pmm *p, const struct region *r, uint64_t page)
{
    if (r->window && !lists_is_open(&p->zones[r->zone]->lists, region_place(r, page).block))
        return MM_FOREIGN;
    return pmm_withholds(p, page) ? MM_RESERVED : MM_BAD;
}

void pmm_zone_resized(struct zone *z)
{
    uint64_t share = z->cpus != 0 ? z->total / z->cpus : 0;
    bool large = z->total >= MAGAZINES_ALL && share >= MAGAZINES_CPU;
    __atomic_store_n(&z->magazines, large, __ATOMIC_RELAXED);
    z->reserve = z->id == PMM_ZONE_DMA ? z->total / 4 : 0;
}
