#include "mm/scan.h"

/* What is looked for, and the free run that ends where the search has come to. */
struct scan {
    size_t pages;
    unsigned align_shift;
    uint64_t start;  /* page number */
    uint64_t length; /* 0: none */
    bool found;      /* then `start` is the place */
};

/* The run goes on, or begins, with `length` pages at `page`. Is there room for an aligned place? */
static void add(struct scan *s, uint64_t page, uint64_t length)
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

/* A place inside one open block. An alignment of more than a block allows only its first page, and
 * that was tried as the end of the run before. */
static bool find_inside(const struct lists *l, struct scan *s, uint32_t block, uint64_t page)
{
    if (s->pages > l->summaries[block].longest || s->align_shift > BLOCK_SHIFT)
        return false;
    unsigned index = block_find(&l->bits[block], (unsigned)s->pages, s->align_shift);
    s->start = page + index;
    s->found = index < BLOCK_PAGES;
    return s->found;
}

/* The free pages at the block's beginning end the run so far, those at its end begin the next. */
static void scan_open(const struct lists *l, struct scan *s, uint32_t block, uint64_t page)
{
    const struct block_bits *bits = &l->bits[block];
    unsigned prefix = block_free_from(bits, 0);
    add(s, page, prefix);
    if (s->found || find_inside(l, s, block, page))
        return;
    unsigned suffix = block_free_before(bits, BLOCK_PAGES);
    s->length = 0;
    add(s, page + BLOCK_PAGES - suffix, suffix);
}

/* One open block or one extent further; `page` is its first page. */
static void scan_block(const struct lists *l, struct scan *s, uint32_t block, uint64_t page)
{
    const struct summary *summary = &l->summaries[block];
    if (lists_is_open(l, block)) {
        if (summary->owner == 0 && summary->free != 0)
            scan_open(l, s, block, page);
        else
            s->length = 0;
    } else if (summary->withheld) {
        s->length = 0;
    } else {
        add(s, page, (uint64_t)summary->length * BLOCK_PAGES);
    }
}

bool scan_find(const struct lists *l, size_t pages, unsigned align_shift, struct place *out)
{
    for (uint32_t i = 0; i < l->region_count; i++) {
        const struct region *r = &l->regions[i];
        struct scan s = {.pages = pages, .align_shift = align_shift};
        uint32_t end = r->first_block + r->blocks;
        for (uint32_t b = r->first_block; b < end && !s.found; b = lists_next(l, b))
            scan_block(l, &s, b, region_page(r, (struct place){b, 0}));
        if (s.found) {
            *out = region_place(r, s.start);
            return true;
        }
    }
    return false;
}

bool scan_find_returned(const struct lists *l, struct place *out)
{
    for (uint32_t b = 0; b < l->blocks; b = lists_next(l, b)) {
        if (!lists_is_open(l, b) || l->summaries[b].owner == 0)
            continue;
        unsigned index = block_find(&l->bits[b], 1, 0);
        if (index < BLOCK_PAGES) {
            *out = (struct place){b, index};
            return true;
        }
    }
    return false;
}
