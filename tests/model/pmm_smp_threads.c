/* Eight threads on eight CPUs take and give back runs of mixed sizes at once, hand them to each
 * other through a shared queue, and split them, claim and misuse what others hold. An ownership map with atomic
 * entries proves that no page is given out twice; firmware memory is reclaimed meanwhile, and a
 * ninth thread asks for statistics and walks all the time; at the end all is given back and
 * counted. Built with TSan. Usage: model-pmm_smp_threads [OPERATIONS-A-THREAD].
 *
 * takes: 5 s
 * brief: 80000
 */
#include "hal/short.h"
#include "tests/model/pmm_model.h"

#include "hal/hal.h"
#include "hal/host/host.h"

#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

#define HIGH    (4 * GIB)
#define THREADS 8u
#define HELD    700u
#define QUEUE   512u
#define PAGES   (584u * 256u) /* in `regions` */

static const struct mem_region regions[] = {RAM(4 * MIB, 64 * MIB), RAM(HIGH, 400 * MIB + 4 * KIB),
                                            RAM(HIGH + 440 * MIB - 4 * KIB, 110 * MIB - 4 * KIB),
                                            BOOT(HIGH + 550 * MIB - 8 * KIB, 2 * MIB),
                                            BOOT(HIGH + 560 * MIB, 8 * MIB)};

struct held {
    hal_paddr_t base;
    size_t pages;
};

struct worker {
    pthread_t thread;
    uint32_t cpu;
    uint64_t rng;
    struct held held[HELD];
    unsigned count;
    uint64_t taken, refused, passed_on, foreign_frees, misuses;
};

static struct model model;
static struct pmm *pmm;
static uint32_t owner[PAGES]; /* 0, or 1 + the CPU that took the page */
static struct held queue[QUEUE];
static unsigned queued;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t errors;
static uint64_t operations = 600000;

static void wrong(const char *what, hal_paddr_t base, size_t pages, mm_status_t status)
{
    if (__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED) < 10)
        printf("CPU %u: %s (0x%" PRIx64 ", %zu pages, status %u)\n", hal_cpu_index(), what, base,
               pages, (unsigned)status);
}

static uint64_t below(struct worker *w, uint64_t limit)
{
    w->rng ^= w->rng << 13;
    w->rng ^= w->rng >> 7;
    w->rng ^= w->rng << 17;
    return (w->rng >> 11) % limit;
}

/* ---- the ownership map ---- */

