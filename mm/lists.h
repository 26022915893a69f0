/* mm/lists.h: the blocks of one zone, and the lists in which those with free pages are found.
 *
 * A block is in one of two conditions:
 *
 *   open    Its bits and its summary are true.
 *   closed  It lies in an extent, a run of blocks that are wholly free or wholly withheld
 *           (mm/extents.h). Its bits were perhaps never written, and of the summaries only those of
 *           the extent's first and last block mean something. So creation costs O(regions).
 *
 * Which of them, says a bit a block, `open`. 512 of these bits are themselves true only when their
 * bit in `open_valid` is set; until then all 512 blocks are closed.
 *
 * An open block without an owner that has free pages is partly used: it is in the list for its
 * class and its longest free run. Every other open block (full, or owned by a CPU) is in no list. A
 * free extent is in the list for its length; a withheld one is in none.
 *
 * The lists of one kind are `bins`: a list for each length or small range of lengths, and a mask
 * that says which of them have a block. The lists are doubly linked through the summaries.
 *
 * Blocks are numbered as mm/region.h says. Every function wants the zone's lock held. Costs are
 * O(1) unless said.
 */
#ifndef MORTISE_MM_LISTS_H
#define MORTISE_MM_LISTS_H

#include "carver.h"
#include "region.h"
#include "runs.h"

#define BLOCK_NONE UINT32_MAX

/* Blocks are kept apart by what lives in them: long-lived pages do not pin blocks that others could
 * have whole, and blocks of single pages can be owned. */
enum block_class { CLASS_RUNS, CLASS_PAGES, CLASS_KERNEL_RUNS, CLASS_KERNEL_PAGES, CLASS_COUNT };

struct summary {
    uint32_t prev, next; /* neighbours in its list, or BLOCK_NONE */
    union {
        uint32_t length; /* closed, first and last of an extent: its blocks */
        uint32_t frame;  /* open: physical block number, address / 2 MiB */
    };
    uint16_t free;        /* open, no owner: PAGE_FREE pages */
    uint16_t longest;     /* open: the run whose list it is in, or 0 when it is in none */
    uint16_t owner;       /* open: 0, or 1 + the CPU that owns it, UINT16_MAX for all beyond */
    uint8_t words;        /* open, no owner: a bit for each word that has PAGE_FREE pages */
    uint8_t class : 2;    /* open: enum block_class */
    uint8_t withheld : 1; /* open: has PAGE_WITHHELD pages; closed: lies in a withheld extent */
};
_Static_assert(sizeof(struct summary) == 20, "20 bytes a block: 2.3 bits a page in all");
_Static_assert(CLASS_COUNT <= 4, "a class has two bits");

/* Bins of runs: one for each length below `exact_bins`, then one for every 7 lengths. */
#define RUN_BINS       192u /* at most */
#define RUN_BINS_ABOVE 64u  /* of them, for lengths from `exact_bins` on */
#define EXTENT_BINS    128u

struct bins {
    uint64_t mask[RUN_BINS / 64]; /* which lists have a block */
    uint32_t *head;               /* the first block of each, or BLOCK_NONE */
};

struct lists {
    struct block_bits *bits;   /* by block */
    struct summary *summaries; /* by block */
    uint64_t *open;
    uint64_t *open_valid;
    const struct region *regions; /* the zone's, by address */
    uint32_t region_count;
    uint32_t blocks;
    uint32_t exact_bins; /* 64, or 128 in a zone of 1024 blocks (2 GiB) or more */
    struct bins runs[CLASS_COUNT];
    struct bins extents;
};

/* Tables for that many blocks, all of them closed and in no list; `l` is not written while `c`
 * measures. The caller sets the regions. O(blocks / 32768). */
void lists_carve(struct lists *l, struct carver *c, uint64_t blocks);

/* --- blocks --- */

#define GROUP_SHIFT 9u /* open bits that share one bit of open_valid */

static inline bool lists_is_open(const struct lists *l, uint32_t block)
{
    uint32_t group = block >> GROUP_SHIFT;
    if ((l->open_valid[group / 64] >> (group % 64) & 1) == 0)
        return false;
    return (l->open[block / 64] >> (block % 64) & 1) != 0;
}

/* A closed block becomes open, with all its pages in `state`; it is in no list yet. */
void lists_open(struct lists *, uint32_t block, uint32_t frame, enum block_class,
                enum page_state state);

/* An open block that is in no list becomes closed. */
void lists_close(struct lists *, uint32_t block);

/* The first block that follows: the next one, or the one behind the extent that begins here. */
static inline uint32_t lists_next(const struct lists *l, uint32_t block)
{
    return lists_is_open(l, block) ? block + 1 : block + l->summaries[block].length;
}

/* The first of the closed blocks that lie in a row up to the closed `block`, within its region.
 * O(blocks in the row / 64). */
uint32_t lists_closed_from(const struct lists *, const struct region *, uint32_t block);

/* The region that holds a block. O(log regions). */
static inline const struct region *lists_region(const struct lists *l, uint32_t block)
{
    return region_of_block(l->regions, l->region_count, block);
}

