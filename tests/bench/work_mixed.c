#include "hal/short.h"
#include "tests/bench/loops.h"
#include "tests/bench/figures.h"
#include "tests/bench/workload.h"

#include <stdio.h>
#include <inttypes.h>
#include <stdlib.h>

#define SMALL_PAGES  (128 * MIB / HAL_PAGE_SIZE)
#define SEED_SIZES   0xD1B54A32D192ED03u
#define SEED_VICTIMS 0x8CB92BA72F3D8DD7u

static void churn_open(struct churn *c, const struct bench_allocator *a, uint64_t pages,
                       unsigned percent)
{
    *c = (struct churn){.sizes = SEED_SIZES, .victims = SEED_VICTIMS};
    instance_open(&c->in, a, pages, 1);
    c->target = pages * percent / 100;
    c->flags = a->flags[BENCH_MOVABLE];
    c->live = calloc(pages, sizeof *c->live);
    if (c->live == NULL)
        bench_fail("no memory for the records of %" PRIu64 " runs", pages);
    c->next = churn_length(&c->sizes);
}

static void churn_drop(struct churn *c)
{
    free(c->live);
    instance_close(&c->in);
}

/* Mark what is held now, by the records of this workload; no page may be held twice. */
static void churn_ledger(const struct churn *c, struct ledger *ledger)
{
    ledger_open(ledger, &c->in);
    for (uint64_t i = 0; i < c->count; i++)
        if (run_base(c->live[i]) != HAL_PADDR_NONE)
            ledger_mark(ledger, run_base(c->live[i]), run_pages(c->live[i]));
}

/* The share of the memory that nobody asked for which lies in wholly free 2 MiB blocks, in percent.
 * A page that is parked with a CPU counts as free, for all allocators alike. */
static double churn_whole(const struct churn *c)
{
    struct ledger ledger;
    churn_ledger(c, &ledger);
    uint64_t unasked = ledger.pages - c->held;
    uint64_t whole = ledger_free_blocks(&ledger) * 512;
    ledger_close(&ledger);
    return 100.0 * (double)whole / (double)unasked;
}

/* Recount from what is held; then every page that is not held can be taken, once. Leaves the
 * allocator full. */
static void churn_close(struct churn *c, const char *workload)
{
    const char *name = c->in.allocator->name;
    struct ledger ledger;
    if (c->in.allocator == &bench_idle) { /* hands pages out twice, and knows it */
        churn_drop(c);
        return;
    }
    if (c->refused != 0)
        bench_fail("%s refused to take back %" PRIu64 " runs that it had handed out", name,
                   c->refused);
    churn_ledger(c, &ledger);
    c->in.allocator->drain(c->in.self);
    uint64_t found = ledger_take_rest(&ledger, &c->in);
    if (workload != NULL) {
        figure_add(workload, "taken/asked", name, "ratio",
                   (double)(ledger.pages - found) / (double)c->held);
        figure_add(workload, "reached", name, "%", 100.0 * (double)c->held / (double)c->target);
    }
    ledger_close(&ledger);
    churn_drop(c);
}

static bool takes_mixed(const char *workload, const struct bench_allocator *a)
{
    if (a->max_run == 1)
        figure_absent(workload, a->name, "hands out single pages only");
    return a->max_run != 1;
}

/* --- churn ------------------------------------------------------------------------------------ */

static void steps(struct churn *c, uint64_t count)
{
    c->in.allocator->loops->churn(c, count);
}

static void add_failures(const struct churn *c, const char *workload)
{
    const char *name = c->in.allocator->name;
    figure_add(workload, "failed", name, "%", 100.0 * (double)c->failed / (double)c->requests);
    figure_add(workload, "failed-2m", name, "%",
               100.0 * (double)c->failed_2m / (double)c->requests_2m);
}

/* How whole the memory is swings by a few percent from one moment to the next. */
#define SAMPLES 16u

/* The first half brings the population to its steady state, the second half is measured: its time,
 * and how whole the memory was on average, looked at between the timed parts. */
