#include "mm/block.h"

#define ALL_ONES (~(uint64_t)0)

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

struct block_mask block_pages(const struct block_bits *b, enum page_state state)
{
    uint64_t own_flip = (state & 2) ? 0 : ALL_ONES;
    uint64_t zone_flip = (state & 1) ? 0 : ALL_ONES;
    struct block_mask m;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        m.word[i] = (bits_load(&b->word[i].own) ^ own_flip) &
                    (bits_load(&b->word[i].zone) ^ zone_flip);
    return m;
}

unsigned block_count(const struct block_mask *m)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        n += (unsigned)__builtin_popcountll(m->word[i]);
    return n;
}

/* out = a & (a >> shift), shift 1..63. True when anything is left. */
static bool and_shifted_bits(struct block_mask *out, const struct block_mask *a, unsigned shift)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < BLOCK_WORDS - 1; i++) {
        out->word[i] = a->word[i] & (a->word[i] >> shift | a->word[i + 1] << (64 - shift));
        any |= out->word[i];
    }
    out->word[BLOCK_WORDS - 1] = a->word[BLOCK_WORDS - 1] & a->word[BLOCK_WORDS - 1] >> shift;
    return (any | out->word[BLOCK_WORDS - 1]) != 0;
}

/* The same for a shift of 64..511. */
static bool and_shifted_words(struct block_mask *out, const struct block_mask *a, unsigned shift)
{
    unsigned words = shift / 64;
    unsigned bits = shift % 64;
    uint64_t any = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++) {
        uint64_t low = i + words < BLOCK_WORDS ? a->word[i + words] : 0;
        uint64_t high = i + words + 1 < BLOCK_WORDS ? a->word[i + words + 1] : 0;
        out->word[i] = a->word[i] & (low >> bits | high << 1 << (63 - bits));
        any |= out->word[i];
    }
    return any != 0;
}

static bool and_shifted(struct block_mask *out, const struct block_mask *a, unsigned shift)
{
    return shift < 64 ? and_shifted_bits(out, a, shift) : and_shifted_words(out, a, shift);
}

/* A mask whose ones mark the starts of runs of at least L ones becomes, and-ed with itself shifted
 * by s <= L, the starts of runs of at least L + s. Doubling finds the order of magnitude, halving
 * the rest. */
unsigned block_longest(const struct block_mask *mask)
{
    struct block_mask starts = *mask;
    struct block_mask next;
    unsigned length = 1;
    uint64_t any = 0;
    for (unsigned i = 0; i < BLOCK_WORDS; i++)
        any |= starts.word[i];
    if (any == 0)
        return 0;
    while (length < BLOCK_PAGES && and_shifted(&next, &starts, length)) {
        starts = next;
        length *= 2;
    }
    if (length == BLOCK_PAGES)
        return length;
    for (unsigned step = length / 2; step > 0; step /= 2) {
        if (and_shifted(&next, &starts, step)) {
            starts = next;
            length += step;
        }
    }
    return length;
}

/* Indices of a word that are multiples of 1 << shift, shift 0..6. */
static const uint64_t aligned_bits[] = {
    0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101,
    0x0001000100010001, 0x0000000100000001, 0x0000000000000001,
};

unsigned block_find(const struct block_mask *mask, unsigned n, unsigned align_shift)
{
    struct block_mask starts = *mask;
    for (unsigned length = 1; length < n;) {
        unsigned step = length < n - length ? length : n - length;
        struct block_mask next;
        if (!and_shifted(&next, &starts, step))
            return BLOCK_PAGES;
        starts = next;
        length += step;
    }
    unsigned word_step = align_shift > 6 ? 1u << (align_shift - 6) : 1;
    uint64_t aligned = aligned_bits[align_shift > 6 ? 6 : align_shift];
    for (unsigned i = 0; i < BLOCK_WORDS; i += word_step)
        if ((starts.word[i] & aligned) != 0)
            return i * 64 + (unsigned)__builtin_ctzll(starts.word[i] & aligned);
    return BLOCK_PAGES;
}

unsigned block_ones_from(const struct block_mask *m, unsigned from)
{
    unsigned at = from;
    while (at < BLOCK_PAGES) {
        uint64_t zeroes = ~m->word[at / 64] >> (at % 64);
        if (zeroes != 0)
            return at + (unsigned)__builtin_ctzll(zeroes) - from;
        at = (at / 64 + 1) * 64;
    }
    return BLOCK_PAGES - from;
}

unsigned block_ones_before(const struct block_mask *m, unsigned to)
{
    unsigned at = to;
    while (at > 0) {
        uint64_t zeroes = ~m->word[(at - 1) / 64] << (63 - (at - 1) % 64);
        if (zeroes != 0)
            return to - at + (unsigned)__builtin_clzll(zeroes);
        at = (at - 1) / 64 * 64;
    }
    return to;
}

unsigned block_run_around(const struct block_mask *m, unsigned lo, unsigned hi)
{
    return block_ones_before(m, lo) + (hi - lo) + block_ones_from(m, hi);
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

void block_set(struct block_bits *b, unsigned lo, unsigned hi, enum page_state state)
{
    if (lo == hi)
        return;
    for (unsigned i = lo / 64; i <= (hi - 1) / 64; i++) {
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
    for (unsigned i = lo / 64; i <= (hi - 1) / 64; i++) {
        uint64_t *zone = &b->word[i].zone;
        __atomic_store_n(zone, bits_load(zone) ^ word_mask(i, lo, hi), __ATOMIC_RELEASE);
    }
}
