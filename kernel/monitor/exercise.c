#include "kernel/monitor/exercise.h"
#include "hal/hal.h"

#define WORDS     (HAL_PAGE_SIZE / 8)
#define RUN_MAX   32768u /* pages; fits the 16 bits of an entry */
#define BOOK_MAX  WORDS  /* pages of the book: all that one page can name */
#define SPOILED   9u
#define STEP      1024u /* pages between two calls of `step` */
#define CHECK_KEY 0x9E3779B97F4A7C15u

/* A run that was taken. Its entry in the book has the page number in 40 bits, the pages in 16, and
 * 8 bits of checksum, which tell whether the memory of the book has kept the entry. */
struct run {
    hal_paddr_t base;
    uint64_t pages;
};

struct exercise {
    struct pmm *pmm;
    enum exercise_pattern pattern;
    uint64_t seed, random;
    exercise_all_fn *all;
    exercise_step_fn *step;
    void *ctx;
    struct exercise_result *r;
    struct bad_list *bad;
    uint64_t *index; /* addresses of the book's pages */
    uint64_t book_pages;
    hal_paddr_t spoiled[SPOILED]; /* bad pages that were taken for the book */
    unsigned spoiled_count;
    uint32_t flags; /* of the zone that is being emptied */
    enum exercise_phase phase;
    uint32_t caller;              /* the CPU that does the round */
    struct hal_lock lock;         /* for the next piece, while CPUs share a phase */
    uint64_t next_run, next_page; /* where the next piece begins */
    uint64_t done, told, total;   /* pages of the phase: done by all, said to `step`, all */
    const char *wrong;
};

const char *exercise_phase_name(enum exercise_phase phase)
{
    static const char *const names[] = {
        "taking", "writing", "verifying", "writing the inverse", "verifying the inverse",
        "freeing"};
    return (unsigned)phase < EXERCISE_PHASES ? names[phase] : "?";
}

const char *exercise_pattern_name(enum exercise_pattern pattern)
{
    static const char *const names[] = {"address", "moving bit", "stride"};
    return (unsigned)pattern < EXERCISE_PATTERNS ? names[pattern] : "?";
}

static uint64_t chance(struct exercise *e, uint64_t below)
{
    e->random = e->random * 6364136223846793005u + 1442695040888963407u;
    return (e->random >> 33) % below;
}

static uint64_t value_of(const struct exercise *e, hal_paddr_t at, uint64_t inverse)
{
    uint64_t word = at / 8;
    if (e->pattern == EXERCISE_MOVING)
        return (uint64_t)1 << (word + e->seed) % 64 ^ inverse;
    if (e->pattern == EXERCISE_STRIDE)
        return (0 - (word >> e->seed % 16 & 1)) ^ inverse;
    return ((at ^ e->seed) * CHECK_KEY) ^ inverse;
}

/* The inverse is written from the other end. */
static void write_page(const struct exercise *e, hal_paddr_t page, uint64_t inverse)
{
    volatile uint64_t *word = hal_phys_to_virt(page);
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned at = inverse == 0 ? i : WORDS - 1 - i;
        word[at] = value_of(e, page + 8 * at, inverse);
    }
}

static void lock(struct exercise *e, hal_irq_t *irq)
{
    *irq = hal_irq_save();
    hal_lock(&e->lock);
}

static void unlock(struct exercise *e, hal_irq_t irq)
{
    hal_unlock(&e->lock);
    hal_irq_restore(irq);
}

static void tell_page(struct exercise *e, hal_paddr_t page, uint64_t words, uint64_t bits)
{
    __atomic_add_fetch(&e->r->bad_words, words, __ATOMIC_RELAXED);
    bad_list_note(e->bad, page, words, bits);
}

static bool verify_page(struct exercise *e, hal_paddr_t page, uint64_t inverse)
{
    const volatile uint64_t *word = hal_phys_to_virt(page);
    uint64_t bits = 0;
    uint64_t words = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t wrong = word[i] ^ value_of(e, page + 8 * i, inverse);
        words += wrong != 0;
        bits |= wrong;
    }
    if (bits != 0)
        tell_page(e, page, words, bits);
    return bits == 0;
}

static bool sound_page(struct exercise *e, hal_paddr_t page)
{
    write_page(e, page, 0);
    bool sound = verify_page(e, page, 0);
    write_page(e, page, UINT64_MAX);
    return verify_page(e, page, UINT64_MAX) && sound;
}

