/* mm/runs.h: runs of pages inside one block that nobody owns: where one fits and what it leaves
 * over, how long it is, and taking it and giving it back. Part of mm/block.h, whose words it uses.
 *
 * Nearly every request for a run, and every free that does not go to a CPU's magazine, comes
 * through here while the zone's lock is held: so all of it is inline. It goes run by run, for a
 * block has few free runs (2.7 in a memory that is in long use), and most words have none.
 *
 * Costs are O(1): each of the eight words is looked at a few times.
 */
#ifndef MORTISE_MM_RUNS_H
#define MORTISE_MM_RUNS_H

#include "block.h"

/* --- free pages --- */

/* Free pages directly at and after `from` (0 to 512). */
static inline unsigned block_free_from(const struct block_bits *b, unsigned from)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        uint64_t other = ~block_free_word(b, at / 64) >> (at % 64);
        if (other != 0)
            return at + bits_ctz(other) - from;
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES - from;
}

/* Free pages directly before `to` (0 to 512); `end` is how far down all is free. */
static inline unsigned block_free_before(const struct block_bits *b, unsigned to)
{
    unsigned end = to;
    for (unsigned i = (to + 63) / 64; i-- > 0;) {
        uint64_t other = ~block_free_word(b, i) << (i * 64 + 64 - end);
        if (other != 0)
            return to - end + bits_clz(other);
        end = i * 64;
    }
    return to;
}

/* The first free page; `words`, not 0: which words have any. */
static inline unsigned block_first_free(const struct block_bits *b, unsigned words)
{
    unsigned i = bits_ctz(words);
    return i * 64 + bits_ctz(block_free_word(b, i));
}

/* The first free page behind `page` (0 to 511), or BLOCK_PAGES. */
static inline unsigned block_next_free(const struct block_bits *b, unsigned words, unsigned page)
{
    unsigned i = page / 64;
    uint64_t free = block_free_word(b, i) & (ALL_ONES - 1) << (page % 64);
    if (free != 0)
        return i * 64 + bits_ctz(free);
    words &= 0xfeu << i;
    return words != 0 ? block_first_free(b, words) : BLOCK_PAGES;
}

/* Length of the free run around [lo, hi), whose pages are all free, and at least one. The nearest
 * used pages on either side bound it. Both lie in the words of its ends nearly always; when one
 * does not, the run goes on in the next word, and is measured the long way. */
static inline unsigned block_run_around(const struct block_bits *b, unsigned lo, unsigned hi)
{
    uint64_t below = ~block_free_word(b, lo / 64) << (63 - lo % 64);
    uint64_t above = ~block_free_word(b, (hi - 1) / 64) >> ((hi - 1) % 64);
    if (below == 0 || above == 0)
        return block_free_before(b, lo) + (hi - lo) + block_free_from(b, hi);
    return bits_clz(below) + (hi - lo) + bits_ctz(above) - 2;
}

/* --- where a run goes --- */

struct block_fit {
    unsigned index;   /* where the pages are taken, or BLOCK_PAGES: nowhere */
    unsigned longest; /* the longest free run after that */
};

/* The longest free run, when it is `best` pages up to the page before `at`, which is the last of a run, and
 * `free` pages are free behind it. No run of the block has more than `most`: the search ends at one that
 * has. */
static inline unsigned block_longest_from(const struct block_bits *b, unsigned words, unsigned at,
                                          unsigned free, unsigned best, unsigned most)
{
    while (best < free && best < most && at < BLOCK_PAGES) {
        unsigned lo = block_next_free(b, words, at - 1);
        unsigned length = block_free_from(b, lo);
        best = length > best ? length : best;
        free -= length;
        at = lo + length;
    }
    return best;
}

/* The lowest place for `n` (1 to 511) pages at a multiple of 1 << align_shift (0 to 9), in a block that
 * has `free` free pages in `words`, the longest run of them `longest`, which is at least `n`. What is left
 * of the run there competes with the others for the longest one, unless one of them was longer before. */
static inline __attribute__((always_inline)) struct block_fit
block_fit(const struct block_bits *b, unsigned words, unsigned n, unsigned align_shift,
          unsigned free, unsigned longest)
{
    unsigned below = (1u << align_shift) - 1;
    unsigned at = block_first_free(b, words);
    unsigned shorter = 0;
    if (align_shift == 0 && free == longest) /* the only run */
        return (struct block_fit){at, longest - n};
    while (at < BLOCK_PAGES) {
        unsigned length = block_free_from(b, at);
        unsigned place = (at + below) & ~below;
        free -= length;
        if (place + n <= at + length) {
            if (length < longest)
                return (struct block_fit){place, longest};
            unsigned left = at + length - place - n;
            left = place - at > left ? place - at : left;
            left = left > shorter ? left : shorter;
            return (struct block_fit){
                place, block_longest_from(b, words, at + length, free, left, longest)};
        }
        shorter = length > shorter ? length : shorter;
        at = block_next_free(b, words, at + length - 1);
    }
    return (struct block_fit){BLOCK_PAGES, longest};
}

/* --- taking and giving --- */

/* PAGE_FREE pages [lo, hi) become part of an allocated run, which begins at `lo` when `head`. Free
 * pages have no bit in `shared`, interior ones in neither plane: only a head changes `shared`, and
 * it alone keeps its bit in `private`. A bit for each word that has no free page any more. */
