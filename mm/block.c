/* The searches come in two kinds. Those that are asked for every run go over all eight words
 * without a branch on the bits: a mispredicted branch costs more than the work that it saves. Those
 * for long runs go run by run, for in 512 pages there are few of them. */
#include "block.h"

#define ALL_ONES (~(uint64_t)0)

/* The free pages of word `i`. */
static inline uint64_t free_word(const struct block_bits *b, unsigned i)
{
    return bits_load(&b->word[i].private) & ~bits_load(&b->word[i].shared);
}

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

/* A page in any other state has a bit set: the sum over all words is then full of ones. */
bool block_has_interior(const struct block_bits *b)
{
    uint64_t all = ALL_ONES;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        all &= bits_load(&b->word[i].private) | bits_load(&b->word[i].shared);
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
        m.word[i] = free_word(b, i);
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
        uint64_t word = free_word(b, i);
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

/* Word by word, the first of them from `from` on, until one has a page that is not free. */
unsigned block_free_from(const struct block_bits *b, unsigned from)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        uint64_t other = ~free_word(b, at / 64) >> (at % 64);
        if (other != 0)
            return at + bits_ctz(other) - from;
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES - from;
}

/* The same downwards: `end` is how far down all is free. */
unsigned block_free_before(const struct block_bits *b, unsigned to)
{
    unsigned end = to;
    for (unsigned i = (to + 63) / 64; i-- > 0;) {
        uint64_t other = ~free_word(b, i) << (i * 64 + 64 - end);
        if (other != 0)
            return to - end + bits_clz(other);
        end = i * 64;
    }
    return to;
}

unsigned block_run_around(const struct block_bits *b, unsigned lo, unsigned hi)
{
    return block_free_before(b, lo) + (hi - lo) + block_free_from(b, hi);
}

/* The nearest used page on either side bounds the run. Both lie in this word nearly always; when
 * one does not, the run goes on in the next word, and is measured the long way. */
unsigned block_run_at(const struct block_bits *b, unsigned index)
{
    uint64_t used = ~free_word(b, index / 64);
    unsigned bit = index % 64;
    uint64_t below = used << (63 - bit);
    uint64_t above = used >> bit;
    if (below == 0 || above == 0)
        return block_run_around(b, index, index + 1);
    return bits_clz(below) + bits_ctz(above) - 1;
}

/* The bits of a word whose index is a multiple of 1 << shift, shift 0 to 6. */
static const uint64_t aligned_bits[] = {
    0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
    0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
};

/* The lowest page of the mask that is aligned, or BLOCK_PAGES. From 128 pages up only some words
 * have aligned pages. */
static unsigned first_aligned(const struct mask *starts, unsigned align_shift)
{
    unsigned step = align_shift > 6 ? 1u << (align_shift - 6) : 1;
    uint64_t aligned = aligned_bits[align_shift > 6 ? 6 : align_shift];
    for (unsigned i = 0; i < BLOCK_WORDS; i += step)
        if ((starts->word[i] & aligned) != 0)
            return i * 64 + bits_ctz(starts->word[i] & aligned);
    return BLOCK_PAGES;
}

/* For more than 64 pages. Such a run crosses the border of a word, so it is enough to know where
 * the run begins that reaches the next border (`run`), and how far it goes on in that word (`end`).
 */
static unsigned find_long(const struct block_bits *b, unsigned n, unsigned align)
{
    unsigned run = 0; /* where the run begins that reaches word i */
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t word = free_word(b, i);
        unsigned end = i * 64 + (word == ALL_ONES ? 64 : bits_ctz(~word));
        unsigned start = (run + align - 1) & ~(align - 1);
        if (start + n <= end)
            return start;
        if (word != ALL_ONES)
            run = (i + 1) * 64 - bits_clz(~word);
    }
    return BLOCK_PAGES;
}

/* As in block_longest(), but the length is known: the last step is as long as is still needed. */
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

/* Every other state has a bit set in one of the planes. */
unsigned block_run_end(const struct block_bits *b, unsigned from)
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

/* The pages of word `word` that lie in [lo, hi), which reaches into it. */
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
        uint64_t private = bits_load(&w->private);
        uint64_t shared = bits_load(&w->shared);
        bits_store(&w->private, (state & 2) ? private | mask : private & ~mask);
        bits_store(&w->shared, (state & 1) ? shared | mask : shared & ~mask);
    }
}

/* Free pages have no bit in `shared`, interior ones in neither plane: only a head changes `shared`,
 * and it alone keeps its bit in `private`. */
void block_take(struct block_bits *b, unsigned lo, unsigned hi, bool head)
{
    uint64_t first = head ? (uint64_t)1 << (lo % 64) : 0;
    uint64_t *shared = &b->word[lo / 64].shared;
    bits_store(shared, bits_load(shared) | first);
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t *private = &b->word[i].private;
        bits_store(private, (bits_load(private) & ~word_mask(i, lo, hi)) | first);
        first = 0;
    }
}

/* Page `lo` is a head or not: its bit in `shared` is cleared in any case, no other has one. */
void block_give(struct block_bits *b, unsigned lo, unsigned hi)
{
    uint64_t *shared = &b->word[lo / 64].shared;
    bits_store(shared, bits_load(shared) & ~((uint64_t)1 << (lo % 64)));
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t *private = &b->word[i].private;
        bits_store(private, bits_load(private) | word_mask(i, lo, hi));
    }
}

void block_return(struct block_bits *b, unsigned lo, unsigned hi)
{
    for (unsigned i = lo / 64; i * 64 < hi; i++) {
        uint64_t *shared = &b->word[i].shared;
        bits_store(shared, bits_load(shared) & ~word_mask(i, lo, hi));
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
bool block_disown(struct block_bits *b)
{
    uint64_t free = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        struct page_bits *w = &b->word[i];
        uint64_t private = bits_load(&w->private);
        uint64_t shared = bits_load(&w->shared);
        free |= private ^ shared;
        bits_store(&w->private, private | shared);
        bits_store(&w->shared, private & shared);
    }
    return free != 0;
}
