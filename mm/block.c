#include "mm/block.h"

#define ALL_ONES (~(uint64_t)0)

/* The free pages of word `i`. */
static inline uint64_t free_word(const struct block_bits *b, unsigned i)
{
    return bits_load(&b->word[i].own) & ~bits_load(&b->word[i].zone);
}

unsigned block_count(const struct block_bits *b, enum page_state state)
{
    uint64_t own_flip = (state & 2) ? 0 : ALL_ONES;
    uint64_t zone_flip = (state & 1) ? 0 : ALL_ONES;
    unsigned n = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t own = bits_load(&b->word[i].own) ^ own_flip;
        uint64_t zone = bits_load(&b->word[i].zone) ^ zone_flip;
        n += (unsigned)__builtin_popcountll(own & zone);
    }
    return n;
}

/* The starts of runs of at least `n` (1..64) ones that lie wholly in the word: and-ed with itself
 * shifted by s <= length, the starts for `length` become the starts for length + s. */
static inline uint64_t word_starts(uint64_t word, unsigned n)
{
    for (unsigned length = 1; length < n && word != 0;) {
        unsigned step = length < n - length ? length : n - length;
        word &= word >> step;
        length += step;
    }
    return word;
}

/* The longest run inside a word, if longer than `best`; `best` otherwise. */
static inline unsigned word_longest(uint64_t word, unsigned best)
{
    if (best >= 64 || word >> best == 0)
        return best;
    for (uint64_t starts = word_starts(word, best + 1); starts != 0; best++)
        starts = best + 1 < 64 ? starts & word >> (best + 1) : 0;
    return best;
}

unsigned block_longest(const struct block_bits *b, unsigned at_most)
{
    unsigned best = 0;
    unsigned carry = 0; /* free pages at the high end of what was seen */
    for (unsigned i = 0; i < BLOCK_WORDS && best < at_most; i++) {
        uint64_t word = free_word(b, i);
        if (word == ALL_ONES) {
            carry += 64;
            continue;
        }
        unsigned through = carry + (unsigned)__builtin_ctzll(~word);
        best = through > best ? through : best;
        best = word_longest(word, best);
        carry = (unsigned)__builtin_clzll(~word);
    }
    return carry > best ? carry : best;
}

/* Pages directly at and after `from` whose freeness, xor `flip`, is one. */
static unsigned alike_from(const struct block_bits *b, unsigned from, uint64_t flip)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        uint64_t other = (~free_word(b, at / 64) ^ flip) >> (at % 64);
        if (other != 0)
            return at + (unsigned)__builtin_ctzll(other) - from;
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES - from;
}

unsigned block_free_from(const struct block_bits *b, unsigned from)
{
    return alike_from(b, from, 0);
}

unsigned block_free_before(const struct block_bits *b, unsigned to)
{
    unsigned at = to;
    while (at > 0) {
        uint64_t other = ~free_word(b, (at - 1) / 64) << (63 - (at - 1) % 64);
        if (other != 0)
            return to - at + (unsigned)__builtin_clzll(other);
        at = (at - 1) / 64 * 64;
    }
    return to;
}

unsigned block_run_around(const struct block_bits *b, unsigned lo, unsigned hi)
{
    return block_free_before(b, lo) + (hi - lo) + block_free_from(b, hi);
}

/* Runs that cross words, or are longer than one: run by run. */
static unsigned find_long(const struct block_bits *b, unsigned n, unsigned align)
{
    for (unsigned at = 0; at + n <= BLOCK_PAGES;) {
        unsigned length = block_free_from(b, at);
        unsigned start = (at + align - 1) & ~(align - 1);
        if (start + n <= at + length)
            return start;
        at += length;
        at += alike_from(b, at, ALL_ONES);
    }
    return BLOCK_PAGES;
}

/* Indices of a word that are multiples of 1 << shift, shift 0..6. */
static const uint64_t aligned_bits[] = {
    0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
    0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
};

unsigned block_find(const struct block_bits *b, unsigned n, unsigned align_shift)
{
    unsigned word_step = align_shift > 6 ? 1u << (align_shift - 6) : 1;
    uint64_t aligned = aligned_bits[align_shift > 6 ? 6 : align_shift];
    for (unsigned i = 0; n <= 64 && i < BLOCK_WORDS; i += word_step) {
        uint64_t starts = word_starts(free_word(b, i), n) & aligned;
        if (starts != 0)
            return i * 64 + (unsigned)__builtin_ctzll(starts);
    }
    return n == 1 ? BLOCK_PAGES : find_long(b, n, 1u << align_shift);
}

unsigned block_run_end(const struct block_bits *b, unsigned from)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        const struct page_bits *w = &b->word[at / 64];
        uint64_t other = (bits_load(&w->own) | bits_load(&w->zone)) >> (at % 64);
        if (other != 0)
            return at + (unsigned)__builtin_ctzll(other);
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES;
}

/* Pages of word `word` that lie in [lo, hi). */
static uint64_t word_mask(unsigned word, unsigned lo, unsigned hi)
{
    unsigned first = word * 64;
    uint64_t mask = ALL_ONES;
    if (lo > first)
        mask &= ALL_ONES << (lo - first);
    if (hi < first + 64)
        mask &= ALL_ONES >> (first + 64 - hi);
    return mask;
}

void block_set(struct block_bits *b, unsigned lo, unsigned hi, enum page_state state)
{
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t mask = word_mask(i, lo, hi);
        struct page_bits *w = &b->word[i];
        uint64_t own = bits_load(&w->own);
        uint64_t zone = bits_load(&w->zone);
        bits_store(&w->own, (state & 2) ? own | mask : own & ~mask);
        bits_store(&w->zone, (state & 1) ? zone | mask : zone & ~mask);
    }
}

void block_return(struct block_bits *b, unsigned lo, unsigned hi)
{
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t *zone = &b->word[i].zone;
        __atomic_store_n(zone, bits_load(zone) ^ word_mask(i, lo, hi), __ATOMIC_RELEASE);
    }
}
