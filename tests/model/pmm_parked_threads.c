/* P6 of mm/pmm.h over all CPUs: a request fails only if no run fits, whatever is parked and wherever.
 * First one thread that is each CPU in turn, the others idle for ever: the pages are counted exactly.
 * Then eight threads near the last page, where every failure would be a false one. And a port that
 * reaches no other CPU. Usage: model-pmm_parked_threads [REQUESTS-A-THREAD].
 *
 * kinds: tsan fast
 */
#include "hal/host/host.h"
#include "hal/short.h"
#include "mm/pmm.h"
#include "tests/model/expect.h"
#include "tests/model/maps.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define HIGH    (4 * GIB)
#define CPUS    8u
#define SIZE    (CPUS * 57 * MIB) /* the least with which CPUs may own blocks */
#define PAGES   ((uint32_t)(SIZE / HAL_PAGE_SIZE))
#define ROUNDS  100u
#define SPARE   96u   /* pages that are free at any time while eight threads run: 99.9 % full */
#define SLOTS   64u   /* through which they pass pages to each other */
#define EBB     1500u /* pages that a thread gives back before it fills up again */

static const struct mem_region layout[] = {RAM(HIGH, SIZE)};
static struct mem_region regions[ARRAY_LEN(layout)];
static struct memmap map;
static struct pmm *pmm;
static void *tables;
static uint64_t requests = 150000;
static hal_paddr_t taken[PAGES];

static void make(void)
{
    regions[0] = layout[0];
    map = map_of(regions, 1);
    size_t bytes = pmm_tables_size(&map, CPUS);
    tables = aligned_alloc(64, hal_align_up(bytes, 64));
    if (tables == NULL || pmm_create_in(&map, CPUS, tables, bytes, &pmm) != MM_OK)
        abort();
}

static void drop(void)
{
    EXPECT(pmm_check(pmm) == NULL);
    free(tables);
}

/* CPU `cpu` takes pages one by one and gives all back in the end, so that it has blocks of its own. */
static void use_and_free(uint32_t cpu, uint32_t pages)
{
    host_set_cpu(cpu);
    for (uint32_t i = 0; i < pages; i++)
        taken[i] = pmm_alloc(pmm, 1, cpu % 2 == 0 ? 0 : PMM_KERNEL);
    for (uint32_t i = 0; i < pages; i++)
        EXPECT(taken[i] != HAL_PADDR_NONE && pmm_free(pmm, taken[i], 1) == MM_OK);
}

static uint64_t parked(void)
{
    struct pmm_stats s;
    pmm_stats(pmm, PMM_ZONE_NORMAL, &s);
    return s.parked;
}

static uint32_t take_all(size_t pages)
{
    uint32_t n = 0;
    while ((taken[n] = pmm_alloc(pmm, pages, 0)) != HAL_PADDR_NONE)
        n++;
    return n;
}

static void give_all(uint32_t n, size_t pages)
{
    for (uint32_t i = 0; i < n; i++)
        EXPECT(pmm_free(pmm, taken[i], pages) == MM_OK);
    pmm_drain(pmm);
}

/* In the manner of a leak check: allocate until failure on one CPU, while others have freed and idle. */
static void every_page_is_counted(void)
{
    make();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t cpu = 1; cpu < CPUS; cpu++)
            use_and_free(cpu, 1 + (round * 37 + cpu * 101) % 1500);
        EXPECT(parked() > 0);
        host_set_cpu(0);
        uint32_t n = take_all(1);
        EXPECT(n == PAGES && parked() == 0);
        give_all(n, 1);
    }
    drop();
}

/* A page parked anywhere pins its block: then no block is whole. */
static void every_block_is_whole(void)
{
    make();
    for (uint32_t cpu = 1; cpu < CPUS; cpu++)
        use_and_free(cpu, 700);
    EXPECT(parked() > 0);
    host_set_cpu(0);
    uint32_t n = take_all(512);
    EXPECT(n == PAGES / 512);
    give_all(n, 512);
    drop();
}

static void parked_page_is_claimed(void)
{
    make();
    use_and_free(3, 200);
    EXPECT(parked() > 0);
    host_set_cpu(0);
    EXPECT(pmm_claim(pmm, taken[17], 1) == MM_OK);
    EXPECT(pmm_free(pmm, taken[17], 1) == MM_OK);
    drop();
}

/* --- eight threads --- */

static uint64_t failed, done;
static uint32_t running;

static hal_paddr_t slots[SLOTS];
static uint32_t budget = PAGES - SPARE; /* pages that may still be taken */

struct worker {
    uint64_t random;
    uint32_t held;
    hal_paddr_t pages[PAGES];
};

static uint32_t below(struct worker *w, uint32_t limit)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->random >> 33) % limit;
}

static void fail_unless(bool ok)
{
    if (!ok)
        __atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
}

