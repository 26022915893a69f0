/* mm/block.h: the state of each page of one block (512 pages, 2 MiB-aligned), two bits a page.
 * mm/runs.h has what is asked of runs of pages.
 *
 * The two bits of a page lie in two planes, which are named after who may write them:
 *
 *   private  In a block that a CPU owns, that CPU writes this plane, with plain stores and without
 *            a lock. Nobody else does.
 *   shared   Everybody else holds the zone's lock and writes this plane.
 *
 * A block without an owner is written under the zone's lock, both planes. So neither writer needs a
 * locked instruction, neither can lose the other's write, and every misuse is still seen exactly
 * but for one: when the owner and another CPU give back a page at the very same time, neither sees
 * the other. The pair of bits that they leave is found later (B3).
 * What a pair of bits says depends on whether the block has an owner:
 *
 *   private shared   in a block without an owner         in a block that a CPU owns
 *      1      1      PAGE_HEAD: first page of a run      PAGE_HEAD: a page in use
 *      0      0      PAGE_INTERIOR: later page of a run  given back twice: by the owner and by
 *                                                        another CPU at the same time (B3)
 *      1      0      PAGE_FREE: free                     PAGE_RETURNED: free, given back here by
 *                                                        another CPU
 *      0      1      PAGE_WITHHELD: memory that the      PAGE_PARKED: free, and the owner may take
 *                    firmware still uses; or             it without asking
 *                    PAGE_PARKED (B4)
 *
 * The life of a page. Each arrow is one write; beside it stands what is written, and by whom:
 *
 *     no owner, zone locked                     owned by a CPU
 *
 *     WITHHELD                                  PARKED ---- takes: private = 1 ----> HEAD
 *        |                                         ^                    (owner)        | | ^
 *        | reclaim: both                           |                                   | | |
 *        v                                         +------- gives: private = 0 --------+ | |
 *      FREE ---- take: shared = 1 ----> HEAD                            (owner)          | |
 *       | ^ ^                            |                                               | |
 *       | | +----- give: shared = 0 -----+      RETURNED <-- gives: shared = 0 ----------+ |
 *       | |                                         |           (others, zone locked)      |
 *       | +-- give: private = 1 ---+                +------- takes: shared = 1 ------------+
 *       +---- take: private = 0 --> INTERIOR                    (anybody, zone locked)
 *
 * When a CPU becomes the owner, FREE pages become PARKED. When the block has no owner any more,
 * PARKED pages become FREE, and RETURNED pages are FREE as they stand. Both under the zone's lock.
 *
 * A block of zeroes has nothing to offer: no page of it is FREE or PARKED, and none can be given.
 *
 * Invariants:
 *   B1  a PAGE_INTERIOR page follows a PAGE_HEAD or a PAGE_INTERIOR page, in this block or at the
 *       end of the block before, or a PAGE_PARKED page (B4)
 *   B2  an owned block has single pages only: each PAGE_HEAD is a whole run. Its owner takes
 *       PAGE_PARKED pages, anybody takes PAGE_RETURNED ones under the lock, one at a time
 *   B3  a page that the owner and another CPU have both given back has no bit. It is neither
 *       PAGE_PARKED nor PAGE_RETURNED, so nobody but the owner can take it. block_take_parked()
 *       tells the owner then, and block_has_interior() tells when the block goes back
 *   B4  in a block without an owner of which nothing is withheld, PAGE_PARKED is the first page of a
 *       run that a CPU has in its stash (mm/stash.h); the PAGE_INTERIOR pages behind it belong to it. The
 *       CPU may have it in use meanwhile (mm/own_run.h)
 *
 * Words are read and written with relaxed atomic operations (plain moves on every machine we know).
 * Page indices are 0 to 511, ranges half-open. Nothing here takes a lock. Costs are O(1): at most
 * eight words are looked at, a few times each.
 */
#ifndef MORTISE_MM_BLOCK_H
#define MORTISE_MM_BLOCK_H

#include "bits.h"

#define BLOCK_SHIFT 9u
#define BLOCK_PAGES 512u
#define BLOCK_WORDS 8u

/* The bit of `private` is worth 2, that of `shared` 1. */
enum page_state {
    PAGE_INTERIOR = 0,
    PAGE_WITHHELD = 1, /* no owner */
    PAGE_PARKED = 1,   /* owned */
    PAGE_FREE = 2,     /* no owner */
    PAGE_RETURNED = 2, /* owned */
    PAGE_HEAD = 3
};

