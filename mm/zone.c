#include "mm/zone_file.h"

/* --- places --- */

const struct region *zone_region_of(const struct zone *z, uint32_t block)
{
    uint32_t low = 0;
    uint32_t high = z->region_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (z->regions[middle].first_block <= block)
            low = middle;
        else
            high = middle;
    }
    return &z->regions[low];
}

uint64_t zone_page_of(const struct zone *z, struct place at)
{
    const struct region *r = zone_region_of(z, at.block);
    uint64_t frame = (r->first_page >> BLOCK_SHIFT) + (at.block - r->first_block);
    return (frame << BLOCK_SHIFT) + at.index;
}

uint64_t zone_open_page_of(const struct zone *z, struct place at)
{
    return (uint64_t)z->summaries[at.block].frame * BLOCK_PAGES + at.index;
}

struct place zone_place_of(const struct region *r, uint64_t page)
{
    uint64_t block = (page >> BLOCK_SHIFT) - (r->first_page >> BLOCK_SHIFT);
    return (struct place){r->first_block + (uint32_t)block, (uint32_t)(page % BLOCK_PAGES)};
}

uint32_t zone_next_block(const struct zone *z, uint32_t block)
{
    return zone_block_is_open(z, block) ? block + 1 : block + z->summaries[block].length;
}

/* --- one block --- */