/* False: nobody may take a page now. */
static bool reserve_one(void)
{
    uint32_t left = __atomic_load_n(&budget, __ATOMIC_ACQUIRE);
    while (left != 0)
        if (__atomic_compare_exchange_n(&budget, &left, left - 1, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return true;
    return false;
}

static void take_one(struct worker *w)
{
    hal_paddr_t page = pmm_alloc(pmm, 1, 0);
    fail_unless(page != HAL_PADDR_NONE);
    if (page != HAL_PADDR_NONE)
        w->pages[w->held++] = page;
}

static void give_one(struct worker *w)
{
    uint32_t which = below(w, w->held);
    fail_unless(pmm_free(pmm, w->pages[which], 1) == MM_OK);
    w->pages[which] = w->pages[--w->held];
    __atomic_fetch_add(&budget, 1, __ATOMIC_RELEASE);
}

/* Another CPU's page for one of this: most pages are given back elsewhere than they were taken. */
static void swap_one(struct worker *w)
{
    uint32_t which = below(w, w->held);
    hal_paddr_t theirs =
        __atomic_exchange_n(&slots[below(w, SLOTS)], w->pages[which], __ATOMIC_ACQ_REL);
    w->pages[which] = theirs != HAL_PADDR_NONE ? theirs : w->pages[--w->held];
}

static void *near_the_last_page(void *arg)
{
    static struct worker workers[CPUS];
    struct worker *w = &workers[(uintptr_t)arg];
    uint64_t asked = 0;
    *w = (struct worker){.random = (uintptr_t)arg + 1};
    host_set_cpu((uint32_t)(uintptr_t)arg);
    host_idle(false); /* as which join_all() has left it */
    while (asked < requests) {
        for (; asked < requests && reserve_one(); asked++) {
            host_interrupt();
            take_one(w);
            swap_one(w);
        }
        for (unsigned i = below(w, EBB); i > 0 && w->held > 0; i--) {
            host_interrupt();
            give_one(w);
        }
        host_interrupt();
        sched_yield(); /* others may want what this CPU has parked */
    }
    while (w->held > 0)
        give_one(w);
    __atomic_fetch_add(&done, requests, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&running, 1, __ATOMIC_ACQ_REL);
    host_idle(true);
    return NULL;
}

static void no_false_failure(void)
{
    pthread_t threads[CPUS];
    make();
    host_idle(true);
    running = CPUS;
    for (uintptr_t i = 0; i < CPUS; i++)
        pthread_create(&threads[i], NULL, near_the_last_page, (void *)i);
    for (uint32_t i = 0; i < CPUS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(failed == 0 && done == CPUS * requests);
    for (uint32_t i = 0; i < SLOTS; i++)
        EXPECT(slots[i] == HAL_PADDR_NONE || pmm_free(pmm, slots[i], 1) == MM_OK);
    host_set_cpu(0);
    host_idle(false);
    uint32_t n = take_all(1);
    EXPECT(n == PAGES);
    give_all(n, 1);
    drop();
}

/* --- a port that reaches no other CPU --- */

static void without_calls(void)
{
    make();
    host_set_cpu(1);
    hal_paddr_t page[40];
    for (unsigned i = 0; i < 40; i++)
        page[i] = pmm_alloc(pmm, 1, 0);
    host_set_cpu(0);
    for (unsigned i = 0; i < 30; i++)
        EXPECT(pmm_free(pmm, page[i], 1) == MM_OK); /* to a block that CPU 1 owns */
    uint64_t out_of_reach = parked() - 30;
    uint32_t n = take_all(1);
    EXPECT(out_of_reach > 0 && n == PAGES - 10 - out_of_reach && parked() == out_of_reach);
    EXPECT(pmm_check(pmm) == NULL);
    host_set_cpu(1);
    pmm_drain(pmm);
    host_set_cpu(0);
    hal_paddr_t late = pmm_alloc(pmm, 1, 0);
    EXPECT(late != HAL_PADDR_NONE && pmm_free(pmm, late, 1) == MM_OK);
    give_all(n, 1);
    drop();
}

static void join_all(void)
{
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        host_set_cpu(cpu);
        host_join();
        if (cpu != 0)
            host_idle(true);
    }
    host_set_cpu(0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        requests = strtoull(argv[1], NULL, 10);
    host_ram_create(HIGH + SIZE);
    expect_run("P6 without calls: what others gave back can be had, what is parked after a drain", without_calls);
    join_all();
    expect_run("P6: with others idle for ever one CPU can take every page, 100 times of 100", every_page_is_counted);
    expect_run("P6: and every block whole", every_block_is_whole);
    expect_run("a page parked with another CPU can be claimed", parked_page_is_claimed);
    expect_run("P6: eight CPUs near the last page meet no false failure", no_false_failure);
    return expect_total();
}
