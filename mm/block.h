/* mm/block.h: the bits of one block (512 pages, 2 MiB-aligned) and the searches in them.
 *
 * Two bits a page, kept as pairs of words so that both lie in one cache line. They are named after
 * who may write them. A block that a CPU owns (a magazine) is written by that CPU without a lock,
 * in `own` only; everybody else holds the zone's lock and then writes `zone` only. A block without
 * an owner is written, both planes, under the zone's lock.
 *
 *     own zone   state
 *      1   1     PAGE_HEAD      first page of an allocated run
 *      0   0     PAGE_INTERIOR  later page of an allocated run
 *      1   0     PAGE_FREE      free; in an owned block: returned there by somebody else
 *      0   1     PAGE_PARKED    in an owned block: free, parked with its owner;
 *                               elsewhere: withheld, not the allocator's (yet)
 *
 * So the owner takes a page by setting `own` and returns it by clearing `own`, and anybody else
 * returns a page of an owned block by flipping `zone`: neither needs a locked instruction, neither
 * can lose the other's write, and every misuse is still seen exactly. A block of zeroes has nothing
 * to offer.
 *
 * Invariants:
 *   B1  a PAGE_INTERIOR page follows a PAGE_HEAD or a PAGE_INTERIOR page, in this block or at the
 *       end of the block before
 *   B2  an owned block has single pages only: each PAGE_HEAD is a whole run, and only the owner
 *       takes pages, one at a time
 *
 * Words are read and written with relaxed atomic operations (plain moves on every machine we know).
 * Page indices are 0..511 in the block, ranges half-open. Nothing here takes a lock.
 */
#ifndef MM_BLOCK_H
#define MM_BLOCK_H

#include "hal/base.h"

#define BLOCK_SHIFT 9u
#define BLOCK_PAGES 512u
#define BLOCK_WORDS 8u

enum page_state { PAGE_INTERIOR = 0, PAGE_PARKED = 1, PAGE_FREE = 2, PAGE_HEAD = 3 };

struct page_bits {
    uint64_t own;
    uint64_t zone;
};

struct block_bits {
    struct page_bits word[BLOCK_WORDS];
};
_Static_assert(sizeof(struct block_bits) == 128, "two bits a page");

static inline uint64_t bits_load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void bits_store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* State of page `index`. */
static inline enum page_state block_state(const struct block_bits *b, unsigned index)
{
    const struct page_bits *w = &b->word[index / 64];
    uint64_t own = bits_load(&w->own) >> (index % 64) & 1;
    uint64_t zone = bits_load(&w->zone) >> (index % 64) & 1;
    return (enum page_state)(own << 1 | zone);
}

/* Write `zone` of one page: PAGE_FREE becomes PAGE_HEAD and back. Under the zone's lock. */
static inline void block_set_zone(struct block_bits *b, unsigned index, bool on)
{
    uint64_t *word = &b->word[index / 64].zone;
    uint64_t bit = (uint64_t)1 << (index % 64);
    bits_store(word, on ? bits_load(word) | bit : bits_load(word) & ~bit);
}

/* Is any page PAGE_INTERIOR? */
bool block_has_interior(const struct block_bits *);

/* How many pages are in one state. */
unsigned block_count(const struct block_bits *, enum page_state);

/* The searches below see PAGE_FREE pages; in a block that a CPU owns those are not to be had. */

/* Length of the longest free run, 0..512. `at_most`: what the caller knows it cannot exceed, no
 * more than the block has free pages; the search stops there. */
unsigned block_longest(const struct block_bits *, unsigned at_most);

/* The lowest index, a multiple of 1 << align_shift (0..9), where `n` (1..512) free pages lie
 * together, or BLOCK_PAGES. */
unsigned block_find(const struct block_bits *, unsigned n, unsigned align_shift);

/* Length of the free run around [lo, hi), whose pages are all free. */
unsigned block_run_around(const struct block_bits *, unsigned lo, unsigned hi);

/* The same around one free page. */
unsigned block_run_at(const struct block_bits *, unsigned index);

/* Free pages directly at and after `from` (0..512), and directly before `to` (0..512). */
unsigned block_free_from(const struct block_bits *, unsigned from);
unsigned block_free_before(const struct block_bits *, unsigned to);

/* First index at or after `from` (0..512) that is not PAGE_INTERIOR, or BLOCK_PAGES. */
unsigned block_run_end(const struct block_bits *, unsigned from);

/* Set the pages [lo, hi) to `state`. Under the zone's lock, block without an owner. */
void block_set(struct block_bits *, unsigned lo, unsigned hi, enum page_state state);

/* PAGE_FREE pages [lo, hi) become part of an allocated run, which begins at `lo` when `head`; and
 * back, whatever part of a run they are. Under the zone's lock, block without an owner. */
void block_take(struct block_bits *, unsigned lo, unsigned hi, bool head);
void block_give(struct block_bits *, unsigned lo, unsigned hi);

/* Flip `zone` of the pages [lo, hi): return them to a block that a CPU owns. Under the zone's lock;
 * what was written to the pages before is visible to the owner that takes them. */
void block_return(struct block_bits *, unsigned lo, unsigned hi);

#endif