static unsigned min_unsigned(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

void zone_unfile(struct zone *z, uint32_t block)
{
    if (z->summaries[block].longest != 0)
        run_bin_remove(z, block);
}

static void file_under(struct zone *z, uint32_t block, unsigned longest)
{
    struct summary *s = &z->summaries[block];
    if (run_bin_of(z, s->longest) == run_bin_of(z, longest)) {
        s->longest = (uint16_t)longest;
        return;
    }
    zone_unfile(z, block);
    if (longest != 0)
        run_bin_add(z, block, longest);
}

static void close_block(struct zone *z, uint32_t block)
{
    zone_unfile(z, block);
    extent_add(z, zone_region_of(z, block), block, 1);
}

void zone_refile(struct zone *z, uint32_t block)
{
    const struct block_bits *bits = &z->bits[block];
    z->summaries[block].free = (uint16_t)block_count(bits, PAGE_FREE);
    if (z->summaries[block].free == BLOCK_PAGES)
        close_block(z, block);
    else
        file_under(z, block, block_longest(bits, z->summaries[block].free));
}

/* Pages [lo, hi) of an open block become part of an allocated run; `head`: its first page is here.
 * What is left of the block is filed again; it has no longer run than before (512 when it was not
 * filed: just opened). */
static void take_pages(struct zone *z, uint32_t block, unsigned lo, unsigned hi, bool head)
{
    struct summary *s = &z->summaries[block];
    unsigned before = s->longest != 0 ? s->longest : BLOCK_PAGES;
    block_take(&z->bits[block], lo, hi, head);
    s->free = (uint16_t)(s->free - (hi - lo));
    file_under(z, block, block_longest(&z->bits[block], min_unsigned(before, s->free)));
}

static void count_taken(struct zone *z, size_t pages)
{
    z->free -= pages;
    if (z->free < z->low_water)
        z->low_water = z->free;
}

/* --- taking --- */

/* Take `pages` open free pages from `at` on, over block borders, and file what is left. */
static void take_open(struct zone *z, struct place at, size_t pages)
{
    bool head = true;
    count_taken(z, pages);
    while (pages > 0) {
        unsigned n = (unsigned)min_u64(pages, BLOCK_PAGES - at.index);
        take_pages(z, at.block, at.index, at.index + n, head);
        pages -= n;
        head = false;
        at = (struct place){at.block + 1, 0};
    }
}

void zone_take_at(struct zone *z, struct place at, size_t pages, enum block_class class)
{
    uint32_t last = at.block + (uint32_t)((at.index + pages - 1) / BLOCK_PAGES);
    const struct region *r = zone_region_of(z, at.block);
    for (uint32_t block = at.block; block <= last; block++) {
        if (zone_block_is_open(z, block))
            continue;
        uint32_t first = extent_first(z, r, block);
        uint32_t end = first + z->summaries[first].length;
        uint32_t stop = (uint32_t)min_u64(end, (uint64_t)last + 1);
        extent_open(z, first, block, stop - block, class);
    }
    take_open(z, at, pages);
}

#define BLOCK_TRIES 4  /* blocks of one length that are tried for an aligned place */
#define TOTAL_TRIES 64 /* and in all */

/* In the partly used blocks of one class: the smallest longest run that fits. */
static bool find_partial(const struct zone *z, enum block_class class, unsigned n,
                         unsigned align_shift, struct place *out)
{
    const struct run_bins *bins = &z->bins[class];
    unsigned total = TOTAL_TRIES;
    unsigned bin = run_bin_next(bins, run_bin_of(z, n));
    for (; bin < RUN_BINS && total > 0; bin = run_bin_next(bins, bin + 1)) {
        uint32_t block = bins->head[bin];
        for (unsigned tries = BLOCK_TRIES; block != BLOCK_NONE && tries > 0 && total > 0;
             block = z->summaries[block].next) {
            if (z->summaries[block].longest < n)
                continue;
            unsigned index = block_find(&z->bits[block], n, align_shift);
            if (index < BLOCK_PAGES) {
                *out = (struct place){block, index};
                return true;
            }
            tries--;
            total--;
        }
    }
    return false;
}

/* In an extent: opens the blocks that the run needs. */
static bool open_extent(struct zone *z, size_t pages, unsigned align_shift, enum block_class class,
                        struct place *out)
{
    uint32_t count = (uint32_t)((pages + BLOCK_PAGES - 1) / BLOCK_PAGES);
    uint32_t align = align_shift > BLOCK_SHIFT ? 1u << (align_shift - BLOCK_SHIFT) : 1;
    uint32_t first = 0;
    uint32_t at = 0;
    if (!extent_find(z, count, align, &first, &at))
        return false;
    extent_open(z, first, at, count, class);
    *out = (struct place){at, 0};
    return true;
}

/* A run of free pages that the scan has collected so far. */
struct scan {
    size_t pages;
    unsigned align_shift;
    uint64_t start;  /* page number */
    uint64_t length; /* 0: none */
    bool found;
};

static void scan_add(struct scan *s, uint64_t page, uint64_t length)
{
    if (s->length == 0)
        s->start = page;
    s->length += length;
    uint64_t at = align_up(s->start, (uint64_t)1 << s->align_shift);
    if (at - s->start > s->length || s->length - (at - s->start) < s->pages)
        return;
    s->start = at;
    s->found = true;
}

/* A place inside one open block. */
static bool scan_inside(const struct zone *z, struct scan *s, uint32_t block, uint64_t page)
{
    if (s->pages > z->summaries[block].longest || s->align_shift > BLOCK_SHIFT)
        return false;
    unsigned index = block_find(&z->bits[block], (unsigned)s->pages, s->align_shift);
    s->start = page + index;
    s->found = index < BLOCK_PAGES;
    return s->found;
}

static void scan_open(const struct zone *z, struct scan *s, uint32_t block, uint64_t page)
{
    const struct block_bits *bits = &z->bits[block];
    unsigned prefix = block_free_from(bits, 0);
    scan_add(s, page, prefix);
    if (s->found || scan_inside(z, s, block, page))
        return;
    unsigned suffix = block_free_before(bits, BLOCK_PAGES);
    s->length = 0;
    scan_add(s, page + BLOCK_PAGES - suffix, suffix);
}

/* One block or extent further; `page` is its first page. */
static void scan_block(const struct zone *z, struct scan *s, uint32_t block, uint64_t page)
{
    const struct summary *summary = &z->summaries[block];
    if (zone_block_is_open(z, block)) {
        if (summary->owner == 0 && summary->free != 0)
            scan_open(z, s, block, page);
        else
            s->length = 0;
    } else if (summary->withheld) {
        s->length = 0;
    } else {
        scan_add(s, page, (uint64_t)summary->length * BLOCK_PAGES);
    }
}

/* Every free run of the zone, lowest address first, over block borders: what P6 rests on. */
static bool find_anywhere(const struct zone *z, size_t pages, unsigned align_shift,
                          struct place *out)
{
    for (uint32_t i = 0; i < z->region_count; i++) {
        const struct region *r = &z->regions[i];
        struct scan s = {.pages = pages, .align_shift = align_shift};
        uint64_t base = (r->first_page >> BLOCK_SHIFT) << BLOCK_SHIFT;
        uint32_t end = r->first_block + r->blocks;
        for (uint32_t b = r->first_block; b < end && !s.found; b = zone_next_block(z, b))
            scan_block(z, &s, b, base + (uint64_t)(b - r->first_block) * BLOCK_PAGES);
        if (s.found) {
            *out = zone_place_of(r, s.start);
            return true;
        }
    }
    return false;
}

/* The other classes in the order in which they are least harmed. */
static const uint8_t fallback[CLASS_COUNT][CLASS_COUNT - 1] = {
    [CLASS_RUNS] = {CLASS_PAGES, CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES},
    [CLASS_PAGES] = {CLASS_RUNS, CLASS_KERNEL_PAGES, CLASS_KERNEL_RUNS},
    [CLASS_KERNEL_RUNS] = {CLASS_KERNEL_PAGES, CLASS_RUNS, CLASS_PAGES},
    [CLASS_KERNEL_PAGES] = {CLASS_KERNEL_RUNS, CLASS_PAGES, CLASS_RUNS},
};

static bool find_run(struct zone *z, size_t pages, unsigned align_shift, enum block_class class,
                     struct place *out)
{
    bool small = pages < BLOCK_PAGES && align_shift <= BLOCK_SHIFT;
    if (small && find_partial(z, class, (unsigned)pages, align_shift, out))
        return true;
    if (open_extent(z, pages, align_shift, class, out))
        return true;
    for (unsigned i = 0; small && i < CLASS_COUNT - 1; i++)
        if (find_partial(z, (enum block_class)fallback[class][i], (unsigned)pages, align_shift,
                         out))
            return true;
    return false;
}

bool zone_take_run(struct zone *z, size_t pages, unsigned align_shift, enum block_class class,
                   struct place *out)
{
    if (!find_run(z, pages, align_shift, class, out))
        return false;
    take_open(z, *out, pages);
    z->allocs++;
    return true;
}

bool zone_take_page(struct zone *z, enum block_class class, struct place *out)
{
    uint32_t block = zone_best_block(z, class);
    if (block == BLOCK_NONE)
        return false;
    struct summary *s = &z->summaries[block];
    unsigned index = block_find(&z->bits[block], 1, 0);
    block_set_zone(&z->bits[block], index, true);
    s->free--;
    if (s->free == 0)
        zone_unfile(z, block);
    else if (s->longest > 1)
        file_under(z, block, block_longest(&z->bits[block], min_unsigned(s->longest, s->free)));
    count_taken(z, 1);
    z->allocs++;
    *out = (struct place){block, index};
    return true;
}

bool zone_take_scattered(struct zone *z, size_t pages, unsigned align_shift, enum block_class class,
                         struct place *out)
{
    /* A whole block lies in an extent if it is anywhere. */
    if (pages == BLOCK_PAGES && align_shift == BLOCK_SHIFT)
        return false;
    if (!find_anywhere(z, pages, align_shift, out))
        return false;
    zone_take_at(z, *out, pages, class);
    z->allocs++;
    return true;
}

/* Free pages directly from `at` on: to the end of its block or extent, 0 when the first is not. */
static uint64_t free_here(const struct zone *z, struct place at)
{
    if (zone_block_is_open(z, at.block)) {
        bool owned = z->summaries[at.block].owner != 0;
        return owned ? 0 : block_free_from(&z->bits[at.block], at.index);
    }
    uint32_t first = extent_first(z, zone_region_of(z, at.block), at.block);
    if (z->summaries[first].withheld)
        return 0;
    uint64_t blocks = first + z->summaries[first].length - at.block;
    return blocks * BLOCK_PAGES - at.index;
}

bool zone_is_free(const struct zone *z, struct place at, size_t pages)
{
    uint64_t done = 0;
    while (done < pages) {
        uint64_t index = at.index + done;
        struct place next = {at.block + (uint32_t)(index / BLOCK_PAGES),
                             (uint32_t)(index % BLOCK_PAGES)};
        uint64_t n = free_here(z, next);
        if (n == 0)
            return false;
        done += n;
    }
    return true;
}

uint32_t zone_best_block(const struct zone *z, enum block_class class)
{
    unsigned bin = run_bin_next(&z->bins[class], 1);
    return bin < RUN_BINS ? z->bins[class].head[bin] : BLOCK_NONE;
}

bool zone_has_singles_only(const struct zone *z, uint32_t block)
{
    const struct block_bits *bits = &z->bits[block];
    if (block_has_interior(bits))
        return false;
    /* The last page can start a run that goes on in the next block. */
    return block + 1 == z->blocks || !zone_block_is_open(z, block + 1) ||
           block_state(bits, BLOCK_PAGES - 1) != PAGE_HEAD ||
           block_state(bits + 1, 0) != PAGE_INTERIOR;
}

uint32_t zone_open_smallest(struct zone *z, enum block_class class)
{
    struct place at;
    return open_extent(z, BLOCK_PAGES, 0, class, &at) ? at.block : BLOCK_NONE;
}

/* --- giving --- */

/* Does the run that starts at `at` have exactly `pages` pages? */
static bool run_has_length(const struct zone *z, const struct region *r, struct place at,
                           size_t pages)
{
    uint32_t block = at.block;
    uint32_t last = r->first_block + r->blocks - 1;
    uint64_t length = block_run_end(&z->bits[block], at.index + 1) - at.index;
    while (at.index + length == (uint64_t)(block - at.block + 1) * BLOCK_PAGES && block < last &&
           zone_block_is_open(z, block + 1) && length <= pages) {
        block++;
        length += block_run_end(&z->bits[block], 0);
    }
    return length == pages;
}

static status_t judge_closed(const struct zone *z, const struct region *r, uint32_t block)
{
    uint32_t first = extent_first(z, r, block);
    return z->summaries[first].withheld ? STATUS_RESERVED : STATUS_ALREADY_FREE;
}

status_t zone_judge_free(const struct zone *z, const struct region *r, struct place at,
                         size_t pages)
{
    if (!zone_block_is_open(z, at.block))
        return judge_closed(z, r, at.block);
    bool owned = z->summaries[at.block].owner != 0;
    switch (block_state(&z->bits[at.block], at.index)) {
    case PAGE_INTERIOR:
        return STATUS_INTERIOR;
    case PAGE_PARKED:
        return owned ? STATUS_PARKED : STATUS_RESERVED;
    case PAGE_FREE:
        return owned ? STATUS_PARKED : STATUS_ALREADY_FREE;
    case PAGE_HEAD:
    default:
        break;
    }
    return run_has_length(z, r, at, pages) ? STATUS_OK : STATUS_WRONG_LENGTH;
}

/* Pages [lo, hi) of an open block that nobody owns become free. */
static void give_pages(struct zone *z, uint32_t block, unsigned lo, unsigned hi)
{
    struct summary *s = &z->summaries[block];
    block_give(&z->bits[block], lo, hi);
    z->free += hi - lo;
    s->free = (uint16_t)(s->free + (hi - lo));
    if (s->free == BLOCK_PAGES) {
        close_block(z, block);
        return;
    }
    unsigned length = block_run_around(&z->bits[block], lo, hi);
    if (length > s->longest)
        file_under(z, block, length);
}

void zone_give_run(struct zone *z, struct place at, size_t pages)
{
    z->frees++;
    while (pages > 0) {
        unsigned n = (unsigned)min_u64(pages, BLOCK_PAGES - at.index);
        if (z->summaries[at.block].owner != 0)
            block_return(&z->bits[at.block], at.index, at.index + n);
        else
            give_pages(z, at.block, at.index, at.index + n);
        pages -= n;
        at = (struct place){at.block + 1, 0};
    }
}

/* The usual case of a freed page: a run of its own in an open block that nobody owns. */
static bool is_lone_head(const struct zone *z, struct place at)
{
    const struct page_bits *w = &z->bits[at.block].word[at.index / 64];
    const struct page_bits *behind = &z->bits[at.block].word[(at.index + 1) / 64];
    if (at.index == BLOCK_PAGES - 1 || !zone_block_is_open(z, at.block) ||
        z->summaries[at.block].owner != 0)
        return false;
    uint64_t head = (bits_load(&w->own) & bits_load(&w->zone)) >> (at.index % 64);
    uint64_t alone = (bits_load(&behind->own) | bits_load(&behind->zone)) >> ((at.index + 1) % 64);
    return head & alone & 1;
}

status_t zone_give_page(struct zone *z, const struct region *r, struct place at)
{
    struct summary *s = &z->summaries[at.block];
    if (!is_lone_head(z, at)) {
        status_t status = zone_judge_free(z, r, at, 1);
        if (status == STATUS_OK)
            zone_give_run(z, at, 1);
        return status;
    }
    block_set_zone(&z->bits[at.block], at.index, false);
    z->frees++;
    z->free++;
    if (++s->free == BLOCK_PAGES) {
        close_block(z, at.block);
        return STATUS_OK;
    }
    unsigned length = block_run_at(&z->bits[at.block], at.index);
    if (length > s->longest)
        file_under(z, at.block, length);
    return STATUS_OK;
}

/* --- setting up --- */

static void add_to_block(struct zone *z, uint32_t block, uint32_t frame, unsigned lo, unsigned hi,
                         enum page_state state)
{
    if (!zone_block_is_open(z, block))
        block_open(z, block, frame, CLASS_RUNS, PAGE_PARKED);
    block_set(&z->bits[block], lo, hi, state);
    z->summaries[block].withheld = block_count(&z->bits[block], PAGE_PARKED) != 0;
    if (state == PAGE_FREE)
        zone_refile(z, block);
}

static void add_blocks(struct zone *z, const struct region *r, uint32_t first, uint32_t count,
                       enum page_state state, bool fresh)
{
    if (state == PAGE_PARKED)
        extent_withhold(z, first, count);
    else if (fresh)
        extent_file(z, first, count);
    else
        extent_add(z, r, first, count);
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
        struct place at = zone_place_of(r, page);
        uint64_t n = min_u64(end - page, BLOCK_PAGES - at.index);
        if (n < BLOCK_PAGES) {
            add_to_block(z, at.block, (uint32_t)(page >> BLOCK_SHIFT), at.index,
                         at.index + (unsigned)n, state);
        } else {
            uint32_t count = (uint32_t)((end - page) >> BLOCK_SHIFT);
            n = (uint64_t)count << BLOCK_SHIFT;
            add_blocks(z, r, at.block, count, state, fresh);
        }
        page += n;
    }
}