/* The page number of a place. O(log regions). */
static inline uint64_t lists_page(const struct lists *l, struct place at)
{
    return region_page(lists_region(l, at.block), at);
}

/* The same in an open block, from its summary. O(1). */
static inline uint64_t lists_open_page(const struct lists *l, struct place at)
{
    return (uint64_t)l->summaries[at.block].frame * BLOCK_PAGES + at.index;
}

/* --- bins --- */

/* The first list at or after `from` that has a block, or `bins`. Multiples of 64, at most 192. */
static inline unsigned bins_next(const struct bins *b, unsigned bins, unsigned from)
{
    uint64_t wanted = ~(uint64_t)0 << (from % 64);
    for (unsigned i = from / 64; i < bins / 64; i++) {
        if ((b->mask[i] & wanted) != 0)
            return i * 64 + bits_ctz(b->mask[i] & wanted);
        wanted = ~(uint64_t)0;
    }
    return bins;
}

/* Make a block the first of a list. */
static inline void bins_push(struct lists *l, struct bins *b, unsigned bin, uint32_t block)
{
    struct summary *s = &l->summaries[block];
    uint32_t next = b->head[bin];
    s->prev = BLOCK_NONE;
    s->next = next;
    b->head[bin] = block;
    if (next != BLOCK_NONE)
        l->summaries[next].prev = block;
    else
        b->mask[bin / 64] |= (uint64_t)1 << (bin % 64);
}

/* Take it out again. */
static inline void bins_remove(struct lists *l, struct bins *b, unsigned bin, uint32_t block)
{
    uint32_t prev = l->summaries[block].prev;
    uint32_t next = l->summaries[block].next;
    if (next != BLOCK_NONE)
        l->summaries[next].prev = prev;
    if (prev != BLOCK_NONE) {
        l->summaries[prev].next = next;
        return;
    }
    b->head[bin] = next;
    if (next == BLOCK_NONE)
        b->mask[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

/* Give a block the place in its list that another one has, or keep its own. */
static inline void bins_replace(struct lists *l, struct bins *b, unsigned bin, uint32_t from,
                                uint32_t to)
{
    struct summary *s = &l->summaries[to];
    s->prev = l->summaries[from].prev;
    s->next = l->summaries[from].next;
    if (s->next != BLOCK_NONE)
        l->summaries[s->next].prev = to;
    if (s->prev != BLOCK_NONE)
        l->summaries[s->prev].next = to;
    else
        b->head[bin] = to;
}

/* --- partly used blocks, by class and longest free run --- */

#define LIST_LOOKS 32 /* blocks of one list that are looked at */

/* The list for a longest free run of 0 to 511 pages. */
static inline unsigned lists_run_bin(const struct lists *l, unsigned longest)
{
    unsigned exact = l->exact_bins;
    return longest < exact ? longest : exact + (longest - exact) / 7;
}

/* Move an open block into the list for `longest` (1 to 511), or into none (0), out of the one that
 * it is in. Where the list stays the same the block keeps its place in it. */
static inline void lists_move(struct lists *l, uint32_t block, unsigned longest)
{
    struct summary *s = &l->summaries[block];
    struct bins *bins = &l->runs[s->class];
    unsigned from = lists_run_bin(l, s->longest);
    unsigned to = lists_run_bin(l, longest);
    s->longest = (uint16_t)longest;
    if (from == to)
        return;
    if (from != 0)
        bins_remove(l, bins, from, block);
    if (to != 0)
        bins_push(l, bins, to, block);
}

/* The block of the class whose longest run is the smallest of at least `pages` (1 to 511), or
 * BLOCK_NONE. Only the first list that is looked at may have blocks whose run is too short. Those
 * are passed over, but no more than LIST_LOOKS of them, so a block may be missed. */
static inline uint32_t lists_tightest(const struct lists *l, enum block_class class, unsigned pages)
{
    const struct bins *bins = &l->runs[class];
    unsigned bin = bins_next(bins, RUN_BINS, lists_run_bin(l, pages));
    for (; bin < RUN_BINS; bin = bins_next(bins, RUN_BINS, bin + 1)) {
        uint32_t block = bins->head[bin];
        for (unsigned looks = LIST_LOOKS; block != BLOCK_NONE && looks > 0; looks--) {
            if (l->summaries[block].longest >= pages)
                return block;
            block = l->summaries[block].next;
        }
    }
    return BLOCK_NONE;
}

/* Where `pages` fit in an open block whose longest run has so many, at a multiple of 1 << align_shift (0 to
 * 9) pages. */
static inline struct block_fit lists_fit(const struct lists *l, uint32_t block, unsigned pages,
                                         unsigned align_shift)
{
    const struct summary *s = &l->summaries[block];
    return block_fit(&l->bits[block], s->words, pages, align_shift, s->free, s->longest);
}

/* The same as lists_tightest() with a place for the pages at a multiple of 1 << align_shift pages. Of the
 * blocks that have no such place only the first few are looked at. */
uint32_t lists_find(const struct lists *, enum block_class, unsigned pages, unsigned align_shift,
                    struct block_fit *);

#endif
