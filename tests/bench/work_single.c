#include "hal/host/host.h"
#include "hal/short.h"
#include "tests/bench/figures.h"
#include "tests/bench/loops.h"
#include "tests/bench/workload.h"

#include <pthread.h>
#include <sched.h>
#include <inttypes.h>
#include <stdlib.h>

#define POOL_PAGES (4 * GIB / HAL_PAGE_SIZE)
#define SEED       0x9E3779B97F4A7C15u

static uint64_t pool_pages(const struct bench_options *o)
{
    return o->quick ? POOL_PAGES / 32 : POOL_PAGES;
}

static double per(uint64_t ns, uint64_t count)
{
    return (double)ns / (double)count;
}

/* --- the hot pair ----------------------------------------------------------------------------- */

static void pairs(struct instance *in, uint64_t count)
{
    const struct bench_allocator *a = in->allocator;
    if (a->loops->pairs(in->self, a->flags[BENCH_SINGLE | BENCH_MOVABLE], count) != 0)
        bench_fail("%s refused to take back a page that it had just handed out", a->name);
}

void run_hot(const struct bench_allocator *a, const struct bench_options *o)
{
    const uint64_t count = o->quick ? 100000 : 5000000;
    struct instance in;
    instance_open(&in, a, pool_pages(o), 1);
    pairs(&in, count / 10);
    uint64_t start = bench_cpu_ns();
    pairs(&in, count);
    figure_add("hot", "pair", a->name, "ns", per(bench_cpu_ns() - start, count));
    instance_close(&in);
}

/* --- all pages, one at a time ----------------------------------------------------------------- */

static hal_paddr_t *take_all(struct instance *in, uint64_t *ns)
{
    const struct bench_allocator *a = in->allocator;
    const uint64_t pages = in->memory.pages;
    hal_paddr_t *held = malloc(pages * sizeof *held);
    if (held == NULL)
        bench_fail("no memory for %" PRIu64 " addresses", pages);
    for (uint64_t i = 0; i < pages; i++)
        held[i] = HAL_PADDR_NONE; /* touched before the clock starts */
    uint64_t start = bench_cpu_ns();
    a->loops->take(in->self, a->flags[BENCH_SINGLE | BENCH_MOVABLE], held, pages);
    *ns = bench_cpu_ns() - start;
    return held;
}

static void expect_all_once(const struct instance *in, const hal_paddr_t *held)
{
    struct ledger ledger;
    if (in->allocator == &bench_idle)
        return;
    ledger_open(&ledger, in);
    for (uint64_t i = 0; i < in->memory.pages; i++)
        ledger_mark(&ledger, held[i], 1);
    ledger_close(&ledger);
}

static uint64_t free_all(struct instance *in, const hal_paddr_t *held)
{
    const struct bench_allocator *a = in->allocator;
    uint64_t start = bench_cpu_ns();
    uint64_t bad = a->loops->give(in->self, held, in->memory.pages);
    uint64_t ns = bench_cpu_ns() - start;
    if (bad != 0)
        bench_fail("%s refused to take back %" PRIu64 " of its pages", a->name, bad);
    return ns;
}

/* After all is freed the whole memory is to be had again, in whole blocks. */
static void expect_whole(struct instance *in)
{
    const struct bench_allocator *a = in->allocator;
    if (a == &bench_idle || a->max_run == 1)
        return;
    a->drain(in->self);
    for (uint64_t i = 0; i < in->memory.pages / 512; i++)
        if (a->alloc(in->self, 512, 512 * HAL_PAGE_SIZE, a->flags[BENCH_MOVABLE]) == HAL_PADDR_NONE)
            bench_fail("%s has only %" PRIu64 " whole 2 MiB blocks after everything was freed",
                       a->name, i);
}

void run_bulk(const struct bench_allocator *a, const struct bench_options *o)
{
    struct instance in;
    uint64_t alloc_ns;
    instance_open(&in, a, pool_pages(o), 1);
    hal_paddr_t *held = take_all(&in, &alloc_ns);
    expect_all_once(&in, held);
    uint64_t free_ns = free_all(&in, held);
    expect_whole(&in);
    figure_add("bulk", "alloc", a->name, "ns", per(alloc_ns, in.memory.pages));
    figure_add("bulk", "free", a->name, "ns", per(free_ns, in.memory.pages));
    figure_add("bulk", "alloc+free", a->name, "ns", per(alloc_ns + free_ns, in.memory.pages));
    free(held);
    instance_close(&in);
}

void run_random_free(const struct bench_allocator *a, const struct bench_options *o)
{
    struct instance in;
    uint64_t ns, seed = SEED;
    instance_open(&in, a, pool_pages(o), 1);
    hal_paddr_t *held = take_all(&in, &ns);
    for (uint64_t i = in.memory.pages; i > 1; i--) {
        uint64_t other = bench_below(&seed, i);
        hal_paddr_t p = held[i - 1];
        held[i - 1] = held[other];
        held[other] = p;
    }
    ns = free_all(&in, held);
    expect_whole(&in);
    figure_add("random-free", "free", a->name, "ns", per(ns, in.memory.pages));
    free(held);
    instance_close(&in);
}

/* --- threads ---------------------------------------------------------------------------------- */

#define MAX_THREADS 2
#define CHUNKS      64

struct runner {
    struct instance *in;
    pthread_barrier_t *start;
    uint32_t cpu;
    uint64_t chunk_pairs;
    uint64_t chunk_ns[CHUNKS];
};

static void pin(uint32_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* where it is forbidden, threads may wander */
}

static void *thread_main(void *ctx)
{
    struct runner *r = ctx;
    host_set_cpu(r->cpu);
    pin(r->cpu);
    pthread_barrier_wait(r->start);
    for (unsigned i = 0; i < CHUNKS; i++) {
        uint64_t start = bench_wall_ns();
        pairs(r->in, r->chunk_pairs);
        r->chunk_ns[i] = bench_wall_ns() - start;
    }
    return NULL;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Wall time, since waiting for each other is what is measured; the median of many short chunks, so
 * that a chunk in which another program ran does not decide. */
static double threads_pair_ns(const struct bench_allocator *a, const struct bench_options *o,
                              unsigned threads)
{
    static struct runner runners[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    pthread_barrier_t barrier;
    struct instance in;
    double sum = 0;
    instance_open(&in, a, pool_pages(o), threads);
    pthread_barrier_init(&barrier, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        runners[i] = (struct runner){&in, &barrier, i, o->quick ? 1000 : 50000, {0}};
        if (pthread_create(&ids[i], NULL, thread_main, &runners[i]) != 0)
            bench_fail("cannot start thread %u; lift ulimit -u", i);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        qsort(runners[i].chunk_ns, CHUNKS, sizeof(uint64_t), compare_u64);
        sum += per(runners[i].chunk_ns[CHUNKS / 2], runners[i].chunk_pairs);
    }
    pthread_barrier_destroy(&barrier);
    instance_close(&in);
    return sum / threads;
}

void run_threads(const struct bench_allocator *a, const struct bench_options *o)
{
    if (a == &bench_idle) {
        figure_absent("threads-2", a->name, "its counter has no lock: one thread only");
        return;
    }
    figure_add("threads-1", "pair", a->name, "ns", threads_pair_ns(a, o, 1));
    figure_add("threads-2", "pair", a->name, "ns", threads_pair_ns(a, o, 2));
}
