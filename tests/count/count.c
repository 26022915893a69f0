/* How many instructions a call costs, and how whole memory stays: the work that count.py counts.
 *
 *   count mortise|buddy   do the work of each row; prints "ROW OPERATIONS" for each
 *   count whole           prints "ROW SHARE": free memory in whole 2 MiB blocks, in percent
 *
 * Under callgrind, which collects inside the two calls of the allocator's adapter alone,
 * counting_begins() forgets what was collected, and counting_ends() writes it out. So what prepares
 * a row costs nothing in it. All is the same in every run.
 *
 * kinds: plain
 * needs: tests/bench/harness.c tests/bench/alloc_mortise.c tests/bench/alloc_buddy.c
 */
#include "hal/short.h"
#include "tests/bench/churn.h"
#include "tests/bench/loops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL  (4 * GIB / HAL_PAGE_SIZE)
#define BULK  (1 * GIB / HAL_PAGE_SIZE)
#define SMALL (32 * MIB / HAL_PAGE_SIZE) /* has no magazines */
#define PAIRS 10000u
#define STEPS 200000u /* of a churn, filling included */
#define AGED  1024u   /* runs that take turns in aged memory */
#define SEED  0x9E3779B97F4A7C15u

struct row {
    const char *name;
    void (*run)(const struct row *, const struct bench_allocator *);
    unsigned number; /* pages of a run, or percent of the memory that are held */
};

static __attribute__((noinline)) void counting_begins(void)
{
    __asm__ volatile("");
}

static __attribute__((noinline)) void counting_ends(void)
{
    __asm__ volatile("");
}

static void tell(const struct row *row, const char *part, uint64_t operations)
{
    printf("%s%s %" PRIu64 "\n", row->name, part, operations);
}

static hal_paddr_t take(struct instance *in, size_t pages)
{
    const struct bench_allocator *a = in->allocator;
    uint32_t flags = a->flags[BENCH_MOVABLE | (pages == 1 ? BENCH_SINGLE : 0)];
    hal_paddr_t base = a->alloc(in->self, pages, HAL_PAGE_SIZE, flags);
    if (base == HAL_PADDR_NONE)
        bench_fail("%s has no %zu pages", a->name, pages);
    return base;
}

static void give(struct instance *in, hal_paddr_t base, size_t pages)
{
    if (!in->allocator->free(in->self, base, pages))
        bench_fail("%s refused to take back what it had handed out", in->allocator->name);
}

/* --- pairs ------------------------------------------------------------------------------------ */

static void count_pairs(const struct row *row, struct instance *in)
{
    give(in, take(in, row->number), row->number);
    counting_begins();
    for (unsigned i = 0; i < PAIRS; i++)
        give(in, take(in, row->number), row->number);
    counting_ends();
    tell(row, "", PAIRS);
}

/* In empty memory. */
static void run_pairs(const struct row *row, const struct bench_allocator *a)
{
    struct instance in;
    instance_open(&in, a, POOL, 1);
    count_pairs(row, &in);
    instance_close(&in);
}

static void run_small_empty(const struct row *row, const struct bench_allocator *a)
{
    struct instance in;
    instance_open(&in, a, SMALL, 1);
    count_pairs(row, &in);
    instance_close(&in);
}

/* Half of the pages are in use, every other one. */
static void run_small_used(const struct row *row, const struct bench_allocator *a)
{
    static hal_paddr_t held[SMALL];
    struct instance in;
    instance_open(&in, a, SMALL, 1);
    for (unsigned i = 0; i < SMALL / 2; i++)
        held[i] = take(&in, 1);
    for (unsigned i = 0; i < SMALL / 2; i += 2)
        give(&in, held[i], 1);
    count_pairs(row, &in);
    instance_close(&in);
}

/* --- single pages ----------------------------------------------------------------------------- */

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

/* All pages are taken, and given back in the same order or, with a number, in random order. */
static void run_bulk(const struct row *row, const struct bench_allocator *a)
{
    struct instance in;
    hal_paddr_t *held = calloc(BULK, sizeof *held);
    if (held == NULL)
        bench_fail("no memory for %" PRIu64 " addresses", (uint64_t)BULK);
    instance_open(&in, a, BULK, 1);
    counting_begins();
    for (uint64_t i = 0; i < BULK; i++)
        held[i] = take(&in, 1);
    counting_ends();
    tell(row, "-alloc", BULK);
    if (row->number != 0)
        shuffle(held, BULK);
    counting_begins();
    for (uint64_t i = 0; i < BULK; i++)
        give(&in, held[i], 1);
    counting_ends();
    tell(row, "-free", BULK);
    instance_close(&in);
    free(held);
}

/* --- mixed lengths ---------------------------------------------------------------------------- */