static void mark(const struct worker *w, struct held h)
{
    for (size_t k = 0; k < h.pages; k++) {
        uint32_t i = model_index(&model, h.base + k * HAL_PAGE_SIZE);
        uint32_t nobody = 0;
        if (i == MODEL_NONE)
            wrong("a page that is not ours was given out", h.base, h.pages, 0);
        else if (!__atomic_compare_exchange_n(&owner[i], &nobody, 1 + w->cpu, false,
                                              __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            wrong("a page was given out twice", h.base + k * HAL_PAGE_SIZE, h.pages, 0);
        /* Plain, not atomic: TSan sees when two owners are not ordered by the allocator. */
        *(uint64_t *)hal_phys_to_virt(h.base + k * HAL_PAGE_SIZE) = h.base + w->cpu;
    }
}

static void unmark(struct held h)
{
    for (size_t k = 0; k < h.pages; k++) {
        uint32_t i = model_index(&model, h.base + k * HAL_PAGE_SIZE);
        if (__atomic_exchange_n(&owner[i], 0, __ATOMIC_RELAXED) == 0)
            wrong("a page that we hold belongs to nobody", h.base, h.pages, 0);
    }
}

/* ---- operations ---- */

static void keep(struct worker *w, struct held h)
{
    mark(w, h);
    w->held[w->count++] = h;
    w->taken++;
}

static void take(struct worker *w)
{
    uint64_t kind = below(w, 100);
    struct held h = {.pages = kind < 75 ? 1 : kind < 95 ? 2 + below(w, 60) : 100 + below(w, 600)};
    uint32_t flags = below(w, 3) != 0 ? 0 : (uint32_t)below(w, 16) & ~PMM_ZERO;
    uint64_t align = below(w, 8) == 0 ? HAL_PAGE_SIZE << below(w, 10) : HAL_PAGE_SIZE;
    h.base = pmm_alloc_aligned(pmm, h.pages, align, flags);
    if (h.base == HAL_PADDR_NONE)
        w->refused++;
    else
        keep(w, h);
}

static void give(struct held h)
{
    unmark(h);
    mm_status_t s = pmm_free(pmm, h.base, h.pages);
    if (s != MM_OK)
        wrong("a right free was refused", h.base, h.pages, s);
}

static struct held pick(struct worker *w)
{
    uint64_t i = below(w, w->count);
    struct held h = w->held[i];
    w->held[i] = w->held[--w->count];
    return h;
}

static bool pass_on(struct held h)
{
    pthread_mutex_lock(&queue_lock);
    bool room = queued < QUEUE;
    if (room)
        queue[queued++] = h;
    pthread_mutex_unlock(&queue_lock);
    return room;
}

static bool receive(struct held *h)
{
    pthread_mutex_lock(&queue_lock);
    bool any = queued > 0;
    if (any)
        *h = queue[--queued];
    pthread_mutex_unlock(&queue_lock);
    return any;
}

static void exchange(struct worker *w)
{
    struct held h;
    if (w->count > 0 && below(w, 2) == 0) {
        h = pick(w);
        if (pass_on(h))
            w->passed_on++;
        else
            give(h);
    } else if (receive(&h)) {
        give(h); /* taken by another CPU, most likely */
        w->foreign_frees++;
    }
}

/* Wrong frees of what this thread holds have one right answer, whatever the others do. */
static void misuse(struct worker *w)
{
    if (w->count == 0)
        return;
    struct held h = w->held[below(w, w->count)];
    mm_status_t s = pmm_free(pmm, h.base, h.pages + 1);
    if (s != MM_WRONG_LENGTH)
        wrong("a wrong length was not seen", h.base, h.pages + 1, s);
    s = h.pages > 1 ? pmm_free(pmm, h.base + HAL_PAGE_SIZE, h.pages - 1) : MM_INTERIOR;
    if (s != MM_INTERIOR)
        wrong("a free inside a run was not seen", h.base + HAL_PAGE_SIZE, h.pages - 1, s);
    s = pmm_claim(pmm, h.base, h.pages);
    if (s != MM_BUSY)
        wrong("a claim of a page in use was not refused", h.base, h.pages, s);
    w->misuses++;
}

static void claim(struct worker *w)
{
    struct held h = {model.address[below(w, model.pages)], 1 + below(w, 8)};
    if (model_zone(h.base) != model_zone(h.base + (h.pages - 1) * HAL_PAGE_SIZE))
        return;
    mm_status_t s = pmm_claim(pmm, h.base, h.pages);
    if (s == MM_OK)
        keep(w, h);
    else if (s != MM_BUSY && s != MM_FOREIGN && s != MM_RESERVED)
        wrong("claim: wrong answer", h.base, h.pages, s);
}

/* What is held is split, and its parts go their own ways. */
static void split(struct worker *w)
{
    struct held h = pick(w);
    size_t first = h.pages > 1 ? 1 + below(w, h.pages - 1) : 1;
    mm_status_t s = pmm_split(pmm, h.base, h.pages, first);
    if (s != (h.pages > 1 ? MM_OK : MM_INVALID))
        wrong("split: wrong answer", h.base, h.pages, s);
    if (s == MM_OK) {
        w->held[w->count++] = (struct held){h.base + first * HAL_PAGE_SIZE, h.pages - first};
        w->taken++;
        h.pages = first;
    }
    w->held[w->count++] = h;
}

static void step(struct worker *w, uint64_t fill)
{
    uint64_t kind = below(w, 64);
    if (kind == 0)
        misuse(w);
    else if (kind == 1 && w->count < HELD)
        claim(w);
    else if (kind == 2 && w->count > 0 && w->count < HELD)
        split(w);
    else if (kind == 3 && below(w, 16) == 0)
        pmm_drain(pmm);
    else if (kind < 12)
        exchange(w);
    else if (w->count < HELD && below(w, 16) < fill)
        take(w);
    else if (w->count > 0)
        give(pick(w));
}

static void *work(void *arg)
{
    struct worker *w = arg;
    host_set_cpu(w->cpu);
    for (uint64_t i = 0; i < operations; i++)
        step(w, i / 5000 % 2 == 0 ? 11 : 5);
    while (w->count > 0)
        give(pick(w));
    pmm_drain(pmm);
    return NULL;
}

/* ---- watching ---- */

struct seen {
    hal_paddr_t end; /* of the last run */
    uint64_t pages;  /* in all */
};

static void see_run(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run kind)
{
    struct seen *seen = ctx;
    if (base < seen->end || pages == 0 || (unsigned)kind > PMM_RUN_BAD)
        wrong("a walk goes back, or shows nothing", base, pages, 0);
    seen->end = base + pages * HAL_PAGE_SIZE;
    seen->pages += pages;
}

static void see_zone(enum pmm_zone zone)
{
    struct pmm_stats s;
    pmm_stats(pmm, zone, &s);
    if (s.free + s.parked > s.total || s.low_water > s.free || s.largest_run > s.free ||
        s.free_blocks * 512 > s.free || s.runs > s.total || s.fragmentation > 1000)
        wrong("statistics that can never be true", 0, (size_t)zone, 0);
}

static bool working = true;

/* What changes meanwhile may be told as it was before or as it is after, but each page is told. */
static void *observe(void *arg)
{
    uint64_t *looks = arg;
    while (__atomic_load_n(&working, __ATOMIC_RELAXED)) {
        struct seen seen = {.pages = 0};
        pmm_walk(pmm, see_run, &seen);
        if (seen.pages != model.pages)
            wrong("a walk shows more pages than there are, or fewer", 0, (size_t)seen.pages, 0);
        for (unsigned z = 0; z < PMM_ZONE_COUNT; z++)
            see_zone((enum pmm_zone)z);
        ++*looks;
    }
    return NULL;
}

/* ---- the end ---- */

static void drain_all(void)
{
    struct held h;
    while (receive(&h))
        give(h);
    for (uint32_t c = 0; c < THREADS; c++) {
        host_set_cpu(c);
        pmm_drain(pmm);
    }
}

static const char *count_zones(uint64_t taken)
{
    uint64_t allocs = 0;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        struct pmm_stats s;
        pmm_stats(pmm, (enum pmm_zone)z, &s);
        allocs += s.allocs;
        if (s.free != model.total[z] || s.parked != 0 || s.allocs != s.frees)
            return "pages or calls were lost";
    }
    return allocs == taken ? NULL : "stats.allocs is not what the threads took";
}

static const char *count_all(uint64_t taken)
{
    const char *error = model_walk(&model, pmm); /* in the model all pages are free */
    if (error == NULL)
        error = count_zones(taken);
    for (uint32_t i = 0; i < model.pages && error == NULL; i++)
        error = owner[i] != 0 ? "a page still has an owner" : NULL;
    return error != NULL ? error : pmm_check(pmm);
}

/* Firmware memory comes in while the threads are at work. */
static void reclaim_all(void)
{
    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        if (regions[i].type != MEM_BOOT)
            continue;
        usleep(50000);
        mm_status_t s = pmm_reclaim(pmm, &regions[i]);
        if (s != MM_OK)
            wrong("a right reclaim was refused", regions[i].base, 0, s);
        s = pmm_reclaim(pmm, &regions[i]);
        if (s != MM_ALREADY_FREE)
            wrong("a second reclaim was not refused", regions[i].base, 0, s);
    }
}

