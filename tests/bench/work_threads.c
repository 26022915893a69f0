#include "hal/host/host.h"
#include "tests/bench/figures.h"
#include "tests/bench/loops.h"
#include "tests/bench/workload.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define MAX_THREADS 2
#define CHUNKS      64
#define SEED        0x9E3779B97F4A7C15u

/* Wall time, since waiting for each other is what is measured. */
struct runner {
    struct instance *in;
    pthread_barrier_t *barrier;
    uint32_t cpu;
    void (*work)(struct runner *);
    size_t pages;        /* of a run */
    uint64_t count;      /* pairs in a chunk, or pages held */
    hal_paddr_t *held;   /* those of all runners, `count` for each */
    uint64_t all;        /* in them */
    uint64_t ns[CHUNKS]; /* of each chunk, or phase */
};

static void pin(uint32_t cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* where it is forbidden, threads may wander */
}

static void *runner_main(void *ctx)
{
    struct runner *r = ctx;
    host_set_cpu(r->cpu);
    pin(r->cpu);
    pthread_barrier_wait(r->barrier);
    r->work(r);
    return NULL;
}

/* Each of the threads does what `like` says. */
static void run_all(struct runner *runners, unsigned threads, const struct runner *like)
{
    pthread_t ids[MAX_THREADS];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        runners[i] = *like;
        runners[i].barrier = &barrier;
        runners[i].cpu = i;
        if (pthread_create(&ids[i], NULL, runner_main, &runners[i]) != 0)
            bench_fail("cannot start thread %u; lift ulimit -u", i);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&barrier);
}

/* --- pairs ------------------------------------------------------------------------------------ */

static void chunks_of_pairs(struct runner *r)
{
    const struct bench_allocator *a = r->in->allocator;
    uint32_t flags = a->flags[BENCH_MOVABLE | (r->pages == 1 ? BENCH_SINGLE : 0)];
    for (unsigned i = 0; i < CHUNKS; i++) {
        uint64_t start = bench_wall_ns();
        if (a->loops->pairs(r->in->self, r->pages, flags, r->count) != 0)
            bench_fail("%s refused to take back what it had just handed out", a->name);
        r->ns[i] = bench_wall_ns() - start;
    }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The median of many short chunks: one in which another program ran does not decide. */
static double pair_ns(const struct bench_allocator *a, const struct bench_options *o,
                      unsigned threads, size_t pages)
{
    static struct runner runners[MAX_THREADS];
    struct instance in;
    double sum = 0;
    instance_open(&in, a, o->pool, threads);
    run_all(runners, threads,
            &(struct runner){.in = &in,
                             .work = chunks_of_pairs,
                             .pages = pages,
                             .count = o->quick     ? 1000
                                      : pages == 1 ? 50000
                                                   : 10000});
    for (unsigned i = 0; i < threads; i++) {
        qsort(runners[i].ns, CHUNKS, sizeof(uint64_t), compare_u64);
        sum += (double)runners[i].ns[CHUNKS / 2] / (double)runners[i].count;
    }
    instance_close(&in);
    return sum / threads;
}

void run_pairs(const struct bench_allocator *a, const struct bench_options *o)
{
    static const struct {
        size_t pages;
        const char *metric;
    } runs[] = {{1, "pair"},   {2, "of-2"},   {4, "of-4"},    {8, "of-8"},
                {16, "of-16"}, {64, "of-64"}, {512, "of-512"}};
    if (a == &bench_idle) {
        figure_absent("pairs-2", a->name, "its counter has no lock: one thread only");
        return;
    }
    for (unsigned i = 0; i < ARRAY_LEN(runs) && (i == 0 || a->max_run != 1); i++) {
        figure_add("pairs-1", runs[i].metric, a->name, "ns", pair_ns(a, o, 1, runs[i].pages));
        figure_add("pairs-2", runs[i].metric, a->name, "ns", pair_ns(a, o, 2, runs[i].pages));
    }
}

/* --- all pages -------------------------------------------------------------------------------- */

enum phase { PHASE_TAKE, PHASE_GIVE, PHASE_RANDOM, PHASES };
static const char *const phase_names[PHASES] = {"bulk-alloc", "bulk-free", "random-free"};

/* Of all runners' pages: with two runners, half of what each has then is the other's. */
static void shuffle(hal_paddr_t *held, uint64_t count)
{
    uint64_t seed = SEED;
    for (uint64_t i = count; i > 1; i--) {
        uint64_t other = bench_below(&seed, i);
        hal_paddr_t p = held[i - 1];
        held[i - 1] = held[other];
        held[other] = p;
    }
}

static void take_share(struct runner *r)
{
    const struct bench_allocator *a = r->in->allocator;
    uint64_t start = bench_wall_ns();
    a->loops->take(r->in->self, a->flags[BENCH_SINGLE | BENCH_MOVABLE], r->held + r->cpu * r->count,
                   r->count);
    r->ns[PHASE_TAKE] = bench_wall_ns() - start;
    pthread_barrier_wait(r->barrier);
}

static void give_share(struct runner *r, enum phase phase)
{
    const struct bench_allocator *a = r->in->allocator;
    uint64_t start = bench_wall_ns();
    if (a->loops->give(r->in->self, r->held + r->cpu * r->count, r->count) != 0)
        bench_fail("%s refused to take back some of its pages", a->name);
    r->ns[phase] = bench_wall_ns() - start;
    pthread_barrier_wait(r->barrier);
}

static void phases(struct runner *r)
{
    take_share(r);
    give_share(r, PHASE_GIVE);
    take_share(r);
    if (r->cpu == 0)
        shuffle(r->held, r->all);
    pthread_barrier_wait(r->barrier);
    give_share(r, PHASE_RANDOM);
}

static void phases_by(const struct bench_allocator *a, const struct bench_options *o,
                      unsigned threads, const char *workload)
{
    static struct runner runners[MAX_THREADS];
    const uint64_t share =
        o->pool * 7 / 8 / threads; /* what CPUs have parked is not to be missed */
    struct instance in;
    hal_paddr_t *held = calloc(share * threads, sizeof *held);
    if (held == NULL)
        bench_fail("no memory for the addresses of all pages");
    instance_open(&in, a, o->pool, threads);
    run_all(runners, threads,
            &(struct runner){
                .in = &in, .work = phases, .count = share, .held = held, .all = share * threads});
    for (unsigned phase = 0; phase < PHASES; phase++) {
        double sum = 0;
        for (unsigned i = 0; i < threads; i++)
            sum += (double)runners[i].ns[phase] / (double)share;
        figure_add(workload, phase_names[phase], a->name, "ns", sum / threads);
    }
    instance_close(&in);
    free(held);
}

void run_threads(const struct bench_allocator *a, const struct bench_options *o)
{
    if (a == &bench_idle) {
        figure_absent("threads-2", a->name, "its counter has no lock: one thread only");
        return;
    }
    phases_by(a, o, 1, "threads-1");
    phases_by(a, o, 2, "threads-2");
}
