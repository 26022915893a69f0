#include "mm/zone_file.h"

_Static_assert(RUN_BINS % 64 == 0 && EXTENT_BINS % 64 == 0, "next_bin() looks at whole words");

#define GROUP_SHIFT 9u /* open bits that share one open_valid bit */

bool zone_block_is_open(const struct zone *z, uint32_t block)
{
    uint32_t group = block >> GROUP_SHIFT;
    if ((z->open_valid[group / 64] >> (group % 64) & 1) == 0)
        return false;
    return (z->open[block / 64] >> (block % 64) & 1) != 0;
}

static void set_open(struct zone *z, uint32_t block)
{
    uint32_t group = block >> GROUP_SHIFT;
    uint64_t *words = &z->open[(uint64_t)group << (GROUP_SHIFT - 6)];
    if ((z->open_valid[group / 64] >> (group % 64) & 1) == 0) {
        for (unsigned i = 0; i < 1u << (GROUP_SHIFT - 6); i++)
            words[i] = 0;
        z->open_valid[group / 64] |= (uint64_t)1 << (group % 64);
    }
    z->open[block / 64] |= (uint64_t)1 << (block % 64);
}

/* An open block becomes closed. */
static void set_closed(struct zone *z, uint32_t block)
{
    z->open[block / 64] &= ~((uint64_t)1 << (block % 64));
}

/* --- doubly linked lists of blocks, through their summaries --- */

static void list_push(struct zone *z, uint32_t *head, uint32_t block)
{
    struct summary *s = &z->summaries[block];
    s->prev = BLOCK_NONE;
    s->next = *head;
    if (s->next != BLOCK_NONE)
        z->summaries[s->next].prev = block;
    *head = block;
}

static void list_remove(struct zone *z, uint32_t *head, uint32_t block)
{
    const struct summary *s = &z->summaries[block];
    if (s->prev != BLOCK_NONE)
        z->summaries[s->prev].next = s->next;
    else
        *head = s->next;
    if (s->next != BLOCK_NONE)
        z->summaries[s->next].prev = s->prev;
}

/* --- partly used blocks, by longest run --- */

unsigned run_bin_of(const struct zone *z, unsigned longest)
{
    unsigned exact = z->exact_bins;
    return longest < exact ? longest : exact + (longest - exact) / 7;
}

/* The first non-empty list of `bins` at or after `from`, or `bins`. */
static inline unsigned next_bin(const uint64_t *mask, unsigned bins, unsigned from)
{
    uint64_t wanted = ~(uint64_t)0 << (from % 64);
    for (unsigned i = from / 64; i < bins / 64; i++) {
        if ((mask[i] & wanted) != 0)
            return i * 64 + (unsigned)__builtin_ctzll(mask[i] & wanted);
        wanted = ~(uint64_t)0;
    }
    return bins;
}

unsigned run_bin_next(const struct run_bins *bins, unsigned from)
{
    return next_bin(bins->mask, RUN_BINS, from);
}