/* The model is read by all threads, so it learns of it when they have ended. */
static void reclaim_in_model(void)
{
    for (size_t i = 0; i < ARRAY_LEN(regions); i++)
        if (regions[i].type == MEM_BOOT)
            model_reclaim(&model, i);
}

/* Without magazines this program would test locks only. */
static void expect_magazines(void)
{
    struct pmm_stats s;
    hal_paddr_t page = pmm_alloc(pmm, 1, 0);
    if (pmm_free(pmm, page, 1) != MM_OK)
        wrong("a right free was refused", page, 1, 0);
    pmm_stats(pmm, PMM_ZONE_NORMAL, &s);
    if (s.parked == 0)
        wrong("no page is parked: give the zone more memory", page, 1, 0);
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS];
    uint64_t taken = 1; /* by expect_magazines() */
    uint64_t looks = 0;
    pthread_t observer;
    void *tables;
    size_t bytes;
    if (argc > 1)
        operations = strtoull(argv[1], NULL, 0);
    host_ram_create(HIGH + 600 * MIB);
    model_init(&model, regions, ARRAY_LEN(regions));
    pmm = model_create(&model, THREADS, &tables, &bytes);
    expect_magazines();
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].cpu = i;
        workers[i].rng = 88172645463325252u + i * 7919;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            wrong("a thread cannot be started", 0, 0, 0);
    }
    if (pthread_create(&observer, NULL, observe, &looks) != 0)
        wrong("a thread cannot be started", 0, 0, 0);
    reclaim_all();
    for (uint32_t i = 0; i < THREADS; i++) {
        struct worker *w = &workers[i];
        pthread_join(w->thread, NULL);
        taken += w->taken;
        printf("CPU %u: %" PRIu64 " runs taken, %" PRIu64 " refused, %" PRIu64
               " passed on, %" PRIu64 " freed for others, %" PRIu64 " misuses\n",
               i, w->taken, w->refused, w->passed_on, w->foreign_frees, w->misuses);
    }
    __atomic_store_n(&working, false, __ATOMIC_RELAXED);
    pthread_join(observer, NULL);
    printf("all of it looked at %" PRIu64 " times meanwhile\n", looks);
    reclaim_in_model();
    drain_all();
    const char *error = count_all(taken);
    if (error != NULL)
        wrong(error, 0, 0, 0);
    bool ok = errors == 0 && taken > THREADS && looks > 0;
    printf("%d passed, %d failed\n", ok, !ok);
    free(tables);
    model_destroy(&model);
    return !ok;
}