static inline unsigned block_take(struct block_bits *b, unsigned lo, unsigned hi, bool head)
{
    struct page_bits *w = &b->word[lo / 64];
    struct page_bits *last = &b->word[hi / 64];
    uint64_t first = (uint64_t)head << (lo % 64);
    uint64_t below = ~(ALL_ONES << (lo % 64));
    uint64_t above = ALL_ONES << (hi % 64);
    uint64_t shared = bits_load(&w->shared) | first;
    uint64_t private = bits_load(&w->private);
    bits_store(&w->shared, shared);
    if (w == last) {
        private &= below | above;
        bits_store(&w->private, private | first);
        return (unsigned)((private & ~shared) == 0) << lo / 64;
    }
    private &= below;
    bits_store(&w->private, private | first);
    unsigned empty =
        (unsigned)((private & ~shared) == 0) << lo / 64 | ((1u << hi / 64) - (2u << lo / 64));
    for (w++; w < last; w++)
        bits_store(&w->private, 0);
    if (hi % 64 != 0) {
        private = bits_load(&last->private) & above;
        bits_store(&last->private, private);
        empty |= (unsigned)((private & ~bits_load(&last->shared)) == 0) << hi / 64;
    }
    return empty;
}

/* And back, whatever part of a run they are. Page `lo` is a head or not: its bit in `shared` is
 * cleared in any case, no other has one. */
static inline void block_give(struct block_bits *b, unsigned lo, unsigned hi)
{
    struct page_bits *w = &b->word[lo / 64];
    struct page_bits *last = &b->word[hi / 64];
    uint64_t from = ALL_ONES << (lo % 64);
    uint64_t below = ~(ALL_ONES << (hi % 64));
    bits_store(&w->shared, bits_load(&w->shared) & ~((uint64_t)1 << (lo % 64)));
    if (w == last) {
        bits_store(&w->private, bits_load(&w->private) | (from & below));
        return;
    }
    bits_store(&w->private, bits_load(&w->private) | from);
    for (w++; w < last; w++)
        bits_store(&w->private, ALL_ONES);
    if (hi % 64 != 0)
        bits_store(&last->private, bits_load(&last->private) | below);
}

/* First index at or after `from` (0 to 512) that is not PAGE_INTERIOR, or BLOCK_PAGES. Every other
 * state has a bit set in one of the planes. */
static inline unsigned block_run_end(const struct block_bits *b, unsigned from)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        const struct page_bits *w = &b->word[at / 64];
        uint64_t other = (bits_load(&w->private) | bits_load(&w->shared)) >> (at % 64);
        if (other != 0)
            return at + bits_ctz(other);
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES;
}

/* Are [lo, hi), which end before the block does, exactly one run? */
static inline bool block_is_run(const struct block_bits *b, unsigned lo, unsigned hi)
{
    return block_state(b, lo) == PAGE_HEAD && block_run_end(b, lo + 1) == hi;
}

/* Is there a run of exactly `n` pages at `bit` of the word, and does it end before the word does? The
 * word is moved so that `bit` is its lowest: then the run is a head, n - 1 pages without a bit, and a
 * page with one. A run that ends where its word does may be one all the same. */
static inline bool word_has_run(uint64_t private, uint64_t shared, unsigned bit, size_t n)
{
    if (n - 1 >= 63 - bit) /* or no page at all */
        return false;
    uint64_t behind = (uint64_t)1 << n;
    uint64_t here = (private | shared) >> bit & (behind | (behind - 1));
    return here == (behind | 1) && ((private & shared) >> bit & 1) != 0;
}

/* A length that no run has: the run may go on in other words, and is not measured yet. */
#define RUN_GOES_ON (BLOCK_PAGES + 1)

/* Give back the run of exactly `n` pages at `lo`, in a block without an owner. `*length` is that of the
 * free run around it then, or RUN_GOES_ON. False, and nothing is changed: it is no such run, or it ends
 * where its word does and has to be looked at in another way. */
static inline bool block_give_run(struct block_bits *b, unsigned lo, size_t n, unsigned *length)
{
    struct page_bits *w = &b->word[lo / 64];
    unsigned bit = lo % 64;
    uint64_t private = bits_load(&w->private);
    uint64_t shared = bits_load(&w->shared);
    if (!word_has_run(private, shared, bit, n))
        return false;
    private |= (((uint64_t)1 << n) - 1) << bit;
    shared ^= (uint64_t)1 << bit;
    bits_store(&w->private, private);
    bits_store(&w->shared, shared);
    uint64_t below = (~private | shared) << (63 - bit);
    uint64_t above = (~private | shared) >> bit;
    *length = RUN_GOES_ON;
    if (below != 0 && above != 0)
        *length = bits_clz(below) + bits_ctz(above) - 1;
    return true;
}

/* --- runs in a CPU's stash --- */

/* The head of a run of `n` pages at `lo`, which ends before the block does, becomes PAGE_PARKED. False,
 * and nothing is changed: it is no such run. */
static inline bool block_stash(struct block_bits *b, unsigned lo, size_t n)
{
    struct page_bits *w = &b->word[lo / 64];
    uint64_t private = bits_load(&w->private);
    if (!word_has_run(private, bits_load(&w->shared), lo % 64, n) &&
        (n - 1 >= BLOCK_PAGES - 1 - lo || !block_is_run(b, lo, lo + (unsigned)n)))
        return false;
    bits_store(&w->private, private ^ (uint64_t)1 << (lo % 64));
    return true;
}

/* And back. */
static inline void block_unstash(struct block_bits *b, unsigned lo)
{
    uint64_t *private = &b->word[lo / 64].private;
    bits_store(private, bits_load(private) | (uint64_t)1 << (lo % 64));
}

#endif
