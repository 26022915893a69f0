/* A bitmap, first fit by address, with what makes such an allocator good:
 *
 *   words   a step looks at 64 pages; full words are skipped through a second level, one bit a word
 *   hints   for every power of two, the lowest place where a run of that length can begin. A search
 *           starts there, and a free lowers the hints that the new free run can serve. So it stays
 *           exact first fit without reading the full low memory again each time
 *
 * A set bit is a page in use. Freeing checks that every page of the run is in use. There is one
 * lock. */
#include "hal/hal.h"
#include "hal/short.h"
#include "tests/bench/loops.h"

#include <string.h>

#define CLASSES 12u /* runs of 2^11 pages and more have no hint */
#define NOWHERE UINT64_MAX
#define BLOCK   512u /* pages of a 2 MiB block */

struct bitmap {
    struct hal_lock lock;
    hal_paddr_t base;
    uint64_t pages;
    uint64_t words;
    uint64_t hint[CLASSES];
    uint64_t hint_2m;
    uint64_t *used;
    uint64_t *full; /* bit w is set when word w of `used` is all ones */
};

/* --- searching -------------------------------------------------------------------------------- */

/* The first word from `word` on that is not full, or s->words. */
static uint64_t next_open_word(const struct bitmap *s, uint64_t word)
{
    uint64_t last = (s->words + 63) / 64;
    uint64_t at = word / 64;
    if (at >= last)
        return s->words;
    uint64_t open = ~s->full[at] & (UINT64_MAX << (word % 64));
    while (open == 0) {
        if (++at >= last)
            return s->words;
        open = ~s->full[at];
    }
    return hal_min_u64(at * 64 + (uint64_t)__builtin_ctzll(open), s->words);
}

/* The first free page at or after `page`, or NOWHERE. */
static uint64_t next_free(const struct bitmap *s, uint64_t page)
{
    uint64_t word = page / 64;
    if (word >= s->words)
        return NOWHERE;
    uint64_t open = ~s->used[word] & (UINT64_MAX << (page % 64));
    if (open == 0) {
        word = next_open_word(s, word + 1);
        if (word >= s->words)
            return NOWHERE;
        open = ~s->used[word];
    }
    return word * 64 + (uint64_t)__builtin_ctzll(open);
}

/* The first page in use in [page, end), or `end`. */
static uint64_t next_used(const struct bitmap *s, uint64_t page, uint64_t end)
{
    uint64_t word = page / 64;
    uint64_t set = s->used[word] & (UINT64_MAX << (page % 64));
    while (set == 0) {
        if (++word * 64 >= end)
            return end;
        set = s->used[word];
    }
    return hal_min_u64(word * 64 + (uint64_t)__builtin_ctzll(set), end);
}

/* The first page of the free run that holds `page`, looking back no further than `floor`. */
static uint64_t run_start(const struct bitmap *s, uint64_t page, uint64_t floor)
{
    uint64_t word = page / 64;
    uint64_t set = s->used[word] & (((uint64_t)1 << (page % 64)) - 1);
    while (set == 0) {
        if (word * 64 <= floor)
            return floor;
        set = s->used[--word];
    }
    return hal_max_u64(word * 64 + 64 - (uint64_t)__builtin_clzll(set), floor);
}

/* The lowest run of `pages` free pages aligned to `step` pages, from `from` on, or NOWHERE. */
static uint64_t find_run(const struct bitmap *s, uint64_t from, uint64_t pages, uint64_t step)
{
    for (uint64_t at = next_free(s, from); at != NOWHERE; at = next_free(s, at)) {
        at = hal_align_up(at, step);
        if (at + pages > s->pages)
            return NOWHERE;
        uint64_t stop = next_used(s, at, at + pages);
        if (stop == at + pages)
            return at;
        at = stop + 1;
    }
    return NOWHERE;
}

/* --- marking ---------------------------------------------------------------------------------- */

/* The bits of [page, end) that lie in page's word. */
static uint64_t word_mask(uint64_t page, uint64_t end)
{
    uint64_t mask = UINT64_MAX << (page % 64);
    uint64_t left = end - (page & ~(uint64_t)63);
    return left < 64 ? mask & (((uint64_t)1 << left) - 1) : mask;
}

static void mark(struct bitmap *s, uint64_t page, uint64_t end)
{
    for (; page < end; page = (page | 63) + 1) {
        uint64_t word = page / 64;
        s->used[word] |= word_mask(page, end);
        if (s->used[word] == UINT64_MAX)
            s->full[word / 64] |= (uint64_t)1 << (word % 64);
    }
}

static void clear(struct bitmap *s, uint64_t page, uint64_t end)
{
    for (; page < end; page = (page | 63) + 1) {
        uint64_t word = page / 64;
        s->used[word] &= ~word_mask(page, end);
        s->full[word / 64] &= ~((uint64_t)1 << (word % 64));
    }
}

static bool all_used(const struct bitmap *s, uint64_t page, uint64_t end)
{
    for (; page < end; page = (page | 63) + 1)
        if (~s->used[page / 64] & word_mask(page, end))
            return false;
    return true;
}

/* --- hints ------------------------------------------------------------------------------------ */

static unsigned class_below(uint64_t pages)
{
    unsigned class = 63u - (unsigned)__builtin_clzll(pages);
    return class < CLASSES ? class : CLASSES - 1;
}

