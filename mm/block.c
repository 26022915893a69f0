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

bool block_has_interior(const struct block_bits *b)
{
    uint64_t all = ALL_ONES;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        all &= bits_load(&b->word[i].own) | bits_load(&b->word[i].zone);
    return all != ALL_ONES;
}

struct mask {
    uint64_t word[BLOCK_WORDS];
};

/* out = in & (in >> shift), shift 1..63, over all words. True when anything is left. No branch
 * depends on the bits: mispredicted ones would cost more than the work. */
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
        m.word[i] = free_word(b, i);
    return m;
}

/* Runs of 64 and more: few enough to look at one by one. */
static unsigned longest_run(const struct block_bits *b)
{
    unsigned best = 0;
    unsigned run = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t word = free_word(b, i);
        unsigned through = run + (word == ALL_ONES ? 64 : (unsigned)__builtin_ctzll(~word));
        best = through > best ? through : best;
        run = word == ALL_ONES ? through : (unsigned)__builtin_clzll(~word);
    }
    return best;
}

/* A mask of the starts of runs of at least L pages becomes, and-ed with itself shifted by s <= L,
 * the starts of runs of at least L + s. Doubling finds the order of magnitude, halving the rest. */
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

unsigned block_free_from(const struct block_bits *b, unsigned from)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        uint64_t other = ~free_word(b, at / 64) >> (at % 64);
        if (other != 0)
            return at + (unsigned)__builtin_ctzll(other) - from;
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES - from;
}

unsigned block_free_before(const struct block_bits *b, unsigned to)
{
    unsigned end = to;
    for (unsigned i = (to + 63) / 64; i-- > 0;) {
        uint64_t other = ~free_word(b, i) << (i * 64 + 64 - end);
        if (other != 0)
            return to - end + (unsigned)__builtin_clzll(other);
        end = i * 64;
    }
    return to;
}

unsigned block_run_around(const struct block_bits *b, unsigned lo, unsigned hi)
{
    return block_free_before(b, lo) + (hi - lo) + block_free_from(b, hi);
}

/* Inside one word without a branch on the bits; at its edges the long way. */
unsigned block_run_at(const struct block_bits *b, unsigned index)
{
    uint64_t used = ~free_word(b, index / 64);
    unsigned bit = index % 64;
    uint64_t below = used << (63 - bit);
    uint64_t above = used >> bit;
    if (below == 0 || above == 0)
        return block_run_around(b, index, index + 1);
    return (unsigned)__builtin_clzll(below) + (unsigned)__builtin_ctzll(above) - 1;
}

/* Indices of a word that are multiples of 1 << shift, shift 0..6. */
static const uint64_t aligned_bits[] = {
    0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
    0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
};

/* The lowest start that is aligned, or BLOCK_PAGES. */
static unsigned first_aligned(const struct mask *starts, unsigned align_shift)
{
    unsigned step = align_shift > 6 ? 1u << (align_shift - 6) : 1;
    uint64_t aligned = aligned_bits[align_shift > 6 ? 6 : align_shift];
    for (unsigned i = 0; i < BLOCK_WORDS; i += step)
        if ((starts->word[i] & aligned) != 0)
            return i * 64 + (unsigned)__builtin_ctzll(starts->word[i] & aligned);
    return BLOCK_PAGES;
}

/* More than 64 pages: run by run, of which only those count that cross a word. */
static unsigned find_long(const struct block_bits *b, unsigned n, unsigned align)
{
    unsigned run = 0; /* where the run begins that reaches word i */
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t word = free_word(b, i);
        unsigned end = i * 64 + (word == ALL_ONES ? 64 : (unsigned)__builtin_ctzll(~word));
        unsigned start = (run + align - 1) & ~(align - 1);
        if (start + n <= end)
            return start;
        if (word != ALL_ONES)
            run = (i + 1) * 64 - (unsigned)__builtin_clzll(~word);
    }
    return BLOCK_PAGES;
}

unsigned block_find(const struct block_bits *b, unsigned n, unsigned align_shift)
{
    if (n > 64)
        return find_long(b, n, 1u << align_shift);
    struct mask starts = free_pages(b);
    for (unsigned length = 1; length < n;) {
        unsigned step = length < n - length ? length : n - length;
        struct mask next;
        if (!shift_and(&next, &starts, step))
            return BLOCK_PAGES;
        starts = next;
        length += step;
    }
    return first_aligned(&starts, align_shift);
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

/* Free pages have no bit in `zone`, interior ones in neither plane: only a head changes `zone`. */
void block_take(struct block_bits *b, unsigned lo, unsigned hi, bool head)
{
    uint64_t first = head ? (uint64_t)1 << (lo % 64) : 0;
    uint64_t *zone = &b->word[lo / 64].zone;
    bits_store(zone, bits_load(zone) | first);
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t *own = &b->word[i].own;
        bits_store(own, (bits_load(own) & ~word_mask(i, lo, hi)) | first);
        first = 0;
    }
}

void block_give(struct block_bits *b, unsigned lo, unsigned hi)
{
    uint64_t *zone = &b->word[lo / 64].zone;
    bits_store(zone, bits_load(zone) & ~((uint64_t)1 << (lo % 64)));
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t *own = &b->word[i].own;
        bits_store(own, bits_load(own) | word_mask(i, lo, hi));
    }
}

void block_return(struct block_bits *b, unsigned lo, unsigned hi)
{
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t *zone = &b->word[i].zone;
        __atomic_store_n(zone, bits_load(zone) ^ word_mask(i, lo, hi), __ATOMIC_RELEASE);
    }
}
