/* mm/bits.h against counting bit by bit: every word of one and of two bits, every run of bits, and random
 * words. */
#include "mm/bits.h"
#include "tests/test.h"

static unsigned naive_count(uint64_t w)
{
    unsigned n = 0;
    for (unsigned bit = 0; bit < 64; bit++)
        n += (unsigned)(w >> bit & 1);
    return n;
}

static unsigned naive_below(uint64_t w)
{
    unsigned n = 0;
    while ((w >> n & 1) == 0)
        n++;
    return n;
}

static unsigned naive_above(uint64_t w)
{
    unsigned n = 0;
    while ((w << n >> 63) == 0)
        n++;
    return n;
}

static bool is_right(uint64_t w)
{
    if (bits_count(w) != naive_count(w))
        return false;
    if (w == 0)
        return true;
    return bits_ctz(w) == naive_below(w) && bits_clz(w) == naive_above(w) &&
           bits_count_below(w) == naive_below(w) && bits_count_above(w) == naive_above(w) &&
           ((uint32_t)w == 0 || bits_clz32((uint32_t)w) == naive_above((uint32_t)w) - 32);
}

TEST("bits.words of no, one and two bits are counted right")
{
    for (unsigned a = 0; a < 64; a++)
        for (unsigned b = 0; b < 64; b++)
            CHECK(is_right((uint64_t)1 << a | (uint64_t)1 << b));
    CHECK(is_right(0));
    TEST_END;
}

TEST("bits.runs of bits are counted right")
{
    for (unsigned a = 0; a < 64; a++)
        for (unsigned b = a; b < 64; b++)
            CHECK(is_right(UINT64_MAX >> (63 - b) & UINT64_MAX << a));
    TEST_END;
}

TEST("bits.random words are counted right")
{
    uint64_t w = 1;
    for (unsigned i = 0; i < 10000; i++) {
        w = w * 6364136223846793005u + 1442695040888963407u;
        CHECK(is_right(w) && is_right(w >> (w & 63)));
    }
    TEST_END;
}

TEST_SUITE(bits);