/* hint[c]: no run of 2^c pages or more lies below it. A search for `pages` that ended at `found`
 * proves that for every class of at least that length. The last class has no upper end and stays 0.
 * hint_2m: the same for aligned 2 MiB blocks. */
static void learn(struct bitmap *s, uint64_t pages, uint64_t step, uint64_t found)
{
    if (step == BLOCK && pages == BLOCK)
        s->hint_2m = hal_min_u64(found, s->pages);
    if (step != 1)
        return;
    for (unsigned c = class_below(pages) + !hal_is_power_of_two(pages); c < CLASSES - 1; c++)
        s->hint[c] = hal_max_u64(s->hint[c], hal_min_u64(found, s->pages));
}

static uint64_t hint_for(const struct bitmap *s, uint64_t pages, uint64_t step)
{
    uint64_t hint = s->hint[class_below(pages)];
    return step == BLOCK && pages == BLOCK ? hal_max_u64(hint, s->hint_2m) : hint;
}

/* [page, end) came free and lies in a free run: lower the hints of the classes that this run
 * serves. Runs longer than the classes know are measured only so far. */
static void lower_hints(struct bitmap *s, uint64_t page, uint64_t end)
{
    const uint64_t reach = (uint64_t)1 << CLASSES;
    uint64_t first = run_start(s, page, page > reach ? page - reach : 0);
    uint64_t block = hal_align_up(first, BLOCK);
    if (s->hint[CLASSES - 2] <= first && s->hint_2m <= block) /* hints rise with the class */
        return;
    uint64_t last = next_used(s, end - 1, hal_min_u64(end + reach, s->pages));
    for (unsigned c = 0; c < CLASSES - 1 && (uint64_t)1 << c <= last - first; c++)
        s->hint[c] = hal_min_u64(s->hint[c], first);
    if (block + BLOCK <= last)
        s->hint_2m = hal_min_u64(s->hint_2m, block);
}

/* --- the calls -------------------------------------------------------------------------------- */

static uint64_t take(struct bitmap *s, uint64_t pages, uint64_t step)
{
    uint64_t at = find_run(s, hint_for(s, pages, step), pages, step);
    learn(s, pages, step, at);
    if (at != NOWHERE)
        mark(s, at, at + pages);
    return at;
}

static hal_paddr_t bitmap_alloc(void *self, size_t pages, uint64_t align, uint32_t flags)
{
    struct bitmap *s = self;
    uint64_t step = align > HAL_PAGE_SIZE ? align / HAL_PAGE_SIZE : 1;
    UNUSED(flags);
    if (pages == 0 || pages > s->pages)
        return HAL_PADDR_NONE;
    hal_irq_t irq = hal_irq_save();
    hal_lock(&s->lock);
    uint64_t at = take(s, pages, step);
    hal_unlock(&s->lock);
    hal_irq_restore(irq);
    return at == NOWHERE ? HAL_PADDR_NONE : s->base + at * HAL_PAGE_SIZE;
}

static bool bitmap_free(void *self, hal_paddr_t base, size_t pages)
{
    struct bitmap *s = self;
    uint64_t page = (base - s->base) / HAL_PAGE_SIZE;
    if (base % HAL_PAGE_SIZE != 0 || page >= s->pages || pages > s->pages - page)
        return false;
    hal_irq_t irq = hal_irq_save();
    hal_lock(&s->lock);
    bool held = all_used(s, page, page + pages);
    if (held) {
        clear(s, page, page + pages);
        lower_hints(s, page, page + pages);
    }
    hal_unlock(&s->lock);
    hal_irq_restore(irq);
    return held;
}

static void drain(void *self)
{
    UNUSED(self);
}

/* --- start ------------------------------------------------------------------------------------ */

static uint64_t words_for(uint64_t bits)
{
    return (bits + 63) / 64;
}

static size_t tables_size(const struct bench_memory *memory, unsigned cpus)
{
    uint64_t words = words_for(memory->pages);
    UNUSED(cpus);
    return sizeof(struct bitmap) + (words + words_for(words)) * sizeof(uint64_t);
}

static void *create(const struct bench_memory *memory, unsigned cpus, void *tables, size_t bytes)
{
    struct bitmap *s = tables;
    if (bytes < tables_size(memory, cpus))
        return NULL;
    *s = (struct bitmap){.base = memory->base, .pages = memory->pages};
    s->words = words_for(s->pages);
    s->used = (uint64_t *)(void *)(s + 1);
    s->full = s->used + s->words;
    memset(s->used, 0, (s->words + words_for(s->words)) * sizeof(uint64_t));
    if (s->pages % 64 != 0) /* the bits behind the end are never free */
        s->used[s->words - 1] = UINT64_MAX << (s->pages % 64);
    return s;
}

BENCH_LOOPS(bitmap, bitmap_alloc, bitmap_free);

const struct bench_allocator bench_bitmap = {
    .name = "bitmap",
    .tables_size = tables_size,
    .create = create,
    .alloc = bitmap_alloc,
    .free = bitmap_free,
    .loops = &bitmap_loops,
    .drain = drain,
    .taken = bench_taken_exactly,
    .flags = bench_no_flags,
};