/* A sound page for the book, or HAL_PADDR_NONE. */
static hal_paddr_t book_page(struct exercise *e)
{
    for (;;) {
        hal_paddr_t page = pmm_alloc(e->pmm, 1, e->flags);
        if (page == HAL_PADDR_NONE || sound_page(e, page))
            return page;
        e->spoiled[e->spoiled_count++] = page;
        if (e->spoiled_count == SPOILED) {
            e->wrong = "too many bad pages to keep a book of what was taken";
            return HAL_PADDR_NONE;
        }
    }
}

static hal_paddr_t first_page(struct exercise *e)
{
    hal_paddr_t page = book_page(e);
    if (page != HAL_PADDR_NONE || e->wrong != NULL)
        return page;
    e->flags = PMM_DMA; /* the reserve may be all there is */
    return book_page(e);
}

static uint64_t *entry(const struct exercise *e, uint64_t which)
{
    uint64_t *page = hal_phys_to_virt(e->index[which / WORDS]);
    return &page[which % WORDS];
}

static uint64_t seal(uint64_t bits)
{
    return bits | (bits * CHECK_KEY) >> 56 << 56;
}

static void write_down(struct exercise *e, hal_paddr_t base, uint64_t pages)
{
    *entry(e, e->r->runs++) = seal(base >> HAL_PAGE_SHIFT | pages << 40);
    e->r->pages += pages;
}

/* Read entry `which`. False when the memory of the book has changed it. */
static bool look_up(struct exercise *e, uint64_t which, struct run *run)
{
    uint64_t bits = *entry(e, which);
    run->base = (bits & (((uint64_t)1 << 40) - 1)) << HAL_PAGE_SHIFT;
    run->pages = bits >> 40 & 0xFFFFu;
    if (seal(bits & (((uint64_t)1 << 56) - 1)) == bits)
        return true;
    e->wrong = "the memory that holds the book of what was taken has changed it";
    return false;
}

/* Make room for one more entry; false when there is none. */
static bool room(struct exercise *e)
{
    if (e->r->runs < e->book_pages * WORDS)
        return true;
    hal_paddr_t page = e->book_pages < BOOK_MAX ? book_page(e) : HAL_PADDR_NONE;
    if (page == HAL_PADDR_NONE)
        return false;
    e->index[e->book_pages++] = page;
    return true;
}

static bool over(const struct exercise *e)
{
    return __atomic_load_n(&e->r->stopped, __ATOMIC_RELAXED) || e->wrong != NULL;
}

static void tell(struct exercise *e, uint64_t done)
{
    e->told = done;
    if (!over(e) && !e->step(e->ctx, e->phase, done, e->total))
        __atomic_store_n(&e->r->stopped, true, __ATOMIC_RELAXED);
}

static void begin(struct exercise *e, enum exercise_phase phase, uint64_t total)
{
    e->phase = phase;
    e->total = total;
    e->done = 0;
    if (!over(e))
        tell(e, 0);
}

/* Every run that requests with these flags can have, the longest first. */
static void take(struct exercise *e, uint32_t flags)
{
    e->flags = flags;
    for (uint64_t pages = RUN_MAX; pages > 0 && !over(e) && room(e);) {
        hal_paddr_t base = pmm_alloc(e->pmm, (size_t)pages, flags);
        if (base != HAL_PADDR_NONE)
            write_down(e, base, pages);
        else
            pages -= 1 + chance(e, (pages + 1) / 2);
        tell(e, e->r->pages);
    }
}

static uint64_t free_pages(struct pmm *p)
{
    uint64_t sum = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(p, (enum pmm_zone)z, &s);
        sum += s.free + s.parked;
    }
    return sum;
}

static void take_all(struct exercise *e)
{
    begin(e, EXERCISE_TAKE, free_pages(e->pmm));
    take(e, 0);
    take(e, PMM_DMA);
    e->r->left_out = free_pages(e->pmm);
}

/* The next piece of the phase: pages of one run. False: there is no more, or the round is over. */
static bool next_piece(struct exercise *e, struct run *piece)
{
    hal_irq_t irq;
    struct run run;
    lock(e, &irq);
    bool more = e->next_run < e->r->runs && !over(e) && look_up(e, e->next_run, &run);
    if (more) {
        piece->base = run.base + e->next_page * HAL_PAGE_SIZE;
        piece->pages = hal_min_u64(run.pages - e->next_page, STEP);
        e->next_page += piece->pages;
        if (e->next_page == run.pages) {
            e->next_run++;
            e->next_page = 0;
        }
    }
    unlock(e, irq);
    return more;
}

