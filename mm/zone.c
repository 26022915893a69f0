/* Whenever pages of an open block change hands, four things change together: the bits, the
 * summary's count, the zone's counters, and the list that the block is in. take_pages() and
 * give_pages() see to that for runs, zone_take_page() and zone_give_page() for single pages. */
#include "zone.h"

#include "extents.h"

static unsigned min_unsigned(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* --- one block --- */

/* A wholly free block becomes an extent, or part of one. */
static void close_block(struct lists *l, uint32_t block)
{
    lists_put(l, block, 0);
    extents_add(l, lists_region(l, block), block, 1);
}

/* Count the free pages of an open block anew, and put it where it belongs. */
static void recount_block(struct lists *l, uint32_t block)
{
    const struct block_bits *bits = &l->bits[block];
    unsigned free = block_count(bits, PAGE_FREE);
    l->summaries[block].free = (uint16_t)free;
    if (free == BLOCK_PAGES)
        close_block(l, block);
    else
        lists_move(l, block, block_longest(bits, free));
}

/* --- taking --- */

static void count_taken(struct zone *z, uint64_t pages)
{
    z->free -= pages;
    if (z->free < z->low_water)
        z->low_water = z->free;
}

/* Pages [lo, hi) of an open block become part of an allocated run; `head`: its first page is here.
 * No run of the block is longer than before, which bounds the search for the longest one that is
 * left. A block that was in no list was opened just now. */
static void take_pages(struct lists *l, uint32_t block, unsigned lo, unsigned hi, bool head)
{
    struct summary *s = &l->summaries[block];
    unsigned before = s->longest != 0 ? s->longest : BLOCK_PAGES;
    block_take(&l->bits[block], lo, hi, head);
    s->free = (uint16_t)(s->free - (hi - lo));
    lists_move(l, block, block_longest(&l->bits[block], min_unsigned(before, s->free)));
}

/* Take `pages` free pages of open blocks from `at` on, over the borders of blocks. */
static void take_open(struct zone *z, struct place at, size_t pages)
{
    bool head = true;
    count_taken(z, pages);
    while (pages > 0) {
        unsigned n = (unsigned)hal_min_u64(pages, BLOCK_PAGES - at.index);
        take_pages(&z->lists, at.block, at.index, at.index + n, head);
        pages -= n;
        head = false;
        at = (struct place){at.block + 1, 0};
    }
}

/* The blocks of the run that are closed are opened first, one extent at a time. */
void zone_take_at(struct zone *z, struct place at, size_t pages, enum block_class class)
{
    struct lists *l = &z->lists;
    uint32_t last = at.block + (uint32_t)((at.index + pages - 1) / BLOCK_PAGES);
    const struct region *r = lists_region(l, at.block);
    for (uint32_t block = at.block; block <= last; block++) {
        if (lists_is_open(l, block))
            continue;
        uint32_t first = extents_first(l, r, block);
        uint32_t end = first + l->summaries[first].length;
        uint32_t stop = (uint32_t)hal_min_u64(end, (uint64_t)last + 1);
        extents_open(l, first, block, stop - block, class);
    }
    take_open(z, at, pages);
}

/* In an extent: opens the blocks that the run needs. */
static bool find_extent(struct lists *l, size_t pages, unsigned align_shift, enum block_class class,
                        struct place *out)
{
    uint32_t count = (uint32_t)((pages + BLOCK_PAGES - 1) / BLOCK_PAGES);
    uint32_t align = align_shift > BLOCK_SHIFT ? 1u << (align_shift - BLOCK_SHIFT) : 1;
    uint32_t first = 0;
    uint32_t at = 0;
    if (!extents_find(l, count, align, &first, &at))
        return false;
    extents_open(l, first, at, count, class);
    *out = (struct place){at, 0};
    return true;
}

/* The other classes, in the order in which they are least harmed. */
static const uint8_t fallback[CLASS_COUNT][CLASS_COUNT - 1] = {
    [CLASS_RUNS] = {CLASS_PAGES, CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES},
    [CLASS_PAGES] = {CLASS_RUNS, CLASS_KERNEL_PAGES, CLASS_KERNEL_RUNS},
    [CLASS_KERNEL_RUNS] = {CLASS_KERNEL_PAGES, CLASS_RUNS, CLASS_PAGES},
    [CLASS_KERNEL_PAGES] = {CLASS_KERNEL_RUNS, CLASS_PAGES, CLASS_RUNS},
};

/* A whole block is opened only when no partly used one of the class will do, and blocks of another
 * class are used only when nothing is whole: that keeps memory in large pieces. */
static bool find_run(struct lists *l, size_t pages, unsigned align_shift, enum block_class class,
                     struct place *out)
{
    bool small = pages < BLOCK_PAGES && align_shift <= BLOCK_SHIFT;
    if (small && lists_find(l, class, (unsigned)pages, align_shift, out))
        return true;
    if (find_extent(l, pages, align_shift, class, out))
        return true;
    for (unsigned i = 0; small && i < CLASS_COUNT - 1; i++)
        if (lists_find(l, (enum block_class)fallback[class][i], (unsigned)pages, align_shift, out))
            return true;
    return false;
}

bool zone_take_run(struct zone *z, size_t pages, unsigned align_shift, enum block_class class,
                   struct place *out)
{
    if (!find_run(&z->lists, pages, align_shift, class, out))
        return false;
    take_open(z, *out, pages);
    z->allocs++;
    return true;
}

/* A run that is exactly a block lies in an extent if it is anywhere, and the lists miss no extent
 * of one block. */
enum scan_result zone_scan_run(struct zone *z, struct scan *s, enum block_class class,
                               struct place *out)
{
    if (s->pages == BLOCK_PAGES && s->align_shift == BLOCK_SHIFT)
        return SCAN_NOTHING;
    enum scan_result result = scan_piece(&z->lists, s, out);
    if (result == SCAN_FOUND) {
        zone_take_at(z, *out, s->pages, class);
        z->allocs++;
    }
    return result;
}

/* The owner never touches such a page without the lock, so anybody may take it under the lock. */
enum scan_result zone_take_returned(struct zone *z, struct scan *s, struct place *out)
{
    enum scan_result result = scan_returned(&z->lists, s, out);
    if (result == SCAN_FOUND) {
        block_take_page(&z->lists.bits[out->block], out->index);
        z->allocs++;
    }
    return result;
}

/* Where the longest run is one page, it stays so until the block is full. */
bool zone_take_page(struct zone *z, enum block_class class, struct place *out)
{
    struct lists *l = &z->lists;
    uint32_t block = lists_smallest(l, class);
    if (block == BLOCK_NONE)
        return false;
    struct summary *s = &l->summaries[block];
    unsigned index = block_find(&l->bits[block], 1, 0);
    block_take_page(&l->bits[block], index);
    s->free--;
    if (s->free == 0)
        lists_put(l, block, 0);
    else if (s->longest > 1)
        lists_move(l, block, block_longest(&l->bits[block], min_unsigned(s->longest, s->free)));
    count_taken(z, 1);
    z->allocs++;
    *out = (struct place){block, index};
    return true;
}

/* Free pages directly from `at` on, to the end of its block or extent. */
static uint64_t free_here(const struct lists *l, struct place at)
{
    if (lists_is_open(l, at.block)) {
        bool owned = l->summaries[at.block].owner != 0;
        return owned ? 0 : block_free_from(&l->bits[at.block], at.index);
    }
    uint32_t first = extents_first(l, lists_region(l, at.block), at.block);
    if (l->summaries[first].withheld)
        return 0;
    uint64_t blocks = first + l->summaries[first].length - at.block;
    return blocks * BLOCK_PAGES - at.index;
}

uint64_t zone_free_pages(const struct zone *z, struct place at, size_t pages)
{
    uint64_t done = 0;
    while (done < pages) {
        uint64_t index = at.index + done;
        struct place next = {at.block + (uint32_t)(index / BLOCK_PAGES),
                             (uint32_t)(index % BLOCK_PAGES)};
        uint64_t n = free_here(&z->lists, next);
        if (n == 0)
            break;
        done += n;
    }
    return hal_min_u64(done, pages);
}

/* --- giving --- */

/* Does the run that starts at `at` have exactly `pages` pages? It ends before the first page that
 * is not PAGE_INTERIOR; closed blocks have none. */
static bool run_has_length(const struct lists *l, const struct region *r, struct place at,
                           size_t pages)
{
    uint32_t block = at.block;
    uint32_t last = r->first_block + r->blocks - 1;
    uint64_t length = block_run_end(&l->bits[block], at.index + 1) - at.index;
    while (at.index + length == (uint64_t)(block - at.block + 1) * BLOCK_PAGES && block < last &&
           lists_is_open(l, block + 1) && length <= pages) {
        block++;
        length += block_run_end(&l->bits[block], 0);
    }
    return length == pages;
}

static mm_status_t judge_closed(const struct lists *l, const struct region *r, uint32_t block)
{
    uint32_t first = extents_first(l, r, block);
    return l->summaries[first].withheld ? MM_RESERVED : MM_ALREADY_FREE;
}

/* A page of an open block that is neither a head nor interior: 0 1 or 1 0. */
static mm_status_t judge_unused(enum page_state state, bool owned)
{
    if (owned)
        return MM_PARKED; /* PAGE_PARKED or PAGE_RETURNED */
    return state == PAGE_WITHHELD ? MM_RESERVED : MM_ALREADY_FREE;
}

mm_status_t zone_judge_free(const struct zone *z, const struct region *r, struct place at,
                            size_t pages)
{
    const struct lists *l = &z->lists;
    if (!lists_is_open(l, at.block))
        return judge_closed(l, r, at.block);
    enum page_state state = block_state(&l->bits[at.block], at.index);
    if (state == PAGE_INTERIOR)
        return MM_INTERIOR;
    if (state != PAGE_HEAD)
        return judge_unused(state, l->summaries[at.block].owner != 0);
    return run_has_length(l, r, at, pages) ? MM_OK : MM_WRONG_LENGTH;
}

/* Of an open block without an owner, whose longest free run has `length` pages now if it grew. */
static inline void gave_pages(struct lists *l, uint32_t block, unsigned length)
{
    if (l->summaries[block].free == BLOCK_PAGES)
        close_block(l, block);
    else if (length > l->summaries[block].longest)
        lists_move(l, block, length);
}

/* Pages [lo, hi) of an open block that nobody owns become free. */
static void give_pages(struct zone *z, uint32_t block, unsigned lo, unsigned hi)
{
    struct lists *l = &z->lists;
    block_give(&l->bits[block], lo, hi);
    z->free += hi - lo;
    l->summaries[block].free = (uint16_t)(l->summaries[block].free + (hi - lo));
    gave_pages(l, block, block_run_around(&l->bits[block], lo, hi));
}

/* A run can end in blocks that a CPU owns only when it is a single page (B2). */
void zone_give_run(struct zone *z, struct place at, size_t pages)
{
    z->frees++;
    while (pages > 0) {
        unsigned n = (unsigned)hal_min_u64(pages, BLOCK_PAGES - at.index);
        if (z->lists.summaries[at.block].owner != 0)
            block_return(&z->lists.bits[at.block], at.index, at.index + n);
        else
            give_pages(z, at.block, at.index, at.index + n);
        pages -= n;
        at = (struct place){at.block + 1, 0};
    }
}

/* The usual case of a freed page: a run of its own in an open block that nobody owns. The last page
 * of a block is none: whether it is alone, the next block says. */
static bool is_lone_page(const struct lists *l, struct place at)
{
    return at.index != BLOCK_PAGES - 1 && lists_is_open(l, at.block) &&
           l->summaries[at.block].owner == 0 && block_is_single(&l->bits[at.block], at.index);
}

mm_status_t zone_give_page(struct zone *z, const struct region *r, struct place at)
{
    struct lists *l = &z->lists;
    if (!is_lone_page(l, at)) {
        mm_status_t status = zone_judge_free(z, r, at, 1);
        if (status == MM_OK)
            zone_give_run(z, at, 1);
        return status;
    }
    block_give_page(&l->bits[at.block], at.index);
    z->frees++;
    z->free++;
    l->summaries[at.block].free++;
    gave_pages(l, at.block, block_run_at(&l->bits[at.block], at.index));
    return MM_OK;
}

/* --- blocks that a CPU owns --- */

uint32_t zone_open_block(struct zone *z, enum block_class class)
{
    struct place at;
    return find_extent(&z->lists, BLOCK_PAGES, 0, class, &at) ? at.block : BLOCK_NONE;
}

/* The last page of the block can be the head of a run that goes on in the next block. */
bool zone_has_singles_only(const struct zone *z, uint32_t block)
{
    const struct lists *l = &z->lists;
    const struct block_bits *bits = &l->bits[block];
    if (block_has_interior(bits))
        return false;
    return block + 1 == l->blocks || !lists_is_open(l, block + 1) ||
           block_state(bits, BLOCK_PAGES - 1) != PAGE_HEAD ||
           block_state(bits + 1, 0) != PAGE_INTERIOR;
}

void zone_own_block(struct zone *z, uint32_t block, uint32_t owner)
{
    struct summary *s = &z->lists.summaries[block];
    lists_put(&z->lists, block, 0);
    block_own(&z->lists.bits[block]);
    count_taken(z, s->free);
    s->free = 0;
    s->owner = (uint16_t)hal_min_u64(owner, UINT16_MAX);
    z->owned++;
}

void zone_freed_twice(void)
{
    HAL_PANIC("two CPUs gave back one page at the same time; a debug mode tells which (mm/pmm.h)");
}

/* In an owned block there are single pages only (B2): a page without any bit was given back twice.
 * A block without a free page is in no list, as it was while it had an owner. */
bool zone_disown_block(struct zone *z, uint32_t block)
{
    struct summary *s = &z->lists.summaries[block];
    if (block_has_interior(&z->lists.bits[block]))
        zone_freed_twice();
    bool any = block_disown(&z->lists.bits[block]);
    s->owner = 0;
    z->owned--;
    if (any)
        recount_block(&z->lists, block);
    z->free += s->free;
    return any;
}

/* --- setting up --- */

/* Pages [lo, hi) of a block of which others are missing, or have another state. What is no page of
 * the region reads as withheld for ever. */
static void add_to_block(struct lists *l, uint32_t block, uint32_t frame, unsigned lo, unsigned hi,
                         enum page_state state)
{
    if (!lists_is_open(l, block))
        lists_open(l, block, frame, CLASS_RUNS, PAGE_WITHHELD);
    block_set(&l->bits[block], lo, hi, state);
    l->summaries[block].withheld = block_count(&l->bits[block], PAGE_WITHHELD) != 0;
    if (state == PAGE_FREE)
        recount_block(l, block);
}

/* Whole blocks. What lies beside fresh ones may never have been written, so it is not looked at; it
 * is no free extent, for the map has one entry for all free memory that touches. */
static void add_blocks(struct lists *l, const struct region *r, uint32_t first, uint32_t count,
                       enum page_state state, bool fresh)
{
    if (state == PAGE_WITHHELD)
        extents_withhold(l, first, count);
    else if (fresh)
        extents_insert(l, first, count);
    else
        extents_add(l, r, first, count);
}

void zone_add_pages(struct zone *z, const struct region *r, uint64_t page, uint64_t pages,
                    enum page_state state, bool fresh)
{
    uint64_t end = page + pages;
    if (state == PAGE_FREE) {
        z->total += pages;
        z->free += pages;
    }
    while (page < end) {
        struct place at = region_place(r, page);
        uint64_t n = hal_min_u64(end - page, BLOCK_PAGES - at.index);
        if (n < BLOCK_PAGES) {
            add_to_block(&z->lists, at.block, (uint32_t)(page >> BLOCK_SHIFT), at.index,
                         at.index + (unsigned)n, state);
        } else {
            uint32_t count = (uint32_t)((end - page) >> BLOCK_SHIFT);
            n = (uint64_t)count << BLOCK_SHIFT;
            add_blocks(&z->lists, r, at.block, count, state, fresh);
        }
        page += n;
    }
}