static void churn_begin(struct churn *c, const struct bench_allocator *a, unsigned percent)
{
    *c = (struct churn){.sizes = 0xD1B54A32D192ED03u, .victims = 0x8CB92BA72F3D8DD7u};
    instance_open(&c->in, a, POOL, 1);
    c->target = POOL * percent / 100;
    c->flags = a->flags[BENCH_MOVABLE];
    c->live = calloc(POOL, sizeof *c->live);
    if (c->live == NULL)
        bench_fail("no memory for the records of %" PRIu64 " runs", (uint64_t)POOL);
    c->next = churn_length(&c->sizes);
}

static void churn_end(struct churn *c)
{
    if (c->failed != 0 && c->in.allocator == &bench_mortise)
        bench_fail("%" PRIu64 " requests of the churn failed", c->failed);
    free(c->live);
    instance_close(&c->in);
}

static __attribute__((noinline)) void steps(struct churn *c, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        churn_step(c->in.allocator->alloc, c->in.allocator->free, c);
}

static void run_mixed(const struct row *row, const struct bench_allocator *a)
{
    struct churn c;
    churn_begin(&c, a, row->number);
    counting_begins();
    steps(&c, STEPS);
    counting_ends();
    tell(row, "", c.requests + c.frees);
    churn_end(&c);
}

/* Random ones of many runs of one length are given back and taken again where a churn was before.
 */
static void run_aged(const struct row *row, const struct bench_allocator *a)
{
    static hal_paddr_t held[AGED];
    uint64_t seed = SEED;
    struct churn c;
    churn_begin(&c, a, 75);
    steps(&c, STEPS);
    for (unsigned i = 0; i < AGED; i++)
        held[i] = take(&c.in, row->number);
    counting_begins();
    for (unsigned i = 0; i < PAIRS; i++) {
        uint64_t victim = bench_below(&seed, AGED);
        give(&c.in, held[victim], row->number);
        held[victim] = take(&c.in, row->number);
    }
    counting_ends();
    tell(row, "", PAIRS);
    churn_end(&c);
}

/* --- whole blocks ----------------------------------------------------------------------------- */

#define LONG_STEPS 2000000u /* to a steady state, and the same once more */
#define SAMPLES    16u      /* in the second half: the share swings from one moment to the next */

static double whole_share(const struct churn *c)
{
    struct ledger ledger;
    ledger_open(&ledger, &c->in);
    for (uint64_t i = 0; i < c->count; i++)
        if (run_base(c->live[i]) != HAL_PADDR_NONE)
            ledger_mark(&ledger, run_base(c->live[i]), run_pages(c->live[i]));
    double share = 100.0 * (double)(ledger_free_blocks(&ledger) * 512) / (double)(POOL - c->held);
    ledger_close(&ledger);
    return share;
}

static void run_whole(const struct row *row, const struct bench_allocator *a)
{
    struct churn c;
    double sum = 0;
    churn_begin(&c, a, row->number);
    steps(&c, LONG_STEPS);
    for (unsigned i = 0; i < SAMPLES; i++) {
        steps(&c, LONG_STEPS / SAMPLES);
        sum += whole_share(&c);
    }
    printf("%s %.1f\n", row->name, sum / SAMPLES);
    churn_end(&c);
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct row counted[] = {
    {"pair-1", run_pairs, 1},          {"bulk", run_bulk, 0},
    {"random", run_bulk, 1},           {"mixed-50", run_mixed, 50},
    {"mixed-75", run_mixed, 75},       {"mixed-90", run_mixed, 90},
    {"mixed-95", run_mixed, 95},       {"pair-2", run_pairs, 2},
    {"pair-64", run_pairs, 64},        {"pair-512", run_pairs, 512},
    {"aged-2", run_aged, 2},           {"aged-8", run_aged, 8},
    {"aged-64", run_aged, 64},         {"small-empty", run_small_empty, 1},
    {"small-used", run_small_used, 1},
};

static const struct row whole[] = {
    {"whole-50", run_whole, 50},
    {"whole-75", run_whole, 75},
    {"whole-90", run_whole, 90},
    {"whole-95", run_whole, 95},
};

static void run_all(const struct row *rows, size_t count, const struct bench_allocator *a)
{
    for (size_t i = 0; i < count; i++)
        rows[i].run(&rows[i], a);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "whole") == 0)
        run_all(whole, ARRAY_LEN(whole), &bench_mortise);
    else if (strcmp(what, "mortise") == 0)
        run_all(counted, ARRAY_LEN(counted), &bench_mortise);
    else if (strcmp(what, "buddy") == 0)
        run_all(counted, ARRAY_LEN(counted), &bench_buddy);
    else
        bench_fail("usage: count mortise|buddy|whole");
    return 0;
}
