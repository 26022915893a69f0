#include "scan.h"

#include "extents.h"
#include "runs.h"

#define PIECE 256u /* open blocks and extents in one piece; a run crosses three of them at most */

/* The free run that ends where the search has come to. */
struct run {
    uint64_t start;  /* page number */
    uint64_t length; /* 0: none */
};

/* The lowest place at or after `page` that the alignment and the boundary allow. A multiple of the
 * boundary is one of the alignment too, or the other way round. */
static uint64_t place_after(const struct scan *s, uint64_t page)
{
    uint64_t at = hal_align_up(page, (uint64_t)1 << s->align_shift);
    if (s->boundary != 0 && at / s->boundary != (at + s->pages - 1) / s->boundary)
        at = hal_align_up(at, s->boundary);
    return at;
}

/* The run goes on, or begins, with `length` pages at `page`. True when it has room for a place that
 * serves, and `start` is that place then. */
static bool extend(const struct scan *s, struct run *run, uint64_t page, uint64_t length)
{
    if (run->length == 0)
        run->start = page;
    run->length += length;
    uint64_t at = place_after(s, run->start);
    if (at - run->start > run->length || run->length - (at - run->start) < s->pages)
        return false;
    if (s->limit != 0 && at + s->pages > s->limit)
        return false;
    run->start = at;
    return true;
}

/* The same with a limit or a boundary: each free run of the block in turn. */
static bool find_bounded(const struct scan *s, const struct block_bits *bits, struct run *run,
                         uint64_t page)
{
    for (unsigned i = 0; i < BLOCK_PAGES;) {
        unsigned length = block_free_from(bits, i);
        run->length = 0;
        if (length != 0 && extend(s, run, page + i, length))
            return true;
        i += length + 1;
    }
    return false;
}

/* A place inside one open block. An alignment of more than a block allows only its first page, and
 * that was tried as the end of the run before. */
static bool find_inside(const struct lists *l, const struct scan *s, struct run *run,
                        uint32_t block, uint64_t page)
{
    if (s->pages > l->summaries[block].longest || s->align_shift > BLOCK_SHIFT)
        return false;
    if (scan_is_bounded(s))
        return find_bounded(s, &l->bits[block], run, page);
    struct block_fit fit = lists_fit(l, block, (unsigned)s->pages, s->align_shift);
    if (fit.index == BLOCK_PAGES)
        return false;
    run->start = page + fit.index;
    return true;
}

/* The free pages at the block's beginning end the run so far, those at its end begin the next. */
static bool scan_open(const struct lists *l, const struct scan *s, struct run *run, uint32_t block,
                      uint64_t page)
{
    const struct block_bits *bits = &l->bits[block];
    if (extend(s, run, page, block_free_from(bits, 0)) || find_inside(l, s, run, block, page))
        return true;
    unsigned suffix = block_free_before(bits, BLOCK_PAGES);
    run->length = 0;
    return extend(s, run, page + BLOCK_PAGES - suffix, suffix);
}

/* One open block or one extent further; `page` is its first page. What is in use, parked with a CPU
 * or withheld ends the run. */
static bool scan_block(const struct lists *l, const struct scan *s, struct run *run, uint32_t block,
                       uint64_t page)
{
    const struct summary *summary = &l->summaries[block];
    bool open = lists_is_open(l, block);
    if (open && summary->owner == 0 && summary->free != 0)
        return scan_open(l, s, run, block, page);
    if (!open && !summary->withheld)
        return extend(s, run, page, (uint64_t)summary->length * BLOCK_PAGES);
    run->length = 0;
    return false;
}

/* The open block, or the first block of the extent that a closed one lies in. */
static uint32_t begin_of(const struct lists *l, const struct region *r, uint32_t block)
{
    return lists_is_open(l, block) ? block : extents_first(l, r, block);
}

/* From s->block on, which may lie inside an extent by now. When the piece ends inside a run, the
 * next piece begins where the run does, for it may look different by then. */
static bool scan_region(const struct lists *l, struct scan *s, const struct region *r,
                        unsigned *left, struct run *run)
{
    uint32_t end = r->first_block + r->blocks;
    uint32_t b = begin_of(l, r, s->block);
    for (; b < end && *left != 0; b = lists_next(l, b), --*left)
        if (scan_block(l, s, run, b, region_page(r, (struct place){b, 0})))
            return true;
    bool inside = b < end && run->length != 0;
    s->block = inside ? region_place(r, run->start).block : b;
    return false;
}

/* A region's blocks have the numbers that follow those of the region before, so s->block is right
 * when the next region begins. */
enum scan_result scan_piece(const struct lists *l, struct scan *s, struct place *out)
{
    unsigned left = PIECE;
    while (s->region < l->region_count) {
        const struct region *r = &l->regions[s->region];
        struct run run = {.length = 0};
        if (scan_region(l, s, r, &left, &run)) {
            *out = region_place(r, run.start);
            return SCAN_FOUND;
        }
        if (s->block < r->first_block + r->blocks)
            return SCAN_MORE;
        s->region++;
    }
    return SCAN_NOTHING;
}

/* In an owned block PAGE_RETURNED has the bits of PAGE_FREE. */
enum scan_result scan_returned(const struct lists *l, struct scan *s, struct place *out)
{
    for (unsigned left = PIECE; s->block < l->blocks && left > 0; left--) {
        uint32_t b = begin_of(l, lists_region(l, s->block), s->block);
        s->block = lists_next(l, b);
        if (!lists_is_open(l, b) || l->summaries[b].owner == 0)
            continue;
        unsigned words = block_words(&l->bits[b]);
        if (words != 0) {
            *out = (struct place){b, block_first_free(&l->bits[b], words)};
            return SCAN_FOUND;
        }
    }
    return s->block < l->blocks ? SCAN_MORE : SCAN_NOTHING;
}
