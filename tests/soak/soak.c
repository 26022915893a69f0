/* tests/soak: eight CPUs do every operation of the allocator and of address spaces at once, for as
 * long as one likes. Contents are compared, and every two seconds all stop and all is counted.
 *
 *     build/host/soak [SECONDS [SEED]]      (make soak TIME=...)
 *
 * The CPUs share one allocator, from which table pages come too. Each CPU has a space of its own;
 * all share the kernel's half, which has a lock. Each page of a run that is held says at its begin
 * and at its end whose it is and where it lies. An array with an entry for each page says what a
 * space maps. At a stop no CPU is inside a call. Then pmm_check and every aspace_check must pass,
 * aspace_query must agree with every entry of every array, and the pages that nobody holds must all
 * be free. In every other round free pages are filled with junk, which is looked at when they are
 * taken. The program ends with counts, then "N passed, N failed" (stops). A wrong answer ends it at
 * once. */
#include "hal/hal.h"
#include "hal/host/host.h"
#include "hal/short.h"
#include "mm/aspace.h"
#include "mm/pmm.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CPUS      8u
#define HELD      400u
#define WINDOW    2048u /* pages that a space maps and unmaps; over table and large page borders */
#define ROUND_NS  2000000000u
#define RAM_HIGH  (4 * GIB)
#define USER_AT   (512 * GIB - 3 * MIB)
#define KERNEL_AT ((hal_vaddr_t)0xffffd00000000000)
#define FAKE_PHYS (64 * GIB) /* mapped and never touched: the fake machine has no RAM there */
#define UNMAPPED  UINT64_MAX

struct held {
    hal_paddr_t base;
    size_t pages;
    uint64_t word;
};

/* What one half of a space maps. */
struct window {
    hal_vaddr_t at;
    uint32_t base_prot;
    hal_paddr_t phys[WINDOW];
    uint32_t prot[WINDOW];
};

enum operation {
    OP_TAKE,
    OP_TAKE_ALIGNED,
    OP_TAKE_ZERO,
    OP_REFUSED,
    OP_GIVE,
    OP_CLAIM,
    OP_MISUSE,
    OP_DRAIN,
    OP_STATS,
    OP_MAP,
    OP_UNMAP,
    OP_PROTECT,
    OP_QUERY,
    OP_SPACE,
    OP_COUNT
};
static const char *const names[OP_COUNT] = {"runs taken",
                                            "aligned runs taken",
                                            "zeroed runs taken",
                                            "requests refused",
                                            "runs given back",
                                            "runs claimed",
                                            "misuses found",
                                            "drains",
                                            "statistics",
                                            "maps",
                                            "unmaps",
                                            "protects",
                                            "queries",
                                            "spaces made anew"};

struct cpu {
    pthread_t thread;
    uint32_t index;
    uint64_t rng;
    struct held held[HELD];
    unsigned count;
    struct aspace space;
    struct page_source source;
    struct window window;
    uint64_t done[OP_COUNT];
};

static struct pmm *pmm;
static struct cpu cpus[CPUS];
static struct aspace kernel;
static struct window kernel_window;
static pthread_mutex_t kernel_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t stop_line;
static uint64_t stop_time, end_time; /* written at a stop */
static uint64_t usable, stops;
static bool over;

static uint64_t now(void)
{
    return hal_cycles(); /* of the desk: nanoseconds */
}

static _Noreturn void fail(const char *what, uint64_t where)
{
    printf("CPU %u: %s (0x%" PRIx64 ")\n0 passed, 1 failed\n", hal_cpu_index(), what, where);
    fflush(stdout);
    _Exit(1);
}

static void must(bool ok, const char *what, uint64_t where)
{
    if (!ok)
        fail(what, where);
}

static uint64_t below(struct cpu *c, uint64_t limit)
{
    c->rng ^= c->rng << 13;
    c->rng ^= c->rng >> 7;
    c->rng ^= c->rng << 17;
    return (c->rng >> 11) % limit;
}

/* ---- runs ---- */

static void write_run(const struct held *h)
{
    for (size_t i = 0; i < h->pages; i++) {
        uint64_t *page = hal_phys_to_virt(h->base + i * HAL_PAGE_SIZE);
        page[0] = page[511] = h->word + i;
    }
}

