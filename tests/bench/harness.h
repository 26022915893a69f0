/* tests/bench/harness.h: what every workload stands on: memory, instances, clocks, chance, and the
 * ledger, the bench's own record of who holds which page.
 *
 * The ledger is a bit a page, kept from what alloc() returned and free() was given, never from what
 * an allocator says about itself. A page handed out twice, a page outside the memory and a page
 * lost end the bench with a sentence and exit status 1. */
#ifndef TESTS_BENCH_HARNESS_H
#define TESTS_BENCH_HARNESS_H

#include "tests/bench/allocator.h"

#define BENCH_BASE                                                                                 \
    (4 * GIB) /* where the memory lies: one zone (NORMAL) for those who have zones                 \
               */

_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Nanoseconds of CPU time of this thread: other programs on the machine do not count. */
uint64_t bench_cpu_ns(void);
uint64_t bench_wall_ns(void);

/* A cheap tick for single calls, and how many nanoseconds one is. */
uint64_t bench_ticks(void);
double bench_tick_ns(void);

/* xorshift64*: the same seed gives the same work to every allocator. `state` is never 0. */
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1Du;
}

/* 0 .. below - 1. */
static inline uint64_t bench_below(uint64_t *state, uint64_t below)
{
    return (uint64_t)(((unsigned __int128)bench_random(state) * below) >> 64);
}

/* An allocator at work on its own memory. */
struct instance {
    const struct bench_allocator *allocator;
    void *self;
    struct bench_memory memory;
    void *tables;
    size_t table_bytes;
};

/* `pages` at BENCH_BASE. The tables are touched beforehand and lie on large pages where the host
 * has them, as a kernel's direct map would give them. */
void instance_open(struct instance *, const struct bench_allocator *, uint64_t pages,
                   unsigned cpus);

/* The same on small pages that nobody has touched: for the init figures. False when the allocator
 * cannot be made for this memory. `*ns` is the time of create(), `*touched` the bytes of tables
 * that are resident afterwards. */
bool instance_open_fresh(struct instance *, const struct bench_allocator *,
                         const struct bench_memory *, unsigned cpus, uint64_t *ns,
                         uint64_t *touched);
void instance_close(struct instance *);

/* A normalized map of one flat stretch; lives until the next call. */
struct bench_memory bench_flat_memory(uint64_t pages);

struct ledger {
    const struct instance *instance;
    uint64_t *bits;
    uint64_t pages, marked;
};

void ledger_open(struct ledger *, const struct instance *);
void ledger_close(struct ledger *);
/* Someone holds `pages` asked for at `base`: marks what such a run uses up. */
void ledger_mark(struct ledger *, paddr_t base, size_t pages);
/* Aligned 2 MiB blocks in which no page is marked. */
uint64_t ledger_free_blocks(const struct ledger *);
/* Take single pages until there are no more, mark them: every page must turn up exactly once.
 * Leaves the allocator full. Returns the pages found. */
uint64_t ledger_take_rest(struct ledger *, struct instance *);

#endif
