/* The searches of mm/block.h in one block against naive ones, page by page: blocks whose runs lie
 * at and over the borders of words, and random ones of every density; every length and alignment.
 *
 * needs: -O1
 */
#include "mm/runs.h"
#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS 1500

static struct block_bits *block;  /* what lies behind it cannot be touched */
static uint8_t page[BLOCK_PAGES]; /* enum page_state, as it must be */
static uint64_t rng = 88172645463325252u;

static unsigned below(unsigned limit)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)(rng * 2685821657736338717u >> 40) % limit;
}

static void set_run(unsigned lo, unsigned hi, enum page_state state)
{
    for (unsigned i = lo; i < hi; i++)
        page[i] = (uint8_t)state;
    block_set(block, lo, hi, state);
}

static unsigned near_a_word(void)
{
    unsigned border = 64 * below(9);
    unsigned at = border + below(5);
    return at < 2 ? 0 : at - 2 > BLOCK_PAGES ? BLOCK_PAGES : at - 2;
}

/* Up to `cuts` stretches of one state each, with ends near the borders of words or anywhere. */
static void make_block(unsigned cuts)
{
    set_run(0, BLOCK_PAGES, below(2) ? PAGE_FREE : PAGE_HEAD);
    for (unsigned i = 0; i < cuts; i++) {
        unsigned a = below(2) ? near_a_word() : below(BLOCK_PAGES + 1);
        unsigned b = below(2) ? near_a_word() : a + below(5);
        b = b > BLOCK_PAGES ? BLOCK_PAGES : b;
        set_run(a < b ? a : b, a < b ? b : a, (enum page_state)(below(2) ? PAGE_FREE : below(4)));
    }
}

/* ---- naive answers ---- */

static unsigned free_from(unsigned from)
{
    unsigned n = 0;
    while (from + n < BLOCK_PAGES && page[from + n] == PAGE_FREE)
        n++;
    return n;
}

static unsigned free_before(unsigned to)
{
    unsigned n = 0;
    while (n < to && page[to - n - 1] == PAGE_FREE)
        n++;
    return n;
}

static unsigned longest(void)
{
    unsigned best = 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        best = free_from(i) > best ? free_from(i) : best;
    return best;
}

static unsigned count(enum page_state state)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        n += page[i] == state;
    return n;
}

/* A bit for each word that has a page in the state. */
static unsigned words_with(enum page_state state)
{
    unsigned words = 0;
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        words |= (unsigned)(page[i] == state) << i / 64;
    return words;
}

static unsigned find(unsigned n, unsigned align)
{
    for (unsigned i = 0; i < BLOCK_PAGES; i += align)
        if (free_from(i) >= n)
            return i;
    return BLOCK_PAGES;
}

static unsigned next_free(unsigned from)
{
    while (from < BLOCK_PAGES && page[from] != PAGE_FREE)
        from++;
    return from;
}

static unsigned run_end(unsigned from)
{
    while (from < BLOCK_PAGES && page[from] == PAGE_INTERIOR)
        from++;
    return from;
}

/* Pages of the run that begins here, or 0. */
static unsigned run_at(unsigned i)
{
    return page[i] == PAGE_HEAD ? run_end(i + 1) - i : 0;
}

static bool in_use(unsigned i)
{
    return page[i] == PAGE_HEAD || page[i] == PAGE_INTERIOR;
}

static unsigned kind_end(unsigned from, enum page_state state)
{
    bool used = state == PAGE_HEAD || state == PAGE_INTERIOR;
    while (from < BLOCK_PAGES && (used ? in_use(from) : page[from] == state))
        from++;
    return from;
}

/* ---- tests: each with fewer and more cuts ---- */

static void with_blocks(void (*test)(void))
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        make_block(round % 60);
        test();
    }
}

static bool has_states(void)
{
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        if (block_state(block, i) != page[i])
            return false;
    return true;
}

static void states_of_block(void)
{
    EXPECT(has_states());
    for (unsigned s = 0; s < 4; s++)
        EXPECT(block_count(block, (enum page_state)s) == count((enum page_state)s));
    EXPECT(block_has_interior(block) == (count(PAGE_INTERIOR) != 0));
    EXPECT(block_has_others(block) == (count(PAGE_INTERIOR) + count(PAGE_WITHHELD) != 0));
    EXPECT(block_has_parked(block) == (count(PAGE_PARKED) != 0));
    for (unsigned i = 0; i + 1 < BLOCK_PAGES; i++)
        for (unsigned hi = i + 1; hi < BLOCK_PAGES; hi += 1 + below(hi - i))
            EXPECT(block_is_run(block, i, hi) == (page[i] == PAGE_HEAD && run_end(i + 1) == hi));
}