static void compare_run(const struct held *h)
{
    for (size_t i = 0; i < h->pages; i++) {
        const uint64_t *page = hal_phys_to_virt(h->base + i * HAL_PAGE_SIZE);
        must(page[0] == h->word + i && page[511] == h->word + i,
             "somebody wrote into a run that is held", h->base + i * HAL_PAGE_SIZE);
    }
}

static void keep(struct cpu *c, hal_paddr_t base, size_t pages)
{
    struct held *h = &c->held[c->count++];
    *h = (struct held){base, pages, base ^ c->rng << 16 ^ c->index};
    write_run(h);
}

static void check_zero(hal_paddr_t base, size_t pages)
{
    const uint64_t *word = hal_phys_to_virt(base);
    for (size_t i = 0; i < pages * 512; i += 1 + i % 61)
        must(word[i] == 0, "PMM_ZERO gave a page that is not zero", base + i * 8);
}

struct request {
    size_t pages;
    uint64_t align;
    uint32_t flags;
};

/* Mostly one page, sometimes a long run; any flags and any alignment. */
static struct request choose_request(struct cpu *c)
{
    uint64_t kind = below(c, 100);
    size_t pages = kind < 75 ? 1 : kind < 97 ? 2 + below(c, 60) : 100 + below(c, 600);
    uint32_t flags = below(c, 3) != 0 ? 0 : (uint32_t)below(c, 16);
    uint64_t align = below(c, 8) == 0 ? HAL_PAGE_SIZE << below(c, 10) : HAL_PAGE_SIZE;
    return (struct request){pages, align, flags};
}

static enum operation operation_of(const struct request *r, hal_paddr_t base)
{
    return base == HAL_PADDR_NONE       ? OP_REFUSED
           : (r->flags & PMM_ZERO) != 0 ? OP_TAKE_ZERO
           : r->align != HAL_PAGE_SIZE  ? OP_TAKE_ALIGNED
                                        : OP_TAKE;
}

static void check_answer(const struct request *r, hal_paddr_t base)
{
    hal_paddr_t end = base + r->pages * HAL_PAGE_SIZE;
    must(base % r->align == 0, "a run is not aligned", base);
    must((r->flags & PMM_DMA) == 0 || end <= PMM_DMA_LIMIT, "PMM_DMA gave high memory", base);
    must((r->flags & PMM_DMA32) == 0 || end <= PMM_DMA32_LIMIT, "PMM_DMA32 gave high memory", base);
    if ((r->flags & PMM_ZERO) != 0)
        check_zero(base, r->pages);
}

static void take(struct cpu *c)
{
    struct request r = choose_request(c);
    hal_paddr_t base = r.align == HAL_PAGE_SIZE ? pmm_alloc(pmm, r.pages, r.flags)
                                                : pmm_alloc_aligned(pmm, r.pages, r.align, r.flags);
    c->done[operation_of(&r, base)]++;
    if (base == HAL_PADDR_NONE)
        return;
    check_answer(&r, base);
    keep(c, base, r.pages);
}

static void give(struct cpu *c)
{
    uint64_t i = below(c, c->count);
    struct held h = c->held[i];
    compare_run(&h);
    must(pmm_free(pmm, h.base, h.pages) == MM_OK, "a right free was refused", h.base);
    c->held[i] = c->held[--c->count];
    c->done[OP_GIVE]++;
}

static void claim(struct cpu *c)
{
    hal_paddr_t base = (below(c, 2) == 0 ? 16 * MIB : RAM_HIGH) + below(c, 15000) * HAL_PAGE_SIZE;
    size_t pages = 1 + below(c, 8);
    mm_status_t s = pmm_claim(pmm, base, pages);
    must(s == MM_OK || s == MM_BUSY || s == MM_FOREIGN || s == MM_RESERVED,
         "a claim was answered wrongly", base);
    if (s == MM_OK)
        keep(c, base, pages);
    c->done[OP_CLAIM] += s == MM_OK;
}

