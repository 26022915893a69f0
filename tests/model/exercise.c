/* The exerciser (kernel/monitor/exercise.h) on fake RAM whose faults are planted: bits that stick, pages that
 * two addresses share, words that change by themselves. What it must find is known from the planting
 * alone. Usage: model-exercise [EVERY]: of the bits that stick in a page try one in so many, all by default.
 *
 * needs: kernel/monitor/bad_list.c -O2
 * takes: 12 s
 * brief: 5
 */
#include "hal/hal.h"
#include "hal/host/host.h"
#include "hal/short.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *faulty(hal_paddr_t at);
#define hal_phys_to_virt(at) faulty(at)
#include "kernel/monitor/exercise.c"
#undef hal_phys_to_virt

#include "tests/model/expect.h"

#define FAULTS_MAX 1024u
#define RAM        (5 * GIB)

/* A bit that sticks at a value. */
static struct {
    hal_paddr_t page;
    unsigned word, bit;
    bool at;
} faults[FAULTS_MAX];
static unsigned fault_count;
static unsigned every = 1;

/* Each access of one page flips a bit of another, once it is set. */
static hal_paddr_t disturber, disturbed;

/* Every access of the exerciser's comes by here: before each the bits stick anew. */
static void *faulty(hal_paddr_t at)
{
    for (unsigned i = 0; i < fault_count; i++) {
        uint64_t *word = (uint64_t *)hal_phys_to_virt(faults[i].page) + faults[i].word;
        uint64_t bit = (uint64_t)1 << faults[i].bit;
        if (faults[i].page == hal_align_down(at, HAL_PAGE_SIZE))
            *word = faults[i].at ? *word | bit : *word & ~bit;
    }
    if (disturber != 0 && disturber == hal_align_down(at, HAL_PAGE_SIZE))
        *(uint64_t *)hal_phys_to_virt(disturbed) ^= 0x100;
    return hal_phys_to_virt(at);
}

/* Memory in all three zones, holes between; page 0x300000 on has an owner, and so is no part. */
#define OWNED      (3 * MIB)
#define OWNED_SIZE (64 * KIB)
static const struct mem_region layout[] = {
    {.base = MIB, .size = 2 * MIB, .type = MEM_USABLE},
    {.base = OWNED, .size = OWNED_SIZE, .type = MEM_USABLE, .label = "screen"},
    {.base = OWNED + OWNED_SIZE, .size = 64 * KIB, .type = MEM_USABLE},
    {.base = 20 * MIB, .size = 2 * MIB + 12 * KIB, .type = MEM_USABLE},
    {.base = 4 * GIB, .size = 28 * KIB, .type = MEM_USABLE},
};
#define PAGES (512u + 16u + 515u + 7u)

static struct mem_region regions[ARRAY_LEN(layout)];
static struct memmap map;
static struct pmm *pmm;
static void *tables;

static void make(void)
{
    memcpy(regions, layout, sizeof regions);
    map = (struct memmap){.regions = regions,
                          .capacity = ARRAY_LEN(layout),
                          .count = ARRAY_LEN(layout),
                          .limit = (uint64_t)1 << 52,
                          .normalized = true};
    size_t bytes = pmm_tables_size(&map, 1);
    tables = aligned_alloc(64, hal_align_up(bytes, 64));
    fault_count = 0;
    if (pmm_create_in(&map, 1, tables, bytes, &pmm) != MM_OK)
        abort();
}

static void drop(void)
{
    free(tables);
}

static hal_paddr_t page_of(unsigned number)
{
    for (unsigned i = 0; i < ARRAY_LEN(layout); i++) {
        uint64_t pages = layout[i].label == NULL ? layout[i].size / HAL_PAGE_SIZE : 0;
        if (number < pages)
            return layout[i].base + number * HAL_PAGE_SIZE;
        number -= (unsigned)pages;
    }
    abort();
}

static void plant(unsigned number, unsigned word, unsigned bit, bool at)
{
    faults[fault_count].page = page_of(number);
    faults[fault_count].word = word;
    faults[fault_count].bit = bit;
    faults[fault_count++].at = at;
}

/* Runs of memory and what they are, but for where the parked pages lie. */
struct picture {
    uint64_t hash, free, allocated, runs;
};

static void meet(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct picture *p = ctx;
    p->hash = ((p->hash * 31 + base) * 31 + pages) * 31 + (uint64_t)kind;
    p->runs++;
    p->free += kind == PMM_RUN_FREE ? pages : 0;
    p->allocated += kind == PMM_RUN_ALLOCATED ? pages : 0;
}

