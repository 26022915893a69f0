/* All of this goes over the eight words without a branch on the bits, but for long runs, of which there are
 * few in 512 pages. What is asked for every run is in mm/runs.h. */
#include "block.h"

/* Turn both planes so that the state that is asked for becomes 1, 1, and count those. */
unsigned block_count(const struct block_bits *b, enum page_state state)
{
    uint64_t private_flip = (state & 2) ? 0 : ALL_ONES;
    uint64_t shared_flip = (state & 1) ? 0 : ALL_ONES;
    unsigned n = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t private = bits_load(&b->word[i].private) ^ private_flip;
        uint64_t shared = bits_load(&b->word[i].shared) ^ shared_flip;
        n += bits_count(private & shared);
    }
    return n;
}

uint8_t block_words(const struct block_bits *b)
{
    unsigned words = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        words |= (unsigned)(block_free_word(b, i) != 0) << i;
    return (uint8_t)words;
}

/* A page in any other state has a bit set: the sum over all words is then full of ones. */
bool block_has_interior(const struct block_bits *b)
{
    uint64_t all = ALL_ONES;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        all &= bits_load(&b->word[i].private) | bits_load(&b->word[i].shared);
    return all != ALL_ONES;
}

/* These two have their bit in `private`, and no other state has. */
bool block_has_others(const struct block_bits *b)
{
    uint64_t all = ALL_ONES;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        all &= bits_load(&b->word[i].private);
    return all != ALL_ONES;
}

/* A set of pages: page p is bit p % 64 of word p / 64. */
struct mask {
    uint64_t word[BLOCK_WORDS];
};

/* Of the pages of `in`, those from which another page of `in` lies `shift` (1 to 63) further up;
 * true when there are any. Bits that leave the bottom of a word come in at the top of the one
 * below. */
static inline bool shift_and(struct mask *out, const struct mask *in, unsigned shift)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t above = i + 1 < BLOCK_WORDS ? in->word[i + 1] : 0;
        out->word[i] = in->word[i] & (in->word[i] >> shift | above << (64 - shift));
        any |= out->word[i];
    }
    return any != 0;
}

static inline struct mask free_pages(const struct block_bits *b)
{
    struct mask m;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        m.word[i] = block_free_word(b, i);
    return m;
}

/* The longest run, when it has 64 pages or more. Such a run begins or ends at the border of a word,
 * so only the free pages at both ends of each word are looked at: `run` is what the words before
 * end with. */
static unsigned longest_run(const struct block_bits *b)
{
    unsigned best = 0;
    unsigned run = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t word = block_free_word(b, i);
        unsigned through = run + (word == ALL_ONES ? 64 : bits_ctz(~word));
        best = through > best ? through : best;
        run = word == ALL_ONES ? through : bits_clz(~word);
    }
    return best;
}

/* `starts` has the pages where a run of `length` pages or more begins. And-ed with itself shifted
 * by step <= length, it has those where one of length + step begins. Doubling finds the order of
 * magnitude, halving the rest. */
unsigned block_longest(const struct block_bits *b, unsigned at_most)
{
    struct mask starts = free_pages(b);
    struct mask next;
    unsigned length = 1;
    if (at_most <= 1 || !shift_and(&next, &starts, 1))
        return at_most == 0 ? 0 : 1;
    do {
        starts = next;
        length *= 2;
    } while (length < 64 && shift_and(&next, &starts, length));
    if (length == 64)
        return longest_run(b);
    for (unsigned step = length / 2; step > 0; step /= 2) {
        if (length + step <= at_most && shift_and(&next, &starts, step)) {
            starts = next;
            length += step;
        }
    }
    return length;
}

/* The pages of word `i` that are of another kind than one in `state`. A page is in use when its
 * bits are equal. */
static inline uint64_t other_kinds(const struct block_bits *b, unsigned i, enum page_state state)
{
    uint64_t private = bits_load(&b->word[i].private);
    uint64_t shared = bits_load(&b->word[i].shared);
    if (state == PAGE_FREE)
        return ~private | shared;
    return state == PAGE_WITHHELD ? private | ~shared : private ^ shared;
}

unsigned block_kind_end(const struct block_bits *b, unsigned from, enum page_state state)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        uint64_t other = other_kinds(b, at / 64, state) >> (at % 64);
        if (other != 0)
            return at + bits_ctz(other);
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES;
}

void block_set(struct block_bits *b, unsigned lo, unsigned hi, enum page_state state)
{
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t mask = word_mask(i, lo, hi);
        struct page_bits *w = &b->word[i];
        uint64_t private = bits_load(&w->private);
        uint64_t shared = bits_load(&w->shared);
        bits_store(&w->private, (state & 2) ? private | mask : private & ~mask);
        bits_store(&w->shared, (state & 1) ? shared | mask : shared & ~mask);
    }
}

void block_fill(struct block_bits *b, enum page_state state)
{
    uint64_t private = (state & 2) ? ALL_ONES : 0;
    uint64_t shared = (state & 1) ? ALL_ONES : 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        bits_store(&b->word[i].private, private);
        bits_store(&b->word[i].shared, shared);
    }
}

/* 1 0 becomes 0 1. */
void block_own(struct block_bits *b)
{
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        struct page_bits *w = &b->word[i];
        uint64_t private = bits_load(&w->private);
        uint64_t shared = bits_load(&w->shared);
        bits_store(&w->private, private & shared);
        bits_store(&w->shared, private | shared);
    }
}

/* 0 1 and 1 0 become 1 0; 1 1 stays. */
void block_disown(struct block_bits *b)
{
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        struct page_bits *w = &b->word[i];
        uint64_t private = bits_load(&w->private);
        uint64_t shared = bits_load(&w->shared);
        bits_store(&w->private, private | shared);
        bits_store(&w->shared, private & shared);
    }
}