static void misuse(struct cpu *c)
{
    const struct held *h = &c->held[below(c, c->count)];
    must(pmm_free(pmm, h->base, h->pages + 1) == MM_WRONG_LENGTH, "a wrong length was not seen",
         h->base);
    must(h->pages == 1 || pmm_free(pmm, h->base + HAL_PAGE_SIZE, 1) == MM_INTERIOR,
         "a free inside a run was not seen", h->base);
    must(pmm_free(pmm, h->base + 8, h->pages) == MM_NOT_PAGE, "a free of no page was not seen",
         h->base);
    must(pmm_free(pmm, FAKE_PHYS, 1) == MM_FOREIGN, "a free of foreign memory was not seen",
         FAKE_PHYS);
    must(pmm_claim(pmm, h->base, h->pages) == MM_BUSY, "a claim of a held run was not refused",
         h->base);
    c->done[OP_MISUSE]++;
}

static void look_at_stats(struct cpu *c)
{
    struct pmm_stats s;
    pmm_stats(pmm, (enum pmm_zone)below(c, PMM_ZONE_COUNT), &s);
    must(s.free + s.parked <= s.total && s.largest_run <= s.free,
         "the statistics do not hold together", s.free);
    c->done[OP_STATS]++;
}

/* The rare operations. False when `kind` is none of them, or when it cannot be done now. */
static bool step_rare(struct cpu *c, uint64_t kind)
{
    if (kind == 0)
        pmm_drain(pmm), c->done[OP_DRAIN]++;
    else if (kind == 1)
        look_at_stats(c);
    else if (kind < 6 && c->count > 0)
        misuse(c);
    else if (kind < 10 && c->count < HELD)
        claim(c);
    else
        return false;
    return true;
}

static void step_pages(struct cpu *c, bool filling)
{
    uint64_t kind = below(c, 256);
    if (step_rare(c, kind))
        return;
    if (c->count < HELD && (kind < (filling ? 180u : 90u) || c->count == 0))
        take(c);
    else if (c->count > 0)
        give(c);
}

/* ---- spaces ---- */

static hal_paddr_t table_alloc(void *ctx)
{
    UNUSED(ctx);
    return pmm_alloc(pmm, 1, PMM_KERNEL);
}

static void table_free(void *ctx, hal_paddr_t page)
{
    UNUSED(ctx);
    must(pmm_free(pmm, page, 1) == MM_OK, "a table cannot be given back", page);
}

/* The number of pages of [first, first + count) that are mapped. */
static size_t mapped(const struct window *w, size_t first, size_t count)
{
    size_t n = 0;
    for (size_t i = first; i < first + count; i++)
        n += w->phys[i] != UNMAPPED;
    return n;
}

/* A call may always answer MM_NO_MEMORY, and then it has changed nothing. True when the call
 * was carried out. */
static bool judged(mm_status_t got, mm_status_t want, hal_vaddr_t at)
{
    must(got == want || (want == MM_OK && got == MM_NO_MEMORY), "a space answered wrongly", at);
    return got == MM_OK;
}

static void map(struct cpu *c, struct aspace *as, struct window *w, size_t first, size_t count)
{
    hal_paddr_t phys = FAKE_PHYS + (below(c, 4) == 0 ? below(c, 1024) : first) * HAL_PAGE_SIZE;
    uint32_t prot = w->base_prot | (below(c, 2) != 0 ? ASPACE_W : ASPACE_X);
    mm_status_t want = mapped(w, first, count) == 0 ? MM_OK : MM_OVERLAP;
    mm_status_t got =
        aspace_map(as, w->at + first * HAL_PAGE_SIZE, phys, count * HAL_PAGE_SIZE, prot);
    c->done[OP_MAP]++;
    if (judged(got, want, first))
        for (size_t i = 0; i < count; i++)
            w->phys[first + i] = phys + i * HAL_PAGE_SIZE, w->prot[first + i] = prot;
}

static void unmap(struct cpu *c, struct aspace *as, struct window *w, size_t first, size_t count)
{
    mm_status_t want = mapped(w, first, count) == count ? MM_OK : MM_UNMAPPED;
    c->done[OP_UNMAP]++;
    if (judged(aspace_unmap(as, w->at + first * HAL_PAGE_SIZE, count * HAL_PAGE_SIZE), want, first))
        for (size_t i = 0; i < count; i++)
            w->phys[first + i] = UNMAPPED;
}

