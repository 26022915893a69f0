#include "hal/host/host.h"
#include "hal/short.h"
#include "tests/bench/figures.h"
#include "tests/bench/loops.h"
#include "tests/bench/workload.h"

#include <inttypes.h>
#include <stdlib.h>

#define SEED 0x9E3779B97F4A7C15u

static double per(uint64_t ns, uint64_t count)
{
    return (double)ns / (double)count;
}

/* --- the hot pair ----------------------------------------------------------------------------- */

static void pairs(struct instance *in, uint64_t count)
{
    const struct bench_allocator *a = in->allocator;
    if (a->loops->pairs(in->self, 1, a->flags[BENCH_SINGLE | BENCH_MOVABLE], count) != 0)
        bench_fail("%s refused to take back a page that it had just handed out", a->name);
}

void run_hot(const struct bench_allocator *a, const struct bench_options *o)
{
    const uint64_t count = o->quick ? 100000 : 5000000;
    struct instance in;
    instance_open(&in, a, o->pool, 1);
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
    instance_open(&in, a, o->pool, 1);
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
    instance_open(&in, a, o->pool, 1);
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
