/* Pages go bad while eight threads take and give back pages, singly and in runs, park them and split
 * runs: pmm_retire() of pages that are free, parked anywhere or in use by anybody. No bad page is
 * handed out, none is lost, and in the end the zone has exactly those that it was told of. Built with
 * TSan. Usage: model-pmm_retire_threads [OPERATIONS-A-THREAD].
 */
#include "hal/host/host.h"
#include "hal/short.h"
#include "mm/pmm.h"
#include "tests/model/expect.h"
#include "tests/model/maps.h"

#include <pthread.h>
#include <stdlib.h>

#define HIGH    (4 * GIB)
#define THREADS 8u
#define SIZE    (THREADS * 57 * MIB) /* the least with which CPUs may own blocks */
#define PAGES   ((uint32_t)(SIZE / HAL_PAGE_SIZE))
#define HELD    3000u

static const struct mem_region layout[] = {RAM(HIGH, SIZE)};
static struct mem_region regions[ARRAY_LEN(layout)];
static struct memmap map;
static struct pmm *pmm;
static uint64_t operations = 60000;

/* Of each page: who may use it, whether it is bad for certain, and the record of who found it bad. */
static uint32_t user[PAGES];
static bool bad[PAGES];
static struct pmm_retiring later[PAGES];
static bool told[PAGES]; /* its record is in use */

static uint64_t errors, retired, waited, known;

struct held {
    hal_paddr_t base;
    size_t pages;
};

struct worker {
    pthread_t thread;
    uint32_t cpu, count;
    uint64_t random;
    struct held held[HELD];
};

static void wrong(const char *what, hal_paddr_t at, mm_status_t status)
{
    if (__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED) < 10)
        printf("  CPU %u: %s (0x%" PRIx64 ", status %u)\n", hal_cpu_index(), what, at,
               (unsigned)status);
}

static uint32_t below(struct worker *w, uint32_t limit)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->random >> 33) % limit;
}

static uint32_t index_of(hal_paddr_t at)
{
    return (uint32_t)((at - HIGH) / HAL_PAGE_SIZE);
}

static void take(struct worker *w)
{
    size_t pages = below(w, 4) != 0 ? 1 : 2 + below(w, below(w, 50) == 0 ? 700 : 6);
    hal_paddr_t base = pmm_alloc(pmm, pages, below(w, 4) == 0 ? PMM_KERNEL : 0);
    if (base == HAL_PADDR_NONE)
        return;
    w->held[w->count++] = (struct held){base, pages};
    for (size_t i = 0; i < pages; i++) {
        uint32_t page = index_of(base) + (uint32_t)i;
        if (__atomic_exchange_n(&user[page], 1 + w->cpu, __ATOMIC_RELAXED) != 0)
            wrong("a page was given out twice", base + i * HAL_PAGE_SIZE, 0);
        if (__atomic_load_n(&bad[page], __ATOMIC_RELAXED))
            wrong("a bad page was given out", base + i * HAL_PAGE_SIZE, 0);
    }
}

static void give(struct worker *w)
{
    uint32_t which = below(w, w->count);
    struct held h = w->held[which];
    size_t first = h.pages;
    if (h.pages > 1 && below(w, 2) == 0) {
        first = 1 + below(w, (uint32_t)h.pages - 1);
        mm_status_t s = pmm_split(pmm, h.base, h.pages, first);
        if (s != MM_OK)
            wrong("a right split was refused", h.base, s);
    }
    struct pmm_retiring *waits = NULL; /* one that must not wait any more then */
    for (size_t i = 0; i < first; i++) {
        __atomic_store_n(&user[index_of(h.base) + i], 0, __ATOMIC_RELAXED);
        if (pmm_retires_later(&later[index_of(h.base) + i]))
            waits = &later[index_of(h.base) + i];
    }
    mm_status_t s = pmm_free(pmm, h.base, first);
    if (s != MM_OK)
        wrong("a right free was refused", h.base, s);
    if (waits != NULL && pmm_retires_later(waits))
        wrong("a page that was given back does not become bad", h.base, s);
    if (first == h.pages)
        w->held[which] = w->held[--w->count];
    else
        w->held[which] = (struct held){h.base + first * HAL_PAGE_SIZE, h.pages - first};
}