static struct picture look_at(void)
{
    struct picture p = {.hash = 0};
    pmm_drain(pmm);
    pmm_walk(pmm, meet, &p);
    return p;
}

static bool same_picture(struct picture a, struct picture b)
{
    return a.hash == b.hash && a.free == b.free && a.allocated == b.allocated && a.runs == b.runs;
}

static struct exercise_result result;
static struct bad_entry bad_entries[2048];
static struct bad_list bad;
static size_t bad_room = 2048;
static enum exercise_pattern pattern;

/* One CPU after the other: what each finds must not depend on when it comes. */
static void on_all(void (*fn)(void *), void *arg)
{
    for (uint32_t cpu = 0; cpu < 3; cpu++) {
        host_set_cpu(cpu);
        fn(arg);
    }
    host_set_cpu(0);
}

/* In each phase another CPU comes first, and does it all. */
static void in_turn(void (*fn)(void *), void *arg)
{
    static uint32_t first;
    for (uint32_t i = 0; i < 3; i++) {
        host_set_cpu((first + i) % 3);
        fn(arg);
    }
    first++;
    host_set_cpu(0);
}

static bool go_on(void *ctx, enum exercise_phase phase, uint64_t done, uint64_t total)
{
    UNUSED(ctx);
    UNUSED(phase);
    return done <= total;
}

/* A round, after which all must be as before. */
static const char *run_round_with(uint64_t seed, exercise_step_fn *step, void *ctx)
{
    struct picture before = look_at();
    bad_list_init(&bad, bad_entries, bad_room);
    const char *wrong = exercise_round(pmm, pattern, seed, on_all, step, ctx, &result, &bad);
    EXPECT(same_picture(before, look_at()));
    EXPECT(pmm_check(pmm) == NULL);
    return wrong;
}

static const char *round_with(uint64_t seed)
{
    return run_round_with(seed, go_on, NULL);
}

static bool listed(hal_paddr_t page, uint64_t bits)
{
    for (size_t i = 0; i < bad.count; i++)
        if (bad.entry[i].base == page)
            return bad.entry[i].pages == 1 && bad.entry[i].bits == bits;
    return false;
}

static void sound_memory(void)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        make();
        hal_paddr_t held = seed % 2 != 0 ? pmm_alloc(pmm, 1 + (size_t)seed, 0) : HAL_PADDR_NONE;
        EXPECT(round_with(seed) == NULL);
        EXPECT(result.pages == PAGES - (held != HAL_PADDR_NONE ? 1 + seed : 0));
        EXPECT(result.left_out == 0 && !result.stopped);
        EXPECT(result.bad_words == 0 && bad.count == 0);
        drop();
    }
}

/* Two pages are the book's. */
static void work_by_cpu(void)
{
    make();
    EXPECT(exercise_round(pmm, pattern, 1, in_turn, go_on, NULL, &result, &bad) == NULL);
    EXPECT(result.work == 4 * (PAGES - 2));
    EXPECT(result.by_cpu[0] == 2 * (PAGES - 2)); /* the first phase and the last */
    EXPECT(result.by_cpu[1] == PAGES - 2 && result.by_cpu[2] == PAGES - 2);
    EXPECT(round_with(2) == NULL && result.by_cpu[0] == result.work && result.by_cpu[1] == 0);
    drop();
}

/* A bit that sticks is wrong in exactly one of a value and its inverse. */
static void each_page(void)
{
    for (unsigned number = 0; number < PAGES; number += every) {
        make();
        unsigned word = number * 7 % 512;
        plant(number, word, number % 64, number % 3 == 0);
        EXPECT(round_with(number) == NULL);
        EXPECT(bad.count == 1 && result.bad_words == 1);
        EXPECT(listed(page_of(number), (uint64_t)1 << number % 64));
        EXPECT(result.pages == PAGES && result.left_out == 0);
        drop();
    }
}

static void each_pattern(void)
{
    for (unsigned p = 0; p < EXERCISE_PATTERNS; p++) {
        pattern = (enum exercise_pattern)p;
        for (unsigned i = 0; i < 256; i += every) {
            make();
            plant(100 + i, i * 2 % 512, i % 64, i < 128);
            EXPECT(round_with(i) == NULL);
            EXPECT(bad.count == 1 && result.bad_words == 1 && bad.entry[0].words == 1);
            EXPECT(listed(page_of(100 + i), (uint64_t)1 << i % 64));
            drop();
        }
        EXPECT(strlen(exercise_pattern_name(pattern)) > 5);
    }
    pattern = EXERCISE_ADDRESS;
    EXPECT(strcmp(exercise_pattern_name(EXERCISE_PATTERNS), "?") == 0);
}