static void do_piece(struct exercise *e, const struct run *piece)
{
    bool writes = e->phase == EXERCISE_WRITE || e->phase == EXERCISE_WRITE_INVERSE;
    uint64_t inverse = e->phase >= EXERCISE_WRITE_INVERSE ? UINT64_MAX : 0;
    for (uint64_t i = 0; i < piece->pages; i++) {
        uint64_t at = inverse == 0 ? i : piece->pages - 1 - i;
        if (writes)
            write_page(e, piece->base + at * HAL_PAGE_SIZE, inverse);
        else
            verify_page(e, piece->base + at * HAL_PAGE_SIZE, inverse);
    }
}

/* On every CPU that helps. */
static void share(void *arg)
{
    struct exercise *e = arg;
    struct run piece;
    uint64_t *mine = &e->r->by_cpu[hal_cpu_index() % EXERCISE_CPUS];
    while (next_piece(e, &piece)) {
        do_piece(e, &piece);
        __atomic_add_fetch(mine, piece.pages, __ATOMIC_RELAXED);
        uint64_t done = __atomic_add_fetch(&e->done, piece.pages, __ATOMIC_RELAXED);
        if (hal_cpu_index() == e->caller)
            tell(e, done);
    }
}

static void do_all(struct exercise *e, enum exercise_phase phase)
{
    begin(e, phase, e->r->pages);
    e->next_run = e->next_page = 0;
    e->all(share, e);
    if (e->told != e->done) /* others have done the last piece */
        tell(e, e->done);
}

static void give(struct exercise *e, hal_paddr_t base, uint64_t pages)
{
    if (pmm_free(e->pmm, base, (size_t)pages) != MM_OK)
        e->wrong = "the page allocator does not take back what it gave";
}

/* Give all runs back, in random order. This is done even when everything else has gone wrong. */
static void give_all(struct exercise *e)
{
    struct run run;
    uint64_t given = 0;
    begin(e, EXERCISE_GIVE, e->r->pages);
    for (uint64_t left = e->r->runs; left > 0; left--) {
        uint64_t which = chance(e, left);
        if (look_up(e, which, &run)) {
            give(e, run.base, run.pages);
            given += run.pages;
        }
        *entry(e, which) = *entry(e, left - 1);
        if (!over(e))
            tell(e, given);
    }
    for (uint64_t i = 0; i < e->book_pages; i++)
        give(e, e->index[i], 1);
}

static bool same(const struct pmm_stats *a, const struct pmm_stats *b)
{
    return a->total == b->total && a->free == b->free && a->parked == b->parked &&
           a->runs == b->runs && a->largest_run == b->largest_run &&
           a->free_blocks == b->free_blocks && a->allocs - a->frees == b->allocs - b->frees;
}

static void run_round(struct exercise *e, hal_paddr_t index)
{
    e->index = hal_phys_to_virt(index);
    take_all(e);
    e->r->work = 4 * e->r->pages;
    for (unsigned phase = EXERCISE_WRITE; phase <= EXERCISE_VERIFY_INVERSE; phase++)
        do_all(e, (enum exercise_phase)phase);
    give_all(e);
    e->r->pages += 1 + e->book_pages + e->spoiled_count;
    give(e, index, 1);
}

const char *exercise_round(struct pmm *p, enum exercise_pattern pattern, uint64_t seed,
                           exercise_all_fn *all, exercise_step_fn *step, void *ctx,
                           struct exercise_result *r, struct bad_list *bad)
{
    struct exercise e = {.pmm = p,
                         .pattern = pattern,
                         .seed = seed,
                         .random = seed,
                         .all = all,
                         .step = step,
                         .ctx = ctx,
                         .r = r,
                         .bad = bad,
                         .caller = hal_cpu_index()};
    struct pmm_stats before[PMM_ZONE_COUNT], after;
    *r = (struct exercise_result){.runs = 0};
    pmm_drain(p);
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
        pmm_stats(p, (enum pmm_zone)z, &before[z]);
    hal_paddr_t index = first_page(&e);
    if (index != HAL_PADDR_NONE)
        run_round(&e, index);
    else if (e.wrong == NULL)
        e.wrong = "no page is free";
    for (unsigned i = 0; i < e.spoiled_count; i++)
        give(&e, e.spoiled[i], 1);
    pmm_drain(p);
    for (unsigned z = 0; z < PMM_ZONE_COUNT && e.wrong == NULL; z++) {
        pmm_stats(p, (enum pmm_zone)z, &after);
        if (!same(&before[z], &after))
            e.wrong = "the zones' figures are not what they were before";
    }
    return e.wrong != NULL ? e.wrong : pmm_check(p);
}
