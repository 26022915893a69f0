#include "extents.h"

/* From 8 blocks on: the power of two, and the two bits below it. */
unsigned extents_bin(uint32_t length)
{
    if (length < 8)
        return length;
    unsigned top = 31u - bits_clz32(length);
    return 8 + (top - 3) * 4 + (length >> (top - 2) & 3);
}

static void set_tags(struct lists *l, uint32_t first, uint32_t length, bool withheld)
{
    struct summary *head = &l->summaries[first];
    struct summary *tail = &l->summaries[first + length - 1];
    head->length = tail->length = length;
    head->withheld = tail->withheld = withheld;
}

void extents_insert(struct lists *l, uint32_t first, uint32_t length)
{
    set_tags(l, first, length, false);
    bins_push(l, &l->extents, extents_bin(length), first);
}

static void extents_remove(struct lists *l, uint32_t first)
{
    bins_remove(l, &l->extents, extents_bin(l->summaries[first].length), first);
}

void extents_withhold(struct lists *l, uint32_t first, uint32_t length)
{
    set_tags(l, first, length, true);
}

/* The extent that starts at `from` starts at `to` from now on, and has `length` blocks there. Where its
 * list stays the same it keeps its place in it. */
static inline void become(struct lists *l, uint32_t from, uint32_t to, uint32_t length)
{
    unsigned old = extents_bin(l->summaries[from].length);
    unsigned bin = extents_bin(length);
    if (old == bin) {
        bins_replace(l, &l->extents, bin, from, to);
    } else {
        bins_remove(l, &l->extents, old, from);
        bins_push(l, &l->extents, bin, to);
    }
    set_tags(l, to, length, false);
}

/* Of a block beside an extent, which is open or is itself the end of an extent. */
static bool is_free_extent(const struct lists *l, uint32_t block)
{
    return !lists_is_open(l, block) && l->summaries[block].withheld == 0;
}

/* Where the free extent begins that ends below `first` in the region, or `first` when there is none. It
 * is known by its last tag. */
static uint32_t begin_below(const struct lists *l, const struct region *r, uint32_t first)
{
    bool is_free = first > r->first_block && is_free_extent(l, first - 1);
    return is_free ? first - l->summaries[first - 1].length : first;
}

/* Where the free extent ends that begins at `end` in the region, or `end`. */
static uint32_t end_above(const struct lists *l, const struct region *r, uint32_t end)
{
    bool is_free = end < r->first_block + r->blocks && is_free_extent(l, end);
    return is_free ? end + l->summaries[end].length : end;
}

void extents_add(struct lists *l, const struct region *r, uint32_t first, uint32_t length)
{
    uint32_t end = first + length;
    for (uint32_t block = first; block < end && lists_is_open(l, block); block++)
        lists_close(l, block);
    uint32_t from = begin_below(l, r, first);
    uint32_t to = end_above(l, r, end);
    if (from < first && to > end)
        extents_remove(l, end);
    if (from < first)
        become(l, from, from, to - from);
    else if (to > end)
        become(l, end, from, to - from);
    else
        extents_insert(l, from, to - from);
}

void extents_shorten(struct lists *l, uint32_t first)
{
    uint32_t length = l->summaries[first].length;
    if (length == 1)
        extents_remove(l, first);
    else
        become(l, first, first + 1, length - 1);
}

uint32_t extents_smallest(const struct lists *l)
{
    unsigned bin = bins_next(&l->extents, EXTENT_BINS, 1);
    return bin < EXTENT_BINS ? l->extents.head[bin] : BLOCK_NONE;
}

void extents_cut(struct lists *l, uint32_t first, uint32_t at, uint32_t count)
{
    uint32_t end = first + l->summaries[first].length;
    extents_remove(l, first);
    if (at > first)
        extents_insert(l, first, at - first);
    if (at + count < end)
        extents_insert(l, at + count, end - at - count);
}

void extents_open(struct lists *l, uint32_t first, uint32_t at, uint32_t count,
                  enum block_class class)
{
    uint32_t frame = (uint32_t)(lists_page(l, (struct place){at, 0}) >> BLOCK_SHIFT);
    extents_cut(l, first, at, count);
    for (uint32_t i = 0; i < count; i++)
        lists_open(l, at + i, frame + i, class, PAGE_FREE);
}

/* Free and withheld extents may lie side by side, so between the last open block below and `block`
 * there may be several. */
uint32_t extents_first(const struct lists *l, const struct region *r, uint32_t block)
{
    uint32_t first = lists_closed_from(l, r, block);
    while (first + l->summaries[first].length <= block)
        first += l->summaries[first].length;
    return first;
}

/* Does the extent have `count` blocks at a multiple of `align`? Then they can begin at `*at`. */
static bool fits(const struct lists *l, uint32_t first, uint32_t count, uint32_t align,
                 uint32_t *at)
{
    uint32_t length = l->summaries[first].length;
    uint32_t skip = 0;
    if (align > 1) {
        uint64_t frame = lists_page(l, (struct place){first, 0}) >> BLOCK_SHIFT;
        skip = (uint32_t)(hal_align_up(frame, align) - frame);
    }
    *at = first + skip;
    return length >= count && length - count >= skip;
}

#define EXTENT_TRIES 64 /* extents that are looked at in all */

bool extents_find(const struct lists *l, uint32_t count, uint32_t align, uint32_t *first,
                  uint32_t *at)
{
    unsigned tries = EXTENT_TRIES;
    unsigned bin = bins_next(&l->extents, EXTENT_BINS, extents_bin(count));
    for (; bin < EXTENT_BINS && tries > 0; bin = bins_next(&l->extents, EXTENT_BINS, bin + 1)) {
        uint32_t e = l->extents.head[bin];
        for (; e != BLOCK_NONE && tries > 0; e = l->summaries[e].next, tries--) {
            if (fits(l, e, count, align, at)) {
                *first = e;
                return true;
            }
        }
    }
    return false;
}