/* One of this thread's pages, or any. Each record is used by the thread that comes first. */
static void retire(struct worker *w)
{
    bool mine = w->count > 0 && below(w, 2) == 0;
    hal_paddr_t at = mine ? w->held[below(w, w->count)].base
                          : HIGH + below(w, below(w, 2) == 0 ? 512 : PAGES) * HAL_PAGE_SIZE;
    uint32_t page = index_of(at);
    bool first = !__atomic_exchange_n(&told[page], true, __ATOMIC_RELAXED);
    mm_status_t s = pmm_retire(pmm, at, first ? &later[page] : NULL);
    if (!first && s != MM_BAD && s != MM_BUSY && s != MM_OK)
        wrong("a page that another may retire: wrong answer", at, s);
    if (first && s != MM_OK && s != MM_BAD)
        wrong("a right retire was refused", at, s);
    if (s != MM_OK) {
        __atomic_fetch_add(&known, 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_fetch_add(&retired, 1, __ATOMIC_RELAXED);
    if (first && pmm_retires_later(&later[page]))
        __atomic_fetch_add(&waited, 1, __ATOMIC_RELAXED);
    else
        __atomic_store_n(&bad[page], true, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    host_set_cpu(w->cpu);
    host_join();
    for (uint64_t i = 0; i < operations; i++) {
        uint32_t kind = below(w, 200);
        host_interrupt();
        if (kind == 0)
            retire(w);
        else if (w->count < HELD && kind < (i / 10000 % 2 == 0 ? 130u : 60u))
            take(w);
        else if (w->count > 0)
            give(w);
    }
    while (w->count > 0) {
        host_interrupt();
        give(w);
    }
    pmm_drain(pmm);
    host_idle(true);
    return NULL;
}

/* Every page is free or bad, and a page that was found bad is. */
static void nothing_is_lost(void)
{
    struct pmm_stats s;
    pmm_stats(pmm, PMM_ZONE_NORMAL, &s);
    EXPECT(s.bad == retired && s.retiring == 0);
    EXPECT(s.free == s.total && s.total + s.bad == PAGES && s.allocs == s.frees);
    for (uint32_t i = 0; i < PAGES; i++) {
        mm_status_t status = pmm_claim(pmm, HIGH + i * HAL_PAGE_SIZE, 1);
        if (!told[i])
            EXPECT(status == MM_OK);
        else if (bad[i] || !pmm_retires_later(&later[i]))
            EXPECT(status == MM_BAD);
    }
    EXPECT(pmm_check(pmm) == NULL);
}

static void pages_go_bad(void)
{
    static struct worker workers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.cpu = i, .random = 7919 * i + 1};
        EXPECT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    EXPECT(errors == 0);
    EXPECT(retired > 100 && waited > 10 && known > 0);
    printf("%" PRIu64 " pages retired, %" PRIu64 " of them in use, %" PRIu64 " known already\n",
           retired, waited, known);
    nothing_is_lost();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        operations = strtoull(argv[1], NULL, 0);
    host_ram_create(HIGH + SIZE);
    regions[0] = layout[0];
    map = map_of(regions, 1);
    size_t bytes = hal_align_up(pmm_tables_size(&map, THREADS), 64);
    void *tables = aligned_alloc(64, bytes);
    if (tables == NULL || pmm_create_in(&map, THREADS, tables, bytes, &pmm) != MM_OK)
        abort();
    expect_run("P9: pages go bad while eight threads use them, and no bad page is given out",
               pages_go_bad);
    free(tables);
    return expect_total();
}
