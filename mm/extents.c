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

/* Of a block beside an extent, which is open or is itself the end of an extent. */
static bool is_free_extent(const struct lists *l, uint32_t block)
{
    return !lists_is_open(l, block) && l->summaries[block].withheld == 0;
}

/* The neighbour below is known by its last tag, the one above by its first. */
void extents_add(struct lists *l, const struct region *r, uint32_t first, uint32_t length)
{
    uint32_t end = first + length;
    for (uint32_t block = first; block < end && lists_is_open(l, block); block++)
        lists_close(l, block);
    if (first > r->first_block && is_free_extent(l, first - 1)) {
        first -= l->summaries[first - 1].length;
        extents_remove(l, first);
    }
    if (end < r->first_block + r->blocks && is_free_extent(l, end)) {
        uint32_t above = l->summaries[end].length;
        extents_remove(l, end);
        end += above;
    }
    extents_insert(l, first, end - first);
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