static void churn_at(const struct bench_allocator *a, const struct bench_options *o, uint64_t pages,
                     unsigned percent, const char *workload)
{
    const uint64_t count = o->quick ? 100000 : 4000000;
    struct churn c;
    if (!takes_mixed(workload, a))
        return;
    churn_open(&c, a, pages, percent);
    steps(&c, count / 2);
    uint64_t ns = 0, calls = c.requests + c.frees;
    double whole = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = bench_cpu_ns();
        steps(&c, count / 2 / SAMPLES);
        ns += bench_cpu_ns() - start;
        whole += a != &bench_idle ? churn_whole(&c) : 0;
    }
    calls = c.requests + c.frees - calls;
    figure_add(workload, "op", a->name, "ns", (double)ns / (double)calls);
    if (a != &bench_idle) {
        figure_add(workload, "whole-2m", a->name, "%", whole / SAMPLES);
        add_failures(&c, workload);
    }
    churn_close(&c, workload);
}
void run_churn(const struct bench_allocator *a, const struct bench_options *o)
{
    churn_at(a, o, o->pool, 50, "churn-50");
    churn_at(a, o, o->pool, 75, "churn-75");
    churn_at(a, o, o->pool, 90, "churn-90");
    churn_at(a, o, o->pool, 95, "churn-95");
}

void run_small(const struct bench_allocator *a, const struct bench_options *o)
{
    churn_at(a, o, SMALL_PAGES, 50, "small-50");
    churn_at(a, o, SMALL_PAGES, 75, "small-75");
    churn_at(a, o, SMALL_PAGES, 90, "small-90");
}

/* From nothing until the next request would ask for too much. */
void run_filling(const struct bench_allocator *a, const struct bench_options *o)
{
    struct churn c;
    if (!takes_mixed("filling", a))
        return;
    churn_open(&c, a, o->pool, 75);
    uint64_t start = bench_cpu_ns();
    while (c.frees == 0)
        steps(&c, 64);
    figure_add("filling", "op", a->name, "ns",
               (double)(bench_cpu_ns() - start) / (double)(c.requests + c.frees));
    churn_close(&c, NULL);
}

/* --- latency ---------------------------------------------------------------------------------- */

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void add_percentile(const char *metric, const struct bench_allocator *a,
                           const uint32_t *sorted, uint64_t count, double share)
{
    uint64_t at = hal_min_u64((uint64_t)((double)count * share), count - 1);
    figure_add("latency-90", metric, a->name, "ns", (double)sorted[at] * bench_tick_ns());
}

void run_latency(const struct bench_allocator *a, const struct bench_options *o)
{
    const uint64_t count = o->quick ? 100000 : 4000000;
    struct churn c;
    if (!takes_mixed("latency-90", a))
        return;
    churn_open(&c, a, o->pool, 90);
    steps(&c, count / 2);
    uint32_t *ticks = calloc(count, sizeof *ticks);
    if (ticks == NULL)
        bench_fail("no memory for %" PRIu64 " samples", count);
    c.requests = 0;
    c.ticks = ticks;
    steps(&c, count / 2);
    qsort(ticks, c.requests, sizeof *ticks, compare_u32);
    add_percentile("p50", a, ticks, c.requests, 0.5);
    add_percentile("p99", a, ticks, c.requests, 0.99);
    add_percentile("p99.9", a, ticks, c.requests, 0.999);
    add_percentile("max", a, ticks, c.requests, 1);
    free(ticks);
    churn_close(&c, NULL);
}

/* --- LLFree's fragmentation test -------------------------------------------------------------- */

static void frag_free(struct churn *c, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        churn_free(c->in.allocator->free, c);
}

static void frag_take(struct churn *c, uint64_t count)
{
    const struct bench_allocator *a = c->in.allocator;
    for (uint64_t i = 0; i < count; i++) {
        hal_paddr_t base =
            a->alloc(c->in.self, 1, HAL_PAGE_SIZE, a->flags[BENCH_SINGLE | BENCH_MOVABLE]);
        if (base == HAL_PADDR_NONE)
            bench_fail("%s says that no single page is left while %" PRIu64 " are", a->name,
                       (c->in.memory.pages - c->count));
        c->live[c->count++] = run_make(base, 1);
        c->pages++;
        c->held++;
    }
}

void run_fragmentation(const struct bench_allocator *a, const struct bench_options *o)
{
    const unsigned rounds = 100;
    struct churn c;
    struct ledger ledger;
    if (o->round > 0 || a == &bench_idle)
        return;
    churn_open(&c, a, o->pool, 100);
    frag_take(&c, c.in.memory.pages);
    frag_free(&c, c.in.memory.pages / 2);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t count = c.count / 10;
        frag_free(&c, count);
        frag_take(&c, count);
    }
    ledger_open(&ledger, &c.in);
    for (uint64_t i = 0; i < c.count; i++)
        ledger_mark(&ledger, run_base(c.live[i]), 1);
    uint64_t ideal = (ledger.pages - ledger.marked) / 512;
    figure_add("llfree-frag", "of-ideal", a->name, "%",
               100.0 * (double)ledger_free_blocks(&ledger) / (double)ideal);
    ledger_close(&ledger);
    churn_close(&c, NULL);
}