static void lengths_of_block(void)
{
    unsigned free = count(PAGE_FREE);
    unsigned most = longest();
    unsigned words = words_with(PAGE_FREE);
    EXPECT(block_words(block) == words);
    EXPECT(block_longest(block, free) == most);
    EXPECT(block_longest(block, most) == most); /* the tightest bound that holds */
    EXPECT(words == 0 || block_first_free(block, words) == next_free(0));
    for (unsigned i = 0; i <= BLOCK_PAGES; i++) {
        EXPECT(block_free_from(block, i) == free_from(i));
        EXPECT(block_free_before(block, i) == free_before(i));
        EXPECT(block_run_end(block, i) == run_end(i));
    }
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        EXPECT(block_next_free(block, words, i) == next_free(i + 1));
}

static void kinds_of_block(void)
{
    for (unsigned state = 0; state < 4; state++)
        for (unsigned i = 0; i <= BLOCK_PAGES; i++)
            EXPECT(block_kind_end(block, i, (enum page_state)state) ==
                   kind_end(i, (enum page_state)state));
}

static void runs_of_block(void)
{
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        unsigned right = free_from(i);
        if (right == 0)
            continue;
        unsigned whole = free_before(i) + right;
        unsigned hi = i + 1 + below(right);
        EXPECT(block_run_around(block, i, i + 1) == whole);
        EXPECT(block_run_around(block, i, hi) == whole);
    }
}

/* The lowest place, and what is the longest run when it is taken. */
static void fit_aligned(unsigned shift, unsigned n, unsigned free, unsigned most)
{
    struct block_fit fit = block_fit(block, words_with(PAGE_FREE), n, shift, free, most);
    unsigned at = find(n, 1u << shift);
    EXPECT(fit.index == at);
    if (at == BLOCK_PAGES)
        return;
    for (unsigned i = at; i < at + n; i++)
        page[i] = PAGE_HEAD;
    EXPECT(fit.longest == longest());
    for (unsigned i = at; i < at + n; i++)
        page[i] = PAGE_FREE;
}

static void fit_in_block(void)
{
    unsigned free = count(PAGE_FREE);
    unsigned most = longest();
    for (unsigned shift = 0; shift <= BLOCK_SHIFT; shift++)
        for (unsigned n = 1; n <= most && n < BLOCK_PAGES; n += 1 + below(1 + n / 8))
            fit_aligned(shift, n, free, most);
}

static void fill_block(void)
{
    for (unsigned state = 0; state < 4; state++) {
        block_fill(block, (enum page_state)state);
        set_run(0, BLOCK_PAGES, (enum page_state)state);
        states_of_block();
    }
}

/* What another CPU gives back to an owned block: in use becomes free, and nothing else does. */
static void return_to_block(void)
{
    for (unsigned i = 0; i < BLOCK_PAGES; i++) {
        bool in_use = page[i] == PAGE_HEAD;
        EXPECT(block_return(&block->word[i / 64], (uint64_t)1 << (i % 64)) == in_use);
        page[i] = in_use ? PAGE_FREE : page[i];
    }
    states_of_block();
}

/* A free page is taken, wherever it lies, and no other is touched. */
static void take_page_of_block(void)
{
    for (unsigned i = 0; i < BLOCK_PAGES; i += 1 + below(40)) {
        if (page[i] != PAGE_FREE)
            continue;
        block_take_page(block, i);
        page[i] = PAGE_HEAD;
        EXPECT(has_states());
    }
}

/* Part of a free stretch is taken, with its head or without, and given back. */
static void take_from(unsigned at, unsigned hi)
{
    for (unsigned head = 0; head < 2; head++) {
        unsigned words = words_with(PAGE_FREE);
        unsigned empty = block_take(block, at, hi, head != 0);
        for (unsigned i = at; i < hi; i++)
            page[i] = i == at && head ? PAGE_HEAD : PAGE_INTERIOR;
        EXPECT(has_states());
        EXPECT((empty & ~words) == 0 && (words & ~empty) == words_with(PAGE_FREE));
        block_give(block, at, hi);
        for (unsigned i = at; i < hi; i++)
            page[i] = PAGE_FREE;
        EXPECT(has_states());
    }
}

