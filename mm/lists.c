#include "lists.h"

_Static_assert(RUN_BINS % 64 == 0 && EXTENT_BINS % 64 == 0 && EXTENT_BINS <= RUN_BINS,
               "bins_next() looks at whole words, and one mask serves both kinds of bins");

#define GROUP_BLOCKS (1u << GROUP_SHIFT)
#define GROUP_WORDS  (GROUP_BLOCKS / 64)
#define MANY_BLOCKS  1024u /* 2 GiB: from here on a list for each length up to 127 */

/* --- tables --- */

/* The heads of all lists stand in one array: those of each class, then those of the extents. */
static void set_heads(struct lists *l, uint32_t *heads, size_t of_class)
{
    size_t count = CLASS_COUNT * of_class + EXTENT_BINS;
    for (size_t i = 0; i < count; i++)
        heads[i] = BLOCK_NONE;
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        l->runs[class].head = &heads[class * of_class];
    l->extents.head = &heads[CLASS_COUNT * of_class];
}

/* Only what must be true from the start is written: open_valid, and the heads of the lists. A small
 * zone has fewer lists, for its tables shall be small too. */
void lists_carve(struct lists *l, struct carver *c, uint64_t blocks)
{
    size_t groups = (size_t)((blocks + GROUP_BLOCKS - 1) / GROUP_BLOCKS);
    size_t valid_words = (groups + 63) / 64;
    uint32_t exact_bins = blocks >= MANY_BLOCKS ? RUN_BINS - RUN_BINS_ABOVE : 64;
    size_t of_class = exact_bins + RUN_BINS_ABOVE;
    struct block_bits *bits = carve(c, blocks * sizeof *bits);
    struct summary *summaries = carve(c, blocks * sizeof *summaries);
    uint64_t *open = carve(c, groups * (GROUP_BLOCKS / 8));
    uint64_t *valid = carve(c, valid_words * sizeof *valid);
    uint32_t *heads = carve(c, (CLASS_COUNT * of_class + EXTENT_BINS) * sizeof *heads);
    if (heads == NULL)
        return;
    *l = (struct lists){.bits = bits,
                        .summaries = summaries,
                        .open = open,
                        .open_valid = valid,
                        .blocks = (uint32_t)blocks,
                        .exact_bins = exact_bins};
    for (size_t i = 0; i < valid_words; i++)
        valid[i] = 0;
    set_heads(l, heads, of_class);
}

/* --- blocks --- */

/* The first open block of a group makes the bits of the whole group true. */
static void set_open(struct lists *l, uint32_t block)
{
    uint32_t group = block >> GROUP_SHIFT;
    uint64_t *words = &l->open[(uint64_t)group * GROUP_WORDS];
    if ((l->open_valid[group / 64] >> (group % 64) & 1) == 0) {
        for (unsigned i = 0; i < GROUP_WORDS; i++)
            words[i] = 0;
        l->open_valid[group / 64] |= (uint64_t)1 << (group % 64);
    }
    l->open[block / 64] |= (uint64_t)1 << (block % 64);
}

void lists_close(struct lists *l, uint32_t block)
{
    l->open[block / 64] &= ~((uint64_t)1 << (block % 64));
}

void lists_open(struct lists *l, uint32_t block, uint32_t frame, enum block_class class,
                enum page_state state)
{
    struct summary *s = &l->summaries[block];
    set_open(l, block);
    s->frame = frame;
    s->free = state == PAGE_FREE ? BLOCK_PAGES : 0;
    s->longest = 0;
    s->owner = 0;
    s->words = state == PAGE_FREE ? UINT8_MAX : 0;
    s->class = class & 3;
    s->withheld = state == PAGE_WITHHELD;
    block_fill(&l->bits[block], state);
}

/* Downwards from `block`, all of a word at once, or of a group that was never opened; all blocks
 * from `at` up to it are closed. */
uint32_t lists_closed_from(const struct lists *l, const struct region *r, uint32_t block)
{
    uint32_t at = block;
    while (at > r->first_block) {
        uint32_t group = (at - 1) >> GROUP_SHIFT;
        uint32_t word = (at - 1) / 64;
        if ((l->open_valid[group / 64] >> (group % 64) & 1) == 0) {
            at = group << GROUP_SHIFT;
            continue;
        }
        uint64_t below = l->open[word] << (63 - (at - 1) % 64);
        if (below != 0) {
            at -= bits_clz(below);
            break;
        }
        at = word * 64;
    }
    return at > r->first_block ? at : r->first_block;
}

/* --- partly used blocks --- */

#define LIST_TRIES  4  /* blocks of one list in which a place is searched for */
#define TOTAL_TRIES 64 /* the same in all lists */

/* A block that is tried has the length, so only the alignment can make it fail. */
static uint32_t find_in_list(const struct lists *l, uint32_t block, unsigned pages,
                             unsigned align_shift, unsigned *total, struct block_fit *fit)
{
    unsigned tries = LIST_TRIES;
    for (unsigned looks = LIST_LOOKS; block != BLOCK_NONE && looks > 0 && tries > 0 && *total > 0;
         block = l->summaries[block].next, looks--) {
        if (l->summaries[block].longest < pages)
            continue;
        *fit = lists_fit(l, block, pages, align_shift);
        if (fit->index < BLOCK_PAGES)
            return block;
        tries--;
        --*total;
    }
    return BLOCK_NONE;
}

uint32_t lists_find(const struct lists *l, enum block_class class, unsigned pages,
                    unsigned align_shift, struct block_fit *fit)
{
    const struct bins *bins = &l->runs[class];
    unsigned total = TOTAL_TRIES;
    uint32_t block = BLOCK_NONE;
    unsigned bin = bins_next(bins, RUN_BINS, lists_run_bin(l, pages));
    for (; bin < RUN_BINS && total > 0 && block == BLOCK_NONE;
         bin = bins_next(bins, RUN_BINS, bin + 1))
        block = find_in_list(l, bins->head[bin], pages, align_shift, &total, fit);
    return block;
}
