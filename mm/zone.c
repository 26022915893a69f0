/* Whenever pages of an open block change hands, four things change together: the bits, the
 * summary's count, the zone's counters, and the list that the block is in. zone_take_in() sees to
 * that for the usual run, open_taken() for one in fresh blocks, take_pages() for every part of any
 * other; give_pages() for what comes back. */
#include "zone.h"

#include "extents.h"

/* --- one block --- */

/* A wholly free block becomes an extent, or part of one. */
static void close_block(struct lists *l, uint32_t block)
{
    lists_move(l, block, 0);
    extents_add(l, lists_region(l, block), block, 1);
}

/* Count the free pages of an open block anew, and put it where it belongs. */
static void recount_block(struct lists *l, uint32_t block)
{
    const struct block_bits *bits = &l->bits[block];
    struct summary *s = &l->summaries[block];
    s->words = block_words(bits);
    s->free = s->words != 0 ? (uint16_t)block_count(bits, PAGE_FREE) : 0;
    if (s->free == BLOCK_PAGES)
        close_block(l, block);
    else
        lists_move(l, block, block_longest(bits, s->free));
}

/* --- taking --- */

/* Pages [lo, hi) of an open block become part of an allocated run; `head`: its first page is here.
 * No run of the block is longer than before, which bounds the search for the longest one that is
 * left. A block that was in no list was opened just now. */
static void take_pages(struct lists *l, uint32_t block, unsigned lo, unsigned hi, bool head)
{
    struct summary *s = &l->summaries[block];
    unsigned before = s->longest != 0 ? s->longest : BLOCK_PAGES;
    s->words &= (uint8_t)~block_take(&l->bits[block], lo, hi, head);
    s->free = (uint16_t)(s->free - (hi - lo));
    lists_move(l, block, block_longest(&l->bits[block], (unsigned)hal_min_u64(before, s->free)));
}