void run_bin_add(struct zone *z, uint32_t block, unsigned longest)
{
    struct summary *s = &z->summaries[block];
    struct run_bins *bins = &z->bins[s->class];
    unsigned bin = run_bin_of(z, longest);
    s->longest = (uint16_t)longest;
    list_push(z, &bins->head[bin], block);
    bins->mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

void run_bin_remove(struct zone *z, uint32_t block)
{
    struct summary *s = &z->summaries[block];
    struct run_bins *bins = &z->bins[s->class];
    unsigned bin = run_bin_of(z, s->longest);
    list_remove(z, &bins->head[bin], block);
    s->longest = 0;
    if (bins->head[bin] == BLOCK_NONE)
        bins->mask[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

/* --- extents, by length: exact below 8 blocks, then four bins an octave --- */

unsigned extent_bin_of(uint32_t length)
{
    if (length < 8)
        return length;
    unsigned top = 31u - (unsigned)__builtin_clz(length);
    return 8 + (top - 3) * 4 + (length >> (top - 2) & 3);
}

static void set_tags(struct zone *z, uint32_t first, uint32_t length, bool withheld)
{
    struct summary *head = &z->summaries[first];
    struct summary *tail = &z->summaries[first + length - 1];
    head->length = tail->length = length;
    head->withheld = tail->withheld = withheld;
}

void extent_file(struct zone *z, uint32_t first, uint32_t length)
{
    unsigned bin = extent_bin_of(length);
    set_tags(z, first, length, false);
    list_push(z, &z->extents.head[bin], first);
    z->extents.mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

static void extent_unfile(struct zone *z, uint32_t first)
{
    unsigned bin = extent_bin_of(z->summaries[first].length);
    list_remove(z, &z->extents.head[bin], first);
    if (z->extents.head[bin] == BLOCK_NONE)
        z->extents.mask[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

void extent_withhold(struct zone *z, uint32_t first, uint32_t length)
{
    set_tags(z, first, length, true);
}

static bool is_free_extent(const struct zone *z, uint32_t block)
{
    return !zone_block_is_open(z, block) && z->summaries[block].withheld == 0;
}

void extent_add(struct zone *z, const struct region *r, uint32_t first, uint32_t length)
{
    uint32_t end = first + length;
    for (uint32_t block = first; block < end && zone_block_is_open(z, block); block++)
        set_closed(z, block);
    if (first > r->first_block && is_free_extent(z, first - 1)) {
        first -= z->summaries[first - 1].length;
        extent_unfile(z, first);
    }
    if (end < r->first_block + r->blocks && is_free_extent(z, end)) {
        uint32_t right = z->summaries[end].length;
        extent_unfile(z, end);
        end += right;
    }
    extent_file(z, first, end - first);
}

void block_open(struct zone *z, uint32_t block, uint32_t frame, enum block_class class,
                enum page_state state)
{
    struct summary *s = &z->summaries[block];
    set_open(z, block);
    s->frame = frame;
    s->free = state == PAGE_FREE ? BLOCK_PAGES : 0;
    s->longest = 0;
    s->owner = 0;
    s->class = (uint8_t) class;
    s->withheld = state == PAGE_PARKED;
    block_set(&z->bits[block], 0, BLOCK_PAGES, state);
}

void extent_open(struct zone *z, uint32_t first, uint32_t at, uint32_t count,
                 enum block_class class)
{
    uint32_t end = first + z->summaries[first].length;
    uint32_t frame = (uint32_t)(zone_page_of(z, (struct place){at, 0}) >> BLOCK_SHIFT);
    extent_unfile(z, first);
    for (uint32_t i = 0; i < count; i++)
        block_open(z, at + i, frame + i, class, PAGE_FREE);
    if (at > first)
        extent_file(z, first, at - first);
    if (at + count < end)
        extent_file(z, at + count, end - at - count);
}

/* The last open block before `block`, or the region's start - 1. */
static uint32_t last_open_before(const struct zone *z, const struct region *r, uint32_t block)
{
    uint32_t at = block;
    while (at > r->first_block) {
        uint32_t group = (at - 1) >> GROUP_SHIFT;
        uint32_t word = (at - 1) / 64;
        if ((z->open_valid[group / 64] >> (group % 64) & 1) == 0) {
            at = group << GROUP_SHIFT;
            continue;
        }
        uint64_t before = z->open[word] << (63 - (at - 1) % 64);
        if (before != 0) {
            at -= (uint32_t)__builtin_clzll(before);
            break;
        }
        at = word * 64;
    }
    return at > r->first_block ? at - 1 : r->first_block - 1;
}

uint32_t extent_first(const struct zone *z, const struct region *r, uint32_t block)
{
    uint32_t first = last_open_before(z, r, block) + 1;
    while (first + z->summaries[first].length <= block)
        first += z->summaries[first].length;
    return first;
}

/* Does the extent have `count` blocks at a multiple of `align`? */
static bool extent_fits(const struct zone *z, uint32_t first, uint32_t count, uint32_t align,
                        uint32_t *at)
{
    uint32_t length = z->summaries[first].length;
    uint32_t skip = 0;
    if (align > 1) {
        uint64_t frame = zone_page_of(z, (struct place){first, 0}) >> BLOCK_SHIFT;
        skip = (uint32_t)(align_up(frame, align) - frame);
    }
    *at = first + skip;
    return length >= count && length - count >= skip;
}

#define EXTENT_TRIES 64

bool extent_find(const struct zone *z, uint32_t count, uint32_t align, uint32_t *first,
                 uint32_t *at)
{
    unsigned tries = EXTENT_TRIES;
    unsigned bin = next_bin(z->extents.mask, EXTENT_BINS, extent_bin_of(count));
    for (; bin < EXTENT_BINS && tries > 0; bin = next_bin(z->extents.mask, EXTENT_BINS, bin + 1)) {
        uint32_t e = z->extents.head[bin];
        for (; e != BLOCK_NONE && tries > 0; e = z->summaries[e].next, tries--) {
            if (extent_fits(z, e, count, align, at)) {
                *first = e;
                return true;
            }
        }
    }
    return false;
}