/* Whichever of two neighbours disturbs the other. */
static void coupled_pages(void)
{
    for (unsigned p = 0; p < EXERCISE_PATTERNS; p++)
        for (unsigned up = 0; up < 2; up++) {
            make();
            pattern = (enum exercise_pattern)p;
            disturber = page_of(300 + up);
            disturbed = page_of(301 - up);
            EXPECT(round_with(p) == NULL);
            EXPECT(bad.count >= 1 && listed(disturbed, 0x100));
            disturber = 0;
            drop();
        }
    pattern = EXERCISE_ADDRESS;
}

static void many_pages(void)
{
    for (unsigned count = 2; count <= 1000; count += 499) {
        make();
        for (unsigned i = 0; i < count; i++)
            plant(20 + i, i % 512, i % 64, i % 2 == 0);
        EXPECT(round_with(count) == NULL);
        EXPECT(bad.count == count && result.bad_words == count);
        unsigned found = 0;
        for (unsigned i = 0; i < count; i++)
            found += listed(page_of(20 + i), (uint64_t)1 << i % 64) && bad.entry[i].words == 1;
        EXPECT(found == count);
        drop();
    }
}

/* A list that is too small loses none of them. */
static void little_room(void)
{
    make();
    bad_room = 8;
    for (unsigned i = 0; i < 100; i++)
        plant(20 + i * 7, i, i % 64, i % 2 == 0);
    EXPECT(round_with(3) == NULL);
    uint64_t words = 0;
    for (size_t i = 0; i < bad.count; i++)
        words += bad.entry[i].words;
    EXPECT(bad.count == 7 && words == 100 && result.bad_words == 100);
    for (unsigned i = 0; i < 100; i++) {
        bool inside = false;
        for (size_t k = 0; k < bad.count; k++)
            inside |= page_of(20 + i * 7) - bad.entry[k].base < bad.entry[k].pages * HAL_PAGE_SIZE;
        EXPECT(inside);
    }
    bad_room = 2048;
    drop();
}

/* Two bits of one page, one page in two rounds: one row of the list, both bits in it. */
static void list_goes_on(void)
{
    make();
    plant(700, 3, 5, true);
    plant(700, 4, 9, false);
    EXPECT(round_with(1) == NULL);
    EXPECT(bad.count == 1 && result.bad_words == 2);
    EXPECT(listed(page_of(700), 1u << 5 | 1u << 9));
    fault_count = 0;
    plant(700, 511, 63, true);
    plant(30, 0, 0, true);
    EXPECT(exercise_round(pmm, pattern, 2, on_all, go_on, NULL, &result, &bad) == NULL);
    EXPECT(bad.count == 2 && result.bad_words == 2);
    EXPECT(listed(page_of(700), 1u << 5 | 1u << 9 | (uint64_t)1 << 63));
    EXPECT(listed(page_of(30), 1));
    drop();
}

static void everything_bad(void)
{
    make();
    EXPECT(pmm_claim(pmm, page_of(128), 512 - 128) == MM_OK);
    EXPECT(pmm_claim(pmm, page_of(512), 16) == MM_OK);
    EXPECT(pmm_claim(pmm, page_of(528), 515) == MM_OK);
    EXPECT(pmm_claim(pmm, page_of(1043), 7) == MM_OK);
    for (unsigned i = 0; i < 128; i++)
        plant(i, 0, 0, i % 2 == 0);
    const char *wrong = round_with(1);
    EXPECT(wrong != NULL && strstr(wrong, "too many bad pages") != NULL);
    EXPECT(bad.count == 9);
    drop();
}

/* Two addresses lead to one page: what is written last is there. */
static void shared_page(void)
{
    make();
    hal_paddr_t a = 20 * MIB + 40 * HAL_PAGE_SIZE;
    hal_paddr_t b = 20 * MIB + 300 * HAL_PAGE_SIZE;
    int file = memfd_create("page", 0);
    EXPECT(file >= 0 && ftruncate(file, HAL_PAGE_SIZE) == 0);
    EXPECT(mmap(hal_phys_to_virt(a), HAL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                file, 0) != MAP_FAILED);
    EXPECT(mmap(hal_phys_to_virt(b), HAL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                file, 0) != MAP_FAILED);
    EXPECT(round_with(5) == NULL);
    EXPECT(bad.count == 2 && result.bad_words == 2 * 512);
    /* The last that was written is right, and the inverse begins at the other end. */
    EXPECT(bad.entry[0].base == a && bad.entry[1].base == b);
    EXPECT(bad.entry[0].words == 512 && bad.entry[1].words == 512);
    close(file);
    drop();
    host_ram_create(RAM);
}