static void protect(struct cpu *c, struct aspace *as, struct window *w, size_t first, size_t count)
{
    uint32_t prot = w->base_prot | (below(c, 2) != 0 ? ASPACE_W : ASPACE_R);
    mm_status_t want = mapped(w, first, count) == count ? MM_OK : MM_UNMAPPED;
    c->done[OP_PROTECT]++;
    if (judged(aspace_protect(as, w->at + first * HAL_PAGE_SIZE, count * HAL_PAGE_SIZE, prot), want,
               first))
        for (size_t i = 0; i < count; i++)
            w->prot[first + i] = prot;
}

static void compare_page(const struct aspace *as, const struct window *w, size_t i)
{
    struct aspace_mapping m;
    hal_vaddr_t at = w->at + i * HAL_PAGE_SIZE;
    mm_status_t s = aspace_query(as, at, &m);
    if (w->phys[i] == UNMAPPED)
        must(s == MM_UNMAPPED, "a page is mapped that should not be", at);
    else
        must(s == MM_OK && m.phys + at % m.page - m.virt % m.page == w->phys[i] &&
                 m.prot == w->prot[i],
             "a page is mapped to somewhere else, or otherwise", at);
}

static void step_window(struct cpu *c, struct aspace *as, struct window *w)
{
    size_t first = below(c, WINDOW);
    size_t count = below(c, 4) == 0 ? WINDOW : 1 + below(c, 64);
    count = hal_min_u64(count, WINDOW - first);
    uint64_t kind = below(c, 8);
    if (kind < 3)
        map(c, as, w, first, count);
    else if (kind < 5)
        unmap(c, as, w, first, count);
    else if (kind < 7)
        protect(c, as, w, first, count);
    else
        compare_page(as, w, first), c->done[OP_QUERY]++;
}

static void clear_window(struct window *w)
{
    for (size_t i = 0; i < WINDOW; i++)
        w->phys[i] = UNMAPPED;
}

/* The caller holds the kernel's lock: making or destroying a space that shares its half is a call
 * on the kernel's space. */
static void renew_space(struct cpu *c)
{
    aspace_destroy(&c->space);
    clear_window(&c->window);
    while (aspace_init_shared(&c->space, &kernel, &c->source) != MM_OK)
        must(c->count > 0, "there is no page for a root", 0), give(c);
    c->done[OP_SPACE]++;
}

static void step_space(struct cpu *c)
{
    uint64_t kind = below(c, 64);
    if (kind >= 8) {
        step_window(c, &c->space, &c->window);
        return;
    }
    pthread_mutex_lock(&kernel_lock);
    if (kind == 0)
        renew_space(c);
    else
        step_window(c, &kernel, &kernel_window);
    pthread_mutex_unlock(&kernel_lock);
}

/* ---- stops ---- */

static void compare_window(const struct aspace *as, const struct window *w)
{
    for (size_t i = 0; i < WINDOW; i++)
        compare_page(as, w, i);
}

/* Compare contents and mappings of one CPU. Returns how many pages it holds. */
static uint64_t check_cpu(const struct cpu *c)
{
    uint64_t pages = 0;
    for (unsigned i = 0; i < c->count; i++) {
        compare_run(&c->held[i]);
        pages += c->held[i].pages;
    }
    const char *wrong = aspace_check(&c->space);
    must(wrong == NULL, wrong, c->index);
    compare_window(&c->space, &c->window);
    compare_window(&c->space, &kernel_window); /* the half that it shares */
    return pages + c->space.tree.stats.tables;
}

static uint64_t count_free(void)
{
    uint64_t pages = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(pmm, (enum pmm_zone)z, &s);
        pages += s.free + s.parked;
    }
    return pages;
}

static void check_all(uint64_t round)
{
    const struct pmm_debug junk = {.junk = true};
    uint64_t used = kernel.tree.stats.tables;
    const char *wrong = pmm_check(pmm);
    must(wrong == NULL, wrong, round);
    wrong = aspace_check(&kernel);
    must(wrong == NULL, wrong, round);
    for (unsigned i = 0; i < CPUS; i++)
        used += check_cpu(&cpus[i]);
    must(count_free() + used == usable, "pages were lost, or there are too many", used);
    pmm_set_debug(pmm, round % 2 == 0 ? &junk : NULL);
    stops++;
    over = now() >= end_time;
    stop_time = now() + ROUND_NS;
}

