#include "pmm_hotplug.h"

#include "extents.h"
#include "pmm_debug.h"
#include "pmm_parked.h"
#include "pmm_state.h"

/* Blocks [first, end) of one window. */
struct part {
    const struct region *r;
    struct zone *z;
    uint32_t first, end;
};

static mm_status_t find_part(struct pmm *p, hal_paddr_t base, size_t pages, struct part *out)
{
    uint64_t page = base >> HAL_PAGE_SHIFT;
    uint32_t hint = 0;
    if (base % (BLOCK_PAGES * HAL_PAGE_SIZE) != 0 || pages % BLOCK_PAGES != 0 || pages == 0)
        return MM_INVALID;
    const struct region *r = pmm_region(p, page, &hint);
    if (r == NULL || !r->window || pages > r->first_page + r->pages - page)
        return MM_FOREIGN;
    uint32_t first = region_place(r, page).block;
    *out = (struct part){r, p->zones[r->zone], first, first + (uint32_t)(pages / BLOCK_PAGES)};
    return MM_OK;
}

static bool is_absent(const struct part *part, uint32_t block, uint32_t *next)
{
    const struct lists *l = &part->z->lists;
    *next = block + 1;
    if (lists_is_open(l, block))
        return false;
    uint32_t first = extents_first(l, part->r, block);
    *next = first + l->summaries[first].length;
    return l->summaries[first].withheld;
}

/* --- adding --- */

static bool is_all_absent(const struct part *part)
{
    uint32_t next;
    for (uint32_t block = part->first; block < part->end; block = next)
        if (!is_absent(part, block, &next))
            return false;
    return true;
}

/* What is left of the absent extents at both ends becomes extents of its own. The tags are read before
 * any is written: it may be one extent. */
static void cut_absent(const struct part *part)
{
    struct lists *l = &part->z->lists;
    uint32_t low = extents_first(l, part->r, part->first);
    uint32_t last = extents_first(l, part->r, part->end - 1);
    uint32_t high = last + l->summaries[last].length;
    if (low < part->first)
        extents_withhold(l, low, part->first - low);
    if (high > part->end)
        extents_withhold(l, part->end, high - part->end);
}

/* Zone locked. */
static mm_status_t add(const struct part *part)
{
    struct zone *z = part->z;
    uint32_t count = part->end - part->first;
    if (!is_all_absent(part))
        return MM_OVERLAP;
    cut_absent(part);
    extents_add(&z->lists, part->r, part->first, count);
    z->total += (uint64_t)count * BLOCK_PAGES;
    z->free += (uint64_t)count * BLOCK_PAGES;
    pmm_zone_resized(z);
    return MM_OK;
}

/* Nobody but the caller knows of the memory before it is added, so it may be filled then. */
mm_status_t pmm_add(struct pmm *p, hal_paddr_t base, size_t pages)
{
    struct part part;
    mm_status_t status = find_part(p, base, pages, &part);
    if (status != MM_OK)
        return status;
    hal_irq_t irq = hal_irq_save();
    hal_lock(&part.z->lock);
    if (p->junk && is_all_absent(&part))
        pmm_debug_fill(base, pages);
    status = add(&part);
    hal_unlock(&part.z->lock);
    hal_irq_restore(irq);
    return status;
}

/* --- removing --- */

/* The first page of a block that is neither free nor bad, or BLOCK_PAGES. In a block that a CPU owns only
 * pages that were returned to it can be had. */
static unsigned first_used(const struct lists *l, uint32_t block)
{
    bool owned = l->summaries[block].owner != 0;
    bool bad = l->summaries[block].withheld; /* of an owned block nothing is */
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        enum page_state state = block_state(&l->bits[block], i);
        if (state != PAGE_FREE && (!bad || state != PAGE_WITHHELD))
            return i;
    }
    return owned ? 0 : BLOCK_PAGES;
}

static mm_status_t judge(const struct part *part, uint64_t *page)
{
    const struct lists *l = &part->z->lists;
    uint32_t next;
    for (uint32_t block = part->first; block < part->end; block = next) {
        *page = region_page(part->r, (struct place){block, 0});
        if (is_absent(part, block, &next))
            return MM_FOREIGN;
        unsigned used = lists_is_open(l, block) ? first_used(l, block) : BLOCK_PAGES;
        *page += used;
        if (used < BLOCK_PAGES)
            return MM_BUSY;
    }
    return MM_OK;
}

/* The free extents that reach into the part: their blocks there are opened, one extent at a time. */
static void open_all(const struct part *part)
{
    struct lists *l = &part->z->lists;
    for (uint32_t block = part->first; block < part->end; block++) {
        if (lists_is_open(l, block))
            continue;
        uint32_t first = extents_first(l, part->r, block);
        uint32_t end = (uint32_t)hal_min_u64(first + l->summaries[first].length, part->end);
        extents_open(l, first, block, end - block, CLASS_RUNS);
    }
}

/* Zone locked; judge() has approved. */
static void take_out(const struct part *part)
{
    struct zone *z = part->z;
    struct lists *l = &z->lists;
    uint64_t free = 0;
    open_all(part);
    for (uint32_t block = part->first; block < part->end; block++) {
        free += l->summaries[block].free;
        lists_move(l, block, 0);
        lists_close(l, block);
    }
    extents_withhold(l, part->first, part->end - part->first);
    z->free -= free;
    z->total -= free;
    z->bad -= (uint64_t)(part->end - part->first) * BLOCK_PAGES - free;
    z->low_water = hal_min_u64(z->low_water, z->free);
    pmm_zone_resized(z);
}

/* `*parked`: a CPU owns a block of the zone. */
static mm_status_t remove_part(const struct part *part, uint64_t *page, bool *parked)
{
    hal_lock(&part->z->lock);
    *parked = zone_is_parked_in(part->z);
    mm_status_t status = judge(part, page);
    if (status == MM_OK)
        take_out(part);
    hal_unlock(&part->z->lock);
    return status;
}

mm_status_t pmm_remove(struct pmm *p, hal_paddr_t base, size_t pages, hal_paddr_t *page)
{
    struct part part;
    uint64_t where = 0;
    bool parked = false;
    mm_status_t status = find_part(p, base, pages, &part);
    if (status == MM_OK) {
        hal_irq_t irq = hal_irq_save();
        status = remove_part(&part, &where, &parked);
        if (status == MM_BUSY && parked) {
            parked_begin(p);
            status = remove_part(&part, &where, &parked);
            parked_end(p);
        }
        hal_irq_restore(irq);
    }
    if (page != NULL)
        *page = status == MM_OK ? HAL_PADDR_NONE : where << HAL_PAGE_SHIFT;
    return status;
}