/* At a step of a phase a word changes by itself, in a page that is seen only afterwards. */
struct flip {
    enum exercise_phase phase;
    hal_paddr_t page;
    bool done;
};

static bool flip(void *ctx, enum exercise_phase phase, uint64_t done, uint64_t total)
{
    struct flip *f = ctx;
    if (phase == f->phase && done == total && !f->done) {
        *((uint64_t *)hal_phys_to_virt(f->page) + 17) ^= 0xF0;
        f->done = true;
    }
    return true;
}

static void changed_memory(void)
{
    static const enum exercise_phase written[] = {EXERCISE_WRITE, EXERCISE_WRITE_INVERSE};
    for (unsigned i = 0; i < 2; i++) {
        make();
        struct flip f = {written[i], page_of(100), false};
        EXPECT(run_round_with(9, flip, &f) == NULL);
        EXPECT(f.done && result.bad_words == 1 && bad.count == 1);
        EXPECT(listed(page_of(100), 0xF0));
        drop();
    }
}

/* Stopped at its k-th step, for every k there is. */
struct stop {
    unsigned at, steps;
    enum exercise_phase last;
    uint64_t done;
    bool disordered;
};

static bool stop(void *ctx, enum exercise_phase phase, uint64_t done, uint64_t total)
{
    struct stop *s = ctx;
    s->disordered |= phase < s->last || done > total || (phase == s->last && done < s->done);
    s->disordered |= total > PAGES;
    s->last = phase;
    s->done = done;
    return ++s->steps != s->at;
}

static void stopped(void)
{
    unsigned at = 1;
    for (;; at++) {
        struct stop s = {.at = at};
        make();
        EXPECT(run_round_with(at, stop, &s) == NULL);
        EXPECT(!s.disordered && bad.count == 0);
        drop();
        if (!result.stopped) {
            EXPECT(s.last == EXERCISE_GIVE);
            break;
        }
        EXPECT(s.steps == at);
    }
    EXPECT(at > EXERCISE_PHASES);
}

/* What lies where: each page of the allocator's, and no page of anyone else's. */
static uint64_t first_words[PAGES];

static bool remember(void *ctx, enum exercise_phase phase, uint64_t done, uint64_t total)
{
    UNUSED(ctx);
    if (phase == EXERCISE_WRITE && done == total)
        for (unsigned i = 0; i < PAGES; i++)
            first_words[i] = *(uint64_t *)hal_phys_to_virt(page_of(i));
    return true;
}

static unsigned count_of(uint64_t value)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PAGES; i++)
        count += first_words[i] == value;
    return count;
}

/* What a pattern is for, told here once more: bits of one word that differ from those beside them in place,
 * and words that differ from those at each distance. */
static void patterns_differ(void)
{
    make();
    pattern = EXERCISE_MOVING;
    EXPECT(run_round_with(5, remember, NULL) == NULL);
    for (unsigned i = 0; i < 40; i++)
        EXPECT(first_words[i + 1] == (uint64_t)1 << 5);
    const uint64_t *words = hal_phys_to_virt(page_of(300)); /* as the inverse has left it */
    for (unsigned i = 0; i < 512; i++)
        EXPECT(words[i] == ~((uint64_t)1 << (i + 5) % 64));
    pattern = EXERCISE_STRIDE;
    for (unsigned shift = 9; shift < 16; shift++) {
        EXPECT(run_round_with(shift, remember, NULL) == NULL);
        for (unsigned i = 1; i < 400; i++) {
            bool same = (page_of(i) >> 3 >> shift & 1) == (page_of(i + 1) >> 3 >> shift & 1);
            EXPECT(same == (first_words[i] == first_words[i + 1]));
        }
    }
    pattern = EXERCISE_ADDRESS;
    drop();
}