/* Take `pages` free pages of open blocks from `at` on, over the borders of blocks. */
static void take_open(struct zone *z, struct place at, size_t pages)
{
    bool head = true;
    zone_count_taken(z, pages);
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

/* In a partly used block of the class, at a multiple of 1 << align_shift pages. */
static bool take_aligned(struct zone *z, unsigned pages, unsigned align_shift,
                         enum block_class class, struct place *out)
{
    if (align_shift == 0)
        return zone_take_within(z, class, pages, out);
    struct block_fit fit;
    uint32_t block = lists_find(&z->lists, class, pages, align_shift, &fit);
    if (block == BLOCK_NONE)
        return false;
    zone_take_fit(z, block, fit, pages, out);
    return true;
}

static bool find_extent(const struct lists *l, size_t pages, unsigned align_shift, uint32_t *first,
                        uint32_t *at)
{
    uint32_t count = (uint32_t)((pages + BLOCK_PAGES - 1) / BLOCK_PAGES);
    uint32_t align = align_shift > BLOCK_SHIFT ? 1u << (align_shift - BLOCK_SHIFT) : 1;
    return extents_find(l, count, align, first, at);
}

/* A closed block is opened with its first `n` pages taken; `head`: the run begins here. */
static void open_taken(struct lists *l, uint32_t block, uint32_t frame, enum block_class class,
                       unsigned n, bool head)
{
    struct block_bits *bits = &l->bits[block];
    bool all = n == BLOCK_PAGES;
    lists_open(l, block, frame, class, all ? PAGE_INTERIOR : PAGE_FREE);
    if (all && head)
        block_set_head(bits, 0);
    else if (!all)
        l->summaries[block].words &= (uint8_t)~block_take(bits, 0, n, head);
    l->summaries[block].free = (uint16_t)(BLOCK_PAGES - n);
    lists_move(l, block, BLOCK_PAGES - n);
}

/* In an extent, from the beginning of a block on. */
static bool take_whole(struct zone *z, size_t pages, unsigned align_shift, enum block_class class,
                       struct place *out)
{
    struct lists *l = &z->lists;
    uint32_t first = 0;
    uint32_t at = 0;
    if (!find_extent(l, pages, align_shift, &first, &at))
        return false;
    uint32_t count = (uint32_t)((pages + BLOCK_PAGES - 1) / BLOCK_PAGES);
    uint32_t frame = (uint32_t)(lists_page(l, (struct place){at, 0}) >> BLOCK_SHIFT);
    extents_cut(l, first, at, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t left = pages - (uint64_t)i * BLOCK_PAGES;
        open_taken(l, at + i, frame + i, class, (unsigned)hal_min_u64(left, BLOCK_PAGES), i == 0);
    }
    zone_count_taken(z, pages);
    *out = (struct place){at, 0};
    return true;
}

/* The same for 1 to 512 pages, anywhere: in the smallest extent. */
static __attribute__((noinline)) bool take_first(struct zone *z, unsigned pages,
                                                 enum block_class class, struct place *out)
{
    struct lists *l = &z->lists;
    uint32_t block = extents_smallest(l);
    if (block == BLOCK_NONE)
        return false;
    uint32_t frame = (uint32_t)(lists_page(l, (struct place){block, 0}) >> BLOCK_SHIFT);
    extents_shorten(l, block);
    open_taken(l, block, frame, class, pages, true);
    zone_count_taken(z, pages);
    *out = (struct place){block, 0};
    return true;
}

/* The other classes, in the order in which they are least harmed. */
static const uint8_t fallback[CLASS_COUNT][CLASS_COUNT - 1] = {
    [CLASS_RUNS] = {CLASS_PAGES, CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES},
    [CLASS_PAGES] = {CLASS_RUNS, CLASS_KERNEL_PAGES, CLASS_KERNEL_RUNS},
    [CLASS_KERNEL_RUNS] = {CLASS_KERNEL_PAGES, CLASS_RUNS, CLASS_PAGES},
    [CLASS_KERNEL_PAGES] = {CLASS_KERNEL_RUNS, CLASS_PAGES, CLASS_RUNS},
};

/* In a partly used block of another class. */
static bool take_elsewhere(struct zone *z, size_t pages, unsigned align_shift,
                           enum block_class class, struct place *out)
{
    bool taken = false;
    bool small = pages < BLOCK_PAGES && align_shift <= BLOCK_SHIFT;
    for (unsigned i = 0; small && !taken && i < CLASS_COUNT - 1; i++)
        taken = take_aligned(z, (unsigned)pages, align_shift, (enum block_class)fallback[class][i],
                             out);
    return taken;
}

/* Longer than a block, or aligned. */
static __attribute__((noinline)) bool take_rare(struct zone *z, size_t pages, unsigned align_shift,
                                                enum block_class class, struct place *out)
{
    bool small = pages < BLOCK_PAGES && align_shift <= BLOCK_SHIFT;
    return (small && take_aligned(z, (unsigned)pages, align_shift, class, out)) ||
           take_whole(z, pages, align_shift, class, out) ||
           take_elsewhere(z, pages, align_shift, class, out);
}

/* A whole block is opened only when no partly used one of the class will do, and blocks of another
 * class are used only when nothing is whole: that keeps memory in large pieces. Nearly all runs lie
 * anywhere in a partly used block of their class. A run that is a whole block is aligned by itself. */
bool zone_take_run(struct zone *z, size_t pages, unsigned align_shift, enum block_class class,
                   struct place *out)
{
    bool taken;
    bool anywhere = align_shift == 0 || (pages == BLOCK_PAGES && align_shift <= BLOCK_SHIFT);
    if (anywhere && pages <= BLOCK_PAGES)
        taken = (pages < BLOCK_PAGES && zone_take_within(z, class, (unsigned)pages, out)) ||
                take_first(z, (unsigned)pages, class, out) ||
                take_elsewhere(z, pages, 0, class, out);
    else
        taken = take_rare(z, pages, align_shift, class, out);
    z->allocs += taken;
    return taken;
}

/* A run that is exactly a block lies in an extent if it is anywhere, and the lists miss no extent
 * of one block. */
enum scan_result zone_scan_run(struct zone *z, struct scan *s, enum block_class class,
                               struct place *out)
{
    if (s->pages == BLOCK_PAGES && s->align_shift == BLOCK_SHIFT && !scan_is_bounded(s))
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

hal_paddr_t zone_take_page(struct zone *z, uint32_t block)
{
    struct place at;
    zone_take_in(z, block, 1, &at);
    z->allocs++;
    return lists_open_page(&z->lists, at) << HAL_PAGE_SHIFT;
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
static mm_status_t judge_unused(const struct summary *s, enum page_state state)
{
    if (s->owner != 0)
        return MM_PARKED; /* PAGE_PARKED or PAGE_RETURNED */
    if (state == PAGE_FREE)
        return MM_ALREADY_FREE;
    return s->withheld ? MM_RESERVED : MM_PARKED;
}

/* Does the run that an interior page belongs to begin in this block, and is it parked? */
static bool is_in_parked_run(const struct summary *s, const struct block_bits *bits, unsigned index)
{
    if (s->owner != 0 || s->withheld)
        return false;
    while (index > 0 && block_state(bits, index) == PAGE_INTERIOR)
        index--;
    return block_state(bits, index) == PAGE_PARKED;
}

mm_status_t zone_judge_free(const struct zone *z, const struct region *r, struct place at,
                            size_t pages)
{
    const struct lists *l = &z->lists;
    const struct summary *s = &l->summaries[at.block];
    const struct block_bits *bits = &l->bits[at.block];
    if (!lists_is_open(l, at.block))
        return judge_closed(l, r, at.block);
    enum page_state state = block_state(bits, at.index);
    if (state == PAGE_INTERIOR)
        return is_in_parked_run(s, bits, at.index) ? MM_PARKED : MM_INTERIOR;
    if (state != PAGE_HEAD)
        return judge_unused(s, state);
    return run_has_length(l, r, at, pages) ? MM_OK : MM_WRONG_LENGTH;
}

void zone_grew(struct zone *z, uint32_t block, unsigned length)
{
    if (length == BLOCK_PAGES)
        close_block(&z->lists, block);
    else
        lists_move(&z->lists, block, length);
}

void zone_grew_around(struct zone *z, struct place at)
{
    const struct summary *s = &z->lists.summaries[at.block];
    const struct block_bits *bits = &z->lists.bits[at.block];
    unsigned length = BLOCK_PAGES;
    if (s->free != BLOCK_PAGES)
        length = block_free_before(bits, at.index) + block_free_from(bits, at.index);
    if (length > s->longest)
        zone_grew(z, at.block, length);
}

/* `pages` of an open block that nobody owns have become free, and lie in a free run of `length`. */
static inline void gave_pages(struct zone *z, uint32_t block, unsigned pages, unsigned length)
{
    struct summary *s = &z->lists.summaries[block];
    z->free += pages;
    s->free = (uint16_t)(s->free + pages);
    if (length > s->longest)
        zone_grew(z, block, length);
}

/* Pages [lo, hi) of an open block that nobody owns become free. */
static void give_pages(struct zone *z, uint32_t block, unsigned lo, unsigned hi)
{
    struct block_bits *bits = &z->lists.bits[block];
    block_give(bits, lo, hi);
    z->lists.summaries[block].words |= (uint8_t)((2u << (hi - 1) / 64) - (1u << lo / 64));
    gave_pages(z, block, hi - lo, block_run_around(bits, lo, hi));
}

/* None of its blocks has an owner: what lies in such a block is a single page (B2), see return_page(). */
static void give_run(struct zone *z, struct place at, size_t pages)
{
    z->frees++;
    while (pages > 0) {
        unsigned n = (unsigned)hal_min_u64(pages, BLOCK_PAGES - at.index);
        give_pages(z, at.block, at.index, at.index + n);
        pages -= n;
        at = (struct place){at.block + 1, 0};
    }
}

/* Is this a run that is a whole block of the region, and nothing more? */
static bool is_block(const struct lists *l, const struct region *r, uint32_t block)
{
    const struct block_bits *bits = &l->bits[block];
    uint32_t next = block + 1;
    return block_state(bits, 0) == PAGE_HEAD && block_run_end(bits, 1) == BLOCK_PAGES &&
           (next == r->first_block + r->blocks || !lists_is_open(l, next) ||
            block_state(bits + 1, 0) != PAGE_INTERIOR);
}

/* Its bits mean nothing when it is closed, so they are left as they are. */
static bool give_block(struct zone *z, uint32_t block)
{
    const struct region *r = lists_region(&z->lists, block);
    if (!is_block(&z->lists, r, block))
        return false;
    z->frees++;
    z->free += BLOCK_PAGES;
    extents_add(&z->lists, r, block, 1);
    return true;
}

bool zone_give_long_run(struct zone *z, struct place at, size_t pages)
{
    const struct block_bits *bits = &z->lists.bits[at.block];
    if (pages == BLOCK_PAGES && at.index == 0)
        return give_block(z, at.block);
    if (pages - 1 >= BLOCK_PAGES - 1 - at.index ||
        !block_is_run(bits, at.index, at.index + (unsigned)pages))
        return false;
    z->frees++;
    give_pages(z, at.block, at.index, at.index + (unsigned)pages);
    return true;
}

/* To a block that another CPU owns. */
static bool return_page(struct zone *z, struct place at)
{
    struct page_bits *w = &z->lists.bits[at.block].word[at.index / 64];
    bool returned = block_return(w, (uint64_t)1 << (at.index % 64));
    z->frees += returned;
    return returned;
}

mm_status_t zone_give(struct zone *z, const struct region *r, struct place at, size_t pages)
{
    bool open = lists_is_open(&z->lists, at.block);
    bool owned = open && z->lists.summaries[at.block].owner != 0;
    if ((open && !owned && zone_give_long_run(z, at, pages)) ||
        (owned && pages == 1 && return_page(z, at)))
        return MM_OK;
    mm_status_t status = zone_judge_free(z, r, at, pages);
    if (status == MM_OK)
        give_run(z, at, pages);
    return status;
}

/* --- pages in the stash of a CPU --- */

bool zone_stash_block(struct zone *z, uint32_t block)
{
    struct block_bits *bits = &z->lists.bits[block];
    if (!is_block(&z->lists, lists_region(&z->lists, block), block))
        return false;
    bits_store(&bits->word[0].private, bits_load(&bits->word[0].private) & ~(uint64_t)1);
    return true;
}

void zone_put_back(struct zone *z, struct place at, size_t pages)
{
    z->stashed--;
    give_pages(z, at.block, at.index, at.index + (unsigned)pages);
}

bool zone_is_parked(const struct zone *z, uint32_t block)
{
    const struct summary *s = &z->lists.summaries[block];
    if (!lists_is_open(&z->lists, block))
        return false;
    return s->owner != 0 || (!s->withheld && block_count(&z->lists.bits[block], PAGE_PARKED) != 0);
}

/* --- blocks that a CPU owns --- */

uint32_t zone_open_block(struct zone *z, enum block_class class)
{
    uint32_t block = extents_smallest(&z->lists);
    if (block != BLOCK_NONE)
        extents_open(&z->lists, block, block, 1, class);
    return block;
}

/* The last page of the block can be the head of a run that goes on in the next block. */
bool zone_has_singles_only(const struct zone *z, uint32_t block)
{
    const struct lists *l = &z->lists;
    const struct block_bits *bits = &l->bits[block];
    if (block_has_others(bits))
        return false;
    return block + 1 == l->blocks || !lists_is_open(l, block + 1) ||
           block_state(bits, BLOCK_PAGES - 1) != PAGE_HEAD ||
           block_state(bits + 1, 0) != PAGE_INTERIOR;
}

unsigned zone_own_block(struct zone *z, uint32_t block, uint32_t owner)
{
    struct summary *s = &z->lists.summaries[block];
    lists_move(&z->lists, block, 0);
    unsigned words = s->words;
    block_own(&z->lists.bits[block]);
    zone_count_taken(z, s->free);
    s->free = 0;
    s->words = 0;
    s->owner = (uint16_t)hal_min_u64(owner, UINT16_MAX);
    z->owned++;
    return words;
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
    block_disown(&z->lists.bits[block]);
    s->owner = 0;
    z->owned--;
    recount_block(&z->lists, block);
    z->free += s->free;
    return s->free != 0;
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