static void *work(void *arg)
{
    struct cpu *c = arg;
    host_set_cpu(c->index);
    for (uint64_t round = 0;; round++) {
        pthread_barrier_wait(&stop_line);
        if (c->index == 0)
            check_all(round);
        pthread_barrier_wait(&stop_line);
        if (over)
            return NULL;
        while (now() < stop_time) {
            for (unsigned i = 0; i < 64; i++)
                step_pages(c, round % 4 < 2);
            for (unsigned i = 0; i < 4; i++)
                step_space(c);
        }
    }
}

/* ---- the whole ---- */

static void make_allocator(void)
{
    static struct mem_region storage[64];
    static struct memmap map;
    static const struct mem_region ram[] = {{.base = 4 * MIB, .size = 64 * MIB},
                                            {.base = RAM_HIGH, .size = 100 * MIB + 4 * KIB},
                                            {.base = RAM_HIGH + 120 * MIB, .size = 60 * MIB}};
    host_ram_create(RAM_HIGH + 256 * MIB);
    memmap_init(&map, storage, ARRAY_LEN(storage));
    for (size_t i = 0; i < ARRAY_LEN(ram); i++)
        must(memmap_add(&map, ram[i].base, ram[i].size, MEM_USABLE) == MM_OK, "no map", i);
    must(memmap_normalize(&map) == MM_OK, "the map was not normalized", 0);
    must(pmm_create(&map, CPUS, &pmm) == MM_OK, "no allocator was made", 0);
    usable = count_free();
}

static void make_cpu(unsigned i, uint64_t seed)
{
    struct cpu *c = &cpus[i];
    c->index = i;
    c->rng = (seed + i) * 2654435761u + 88172645463325252u;
    c->source = (struct page_source){table_alloc, table_free, NULL};
    c->window.at = USER_AT;
    clear_window(&c->window);
    must(aspace_init_shared(&c->space, &kernel, &c->source) == MM_OK, "no space was made", i);
}

static uint64_t print_counts(void)
{
    uint64_t all = 0;
    for (unsigned op = 0; op < OP_COUNT; op++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < CPUS; i++)
            sum += cpus[i].done[op];
        printf("%14" PRIu64 " %s\n", sum, names[op]);
        must(sum > 0, "an operation was never done", op);
        all += sum;
    }
    return all;
}

/* Give everything back: then as many pages must be free as in the beginning. */
static void take_down(void)
{
    for (unsigned i = 0; i < CPUS; i++) {
        host_set_cpu(i);
        while (cpus[i].count > 0)
            give(&cpus[i]);
        aspace_destroy(&cpus[i].space);
        pmm_drain(pmm);
    }
    aspace_destroy(&kernel);
    must(count_free() == usable && pmm_check(pmm) == NULL, "not everything came back",
         count_free());
}

int main(int argc, char **argv)
{
    static struct page_source source = {table_alloc, table_free, NULL};
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : now();
    printf("soak: %" PRIu64 " s, %u CPUs, seed %" PRIu64 "\n", seconds, CPUS, seed);
    make_allocator();
    kernel_window.at = KERNEL_AT - 3 * MIB;
    kernel_window.base_prot = ASPACE_GLOBAL;
    clear_window(&kernel_window);
    must(aspace_init(&kernel, &source) == MM_OK, "no space was made", 0);
    pthread_barrier_init(&stop_line, NULL, CPUS);
    end_time = now() + seconds * 1000000000u;
    for (unsigned i = 0; i < CPUS; i++)
        make_cpu(i, seed);
    for (unsigned i = 0; i < CPUS; i++)
        must(pthread_create(&cpus[i].thread, NULL, work, &cpus[i]) == 0, "no thread was made", i);
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(cpus[i].thread, NULL);
    pmm_set_debug(pmm, NULL);
    uint64_t all = print_counts();
    take_down();
    printf("soak: %" PRIu64 " operations, %" PRIu64 " stops at which all was counted\n", all,
           stops);
    printf("%" PRIu64 " passed, 0 failed\n", stops);
    return 0;
}