static void only_free_memory(void)
{
    make();
    hal_paddr_t held = pmm_alloc(pmm, 3, 0);
    for (unsigned i = 0; i < PAGES; i++)
        memset(hal_phys_to_virt(page_of(i)), 0xC3, HAL_PAGE_SIZE);
    memset(hal_phys_to_virt(OWNED), 0xC3, OWNED_SIZE);
    EXPECT(run_round_with(3, remember, NULL) == NULL);
    EXPECT(count_of(0xC3C3C3C3C3C3C3C3u) == 3);
    unsigned alike = 0;
    for (unsigned i = 0; i < PAGES; i++)
        alike += count_of(first_words[i]) != 1;
    EXPECT(alike == 3); /* no two pages have the same value but those three */
    const unsigned char *bytes = hal_phys_to_virt(OWNED);
    unsigned touched = 0;
    for (unsigned i = 0; i < OWNED_SIZE; i++)
        touched += bytes[i] != 0xC3;
    bytes = hal_phys_to_virt(held);
    for (unsigned i = 0; i < 3 * HAL_PAGE_SIZE; i++)
        touched += bytes[i] != 0xC3;
    EXPECT(touched == 0);
    uint64_t kept = first_words[PAGES - 1];
    EXPECT(run_round_with(4, remember, NULL) == NULL && first_words[PAGES - 1] != kept);
    EXPECT(run_round_with(3, remember, NULL) == NULL && first_words[PAGES - 1] == kept);
    drop();
}

static void no_memory(void)
{
    make();
    while (pmm_alloc(pmm, 1, PMM_DMA32) != HAL_PADDR_NONE ||
           pmm_alloc(pmm, 1, PMM_DMA) != HAL_PADDR_NONE || pmm_alloc(pmm, 1, 0) != HAL_PADDR_NONE)
        continue;
    const char *wrong = round_with(1);
    EXPECT(wrong != NULL && strcmp(wrong, "no page is free") == 0 && result.pages == 0);
    drop();
}

/* Free memory in single pages, more of them than a page of the book has entries. */
static void splinters(void)
{
    make();
    static hal_paddr_t all[PAGES];
    unsigned count = 0;
    while (count < PAGES &&
           (all[count] = pmm_alloc(pmm, 1, count < 500 ? PMM_DMA : 0)) != HAL_PADDR_NONE)
        count++;
    for (unsigned i = 0; i < count; i++)
        EXPECT((all[i] >> HAL_PAGE_SHIFT) % 2 == 0 || pmm_free(pmm, all[i], 1) == MM_OK);
    uint64_t free = look_at().free;
    plant(601, 100, 1, true);
    plant(602, 100, 1, false);
    EXPECT(round_with(77) == NULL);
    EXPECT(free > 500 && result.pages == free && result.left_out == 0 && bad.count == 1);
    drop();
}

/* The book itself changes: what it named is lost, and that is said. */
static bool spoil_book(void *ctx, enum exercise_phase phase, uint64_t done, uint64_t total)
{
    uint64_t *lost = ctx;
    for (unsigned i = 0; i < PAGES && phase == EXERCISE_VERIFY && done == total; i++) {
        uint64_t *first = hal_phys_to_virt(page_of(i));
        uint64_t pages = *first >> 40 & 0xFFFF;
        uint64_t base = *first << 24 >> 12;
        if (pages - 1 < 515 && base % HAL_PAGE_SIZE == 0 && memmap_find(&map, base) != NULL) {
            *first ^= 4;
            *lost = pages;
        }
    }
    return true;
}

static void changed_book(void)
{
    make();
    uint64_t lost = 0;
    uint64_t before = look_at().free;
    const char *wrong = exercise_round(pmm, pattern, 1, on_all, spoil_book, &lost, &result, &bad);
    EXPECT(lost != 0 && wrong != NULL && strstr(wrong, "book") != NULL);
    EXPECT(pmm_check(pmm) == NULL && look_at().free == before - lost);
    drop();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        every = (unsigned)strtoul(argv[1], NULL, 0);
    if (every == 0)
        return 2;
    host_ram_create(RAM);
    expect_run("sound memory passes, all of it is taken, and the figures come back", sound_memory);
    expect_run("the pages that each CPU has done are counted", work_by_cpu);
    expect_run("a bit that sticks is found, in each page, and nothing else is blamed", each_page);
    expect_run("each pattern finds a bit that sticks, at 0 and at 1", each_pattern);
    expect_run("patterns differ as the header says", patterns_differ);
    expect_run("a page that another one's accesses change is found, whichever comes first",
               coupled_pages);
    expect_run("many bad pages are all found, one by one", many_pages);
    expect_run("a list with little room loses no bad page", little_room);
    expect_run("the list goes on from round to round", list_goes_on);
    expect_run("memory too bad for the book is said to be so, and given back", everything_bad);
    expect_run("two addresses that lead to one page are found", shared_page);
    expect_run("a word that changes after it was written is found", changed_memory);
    expect_run("stopped at any step, everything is given back", stopped);
    expect_run("memory with an owner is never written, and each page has its own values",
               only_free_memory);
    expect_run("no free page is a sentence", no_memory);
    expect_run("memory in single pages is taken whole", splinters);
    expect_run("a book that has changed is noticed", changed_book);
    return expect_total();
}