/* Every other one ends at a border of words, or a page beside it, when it can. */
static void take_from_block(void)
{
    for (unsigned at = below(40); at < BLOCK_PAGES; at += 1 + below(40)) {
        unsigned length = free_from(at);
        if (length == 0)
            continue;
        unsigned border = near_a_word();
        bool fits = border > at && border <= at + length && below(2) == 0;
        take_from(at, fits ? border : at + 1 + below(length));
    }
}

/* The length of the run at a place, if one begins there, one to either side of it, and others. */
#define LENGTHS 8u
static size_t length_near(unsigned at, unsigned which)
{
    const size_t run = run_at(at);
    const size_t more[LENGTHS] = {run + 1, 0,  64, BLOCK_PAGES, SIZE_MAX, (size_t)1 << 32 | run,
                                  run - 1, run};
    return more[which];
}

/* What is no run of exactly so many pages, or ends where its word does, stays as it is. The free run
 * around one that is given back is told when it lies in the word with a page to spare on either side. */
static void give_run(unsigned at, size_t n)
{
    unsigned word = at / 64 * 64;
    unsigned length = 7777;
    bool plain = n != 0 && n == run_at(at) && at + n < word + 64;
    EXPECT(block_give_run(block, at, n, &length) == plain);
    for (unsigned i = at; plain && i < at + n; i++)
        page[i] = PAGE_FREE;
    EXPECT(has_states());
    unsigned first = at - free_before(at);
    unsigned end = at + free_from(at);
    bool goes_on = first <= word || end >= word + 64;
    EXPECT(length == (!plain ? 7777 : goes_on ? RUN_GOES_ON : end - first));
}

/* Only a run that ends before its block does is stashed, and it is what it was when it is unstashed. */
static void stash_run(unsigned at, size_t n)
{
    bool plain = n != 0 && n == run_at(at) && at + n < BLOCK_PAGES;
    EXPECT(block_stash(block, at, n) == plain);
    page[at] = plain ? PAGE_PARKED : page[at];
    EXPECT(has_states());
    if (!plain)
        return;
    block_unstash(block, at);
    page[at] = PAGE_HEAD;
    EXPECT(has_states());
}

static void stash_and_give_in_block(void)
{
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        for (unsigned which = run_at(i) > 1 || below(40) == 0 ? 0 : LENGTHS; which < LENGTHS;
             which++) {
            size_t n = length_near(i, which);
            stash_run(i, n);
            give_run(i, n);
        }
}

/* The page behind a run is none of it, whatever it is. */
static void runs_beside_withheld(void)
{
    static const unsigned begins[] = {0, 3, 62, 63, 64, 300, 505};
    for (unsigned i = 0; i < sizeof begins / sizeof *begins; i++)
        for (unsigned end = begins[i] + 1; end < BLOCK_PAGES; end++) {
            set_run(0, BLOCK_PAGES, PAGE_INTERIOR);
            set_run(begins[i], begins[i] + 1, PAGE_HEAD);
            set_run(end, end + 1, PAGE_WITHHELD);
            stash_run(begins[i], end - begins[i]);
            give_run(begins[i], end - begins[i]);
        }
}

static void states(void)
{
    with_blocks(states_of_block);
}

static void lengths(void)
{
    with_blocks(lengths_of_block);
}

static void kinds(void)
{
    with_blocks(kinds_of_block);
}

static void runs(void)
{
    with_blocks(runs_of_block);
}

static void fits(void)
{
    with_blocks(fit_in_block);
}

static void fills(void)
{
    with_blocks(fill_block);
}

static void returns(void)
{
    with_blocks(return_to_block);
}

static void pages(void)
{
    with_blocks(take_page_of_block);
}

static void takes(void)
{
    with_blocks(take_from_block);
}

static void exact_runs(void)
{
    with_blocks(stash_and_give_in_block);
}

/* At the end of a page; the next one cannot be used. */
static void place_block(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + size, size, PROT_NONE) != 0)
        exit(1);
    block = (struct block_bits *)(pages + size) - 1;
}

int main(void)
{
    place_block();
    expect_run("states are kept, and counted", states);
    expect_run("lengths of free stretches", lengths);
    expect_run("pages of one kind", kinds);
    expect_run("the free run around a page", runs);
    expect_run("where a run goes at each alignment, and what it leaves", fits);
    expect_run("all pages of one state", fills);
    expect_run("pages returned by others", returns);
    expect_run("single pages taken, each for itself", pages);
    expect_run("parts of runs taken and given", takes);
    expect_run("runs of each length before a withheld page", runs_beside_withheld);
    expect_run("runs stashed and given back by their exact length", exact_runs);
    return expect_total();
}