/* 64 pages; side by side, so that both bits of a page lie in one cache line. */
struct page_bits {
    uint64_t private;
    uint64_t shared;
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

#define ALL_ONES (~(uint64_t)0)

/* The PAGE_FREE pages of word `i` of a block without an owner, one bit each. */
static inline uint64_t block_free_word(const struct block_bits *b, unsigned i)
{
    return bits_load(&b->word[i].private) & ~bits_load(&b->word[i].shared);
}

/* The pages of word `word` that lie in [lo, hi), which reaches into it. */
static inline uint64_t word_mask(unsigned word, unsigned lo, unsigned hi)
{
    unsigned first = word * 64;
    uint64_t mask = ALL_ONES;
    if (lo > first)
        mask &= ALL_ONES << (lo - first);
    if (hi < first + 64)
        mask &= ALL_ONES >> (first + 64 - hi);
    return mask;
}

/* State of page `index`. */
static inline enum page_state block_state(const struct block_bits *b, unsigned index)
{
    const struct page_bits *w = &b->word[index / 64];
    uint64_t private = bits_load(&w->private) >> (index % 64) & 1;
    uint64_t shared = bits_load(&w->shared) >> (index % 64) & 1;
    return (enum page_state)(private << 1 | shared);
}

/* --- one page; zone locked --- */

/* PAGE_INTERIOR becomes PAGE_HEAD. */
static inline void block_set_head(struct block_bits *b, unsigned index)
{
    struct page_bits *w = &b->word[index / 64];
    bits_store(&w->private, bits_load(&w->private) | (uint64_t)1 << (index % 64));
    bits_store(&w->shared, bits_load(&w->shared) | (uint64_t)1 << (index % 64));
}

/* PAGE_FREE, or in an owned block PAGE_RETURNED, becomes PAGE_HEAD, a run of one page. */
static inline void block_take_page(struct block_bits *b, unsigned index)
{
    uint64_t *word = &b->word[index / 64].shared;
    bits_store(word, bits_load(word) | (uint64_t)1 << (index % 64));
}

/* PAGE_HEAD becomes PAGE_RETURNED, in a block that another CPU owns; the page by its bit. False, and
 * nothing is changed, when the page is in another state. */
static inline bool block_return(struct page_bits *w, uint64_t page)
{
    if ((bits_load(&w->private) & bits_load(&w->shared) & page) == 0)
        return false;
    bits_store(&w->shared, bits_load(&w->shared) & ~page);
    return true;
}

/* --- one page of a block that this CPU owns, by its bit; interrupts disabled, no lock --- */

/* PAGE_PARKED becomes PAGE_HEAD. False: somebody has cleared its bit in `shared`. */
static inline bool block_take_parked(struct page_bits *w, uint64_t page)
{
    bits_store(&w->private, bits_load(&w->private) | page);
    return (bits_load(&w->shared) & page) != 0;
}

/* PAGE_HEAD becomes PAGE_PARKED. False, and nothing is changed, when the page is in another
 * state. */
static inline bool block_park(struct page_bits *w, uint64_t page)
{
    if (__builtin_expect((bits_load(&w->private) & bits_load(&w->shared) & page) == 0, 0))
        return false;
    bits_store(&w->private, bits_load(&w->private) & ~page);
    return true;
}

/* The PAGE_PARKED pages of a word, one bit each. */
static inline uint64_t block_parked(const struct page_bits *w)
{
    return bits_load(&w->shared) & ~bits_load(&w->private);
}

/* --- a whole block; zone locked --- */

/* Is any page PAGE_PARKED? */
static inline bool block_has_parked(const struct block_bits *b)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        any |= block_parked(&b->word[i]);
    return any != 0;
}

/* The block gets an owner: every PAGE_FREE page becomes PAGE_PARKED. */
void block_own(struct block_bits *);

/* The block has no owner any more: every PAGE_PARKED page becomes PAGE_FREE, like the PAGE_RETURNED
 * ones. */
void block_disown(struct block_bits *);

/* Is any page PAGE_INTERIOR? */
bool block_has_interior(const struct block_bits *);

/* Is any page neither PAGE_HEAD nor PAGE_FREE? */
bool block_has_others(const struct block_bits *);

/* How many pages are in one state. */
unsigned block_count(const struct block_bits *, enum page_state);

/* Which words have PAGE_FREE pages, a bit each. */
uint8_t block_words(const struct block_bits *);

/* Length of the longest run of PAGE_FREE pages of a block without an owner, 0 to 512. `at_most`: what the
 * caller knows it cannot exceed, no more than the block has free pages; the search stops there. */
unsigned block_longest(const struct block_bits *, unsigned at_most);

/* --- what the pages are; zone locked --- */

/* The first index at or after `from` (0 to 512) whose page is of another kind than one in `state`,
 * or BLOCK_PAGES. Pages in use (PAGE_HEAD and PAGE_INTERIOR) are of one kind; the other two states
 * are a kind each. */
unsigned block_kind_end(const struct block_bits *, unsigned from, enum page_state);

/* --- ranges of pages; zone locked --- */

/* Set the pages [lo, hi), or all pages, of a block without an owner to `state`. */
void block_set(struct block_bits *, unsigned lo, unsigned hi, enum page_state state);
void block_fill(struct block_bits *, enum page_state state);

#endif
