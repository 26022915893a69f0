/* tests/bench/harness.h: what every workload needs: memory, instances, clocks, random numbers, and
 * the ledger, which is the bench's own record of the pages that are held.
 *
 * The ledger has a bit for each page. It is kept from what alloc() returned and free() was given,
 * never from what an allocator says about itself. The bench ends with a sentence and exit status 1
 * when a page is handed out twice, lies outside the memory, or is lost. */
#ifndef TESTS_BENCH_HARNESS_H
#define TESTS_BENCH_HARNESS_H

#include "hal/short.h"
#include "tests/bench/allocator.h"

/* Where the memory lies: all of it in one zone (NORMAL), for allocators that have zones. */
#define BENCH_BASE (4 * GIB)

/* Print the sentence and end the bench with status 1. */

_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Nanoseconds of this thread's CPU time, to which other programs add nothing; and of the wall
 * clock. */
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

/* A random number from 0 to below - 1. */
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

/* Make an instance with `pages` pages at BENCH_BASE. Its tables have been touched and lie on large
 * pages where the host has them, as they would in a kernel's direct map. */
void instance_open(struct instance *, const struct bench_allocator *, uint64_t pages,
                   unsigned cpus);

/* The same with tables on small pages that nobody has touched, for the init figures. `*ns` is the
 * time of create(), `*touched` the bytes of tables that are resident afterwards. False when the
 * allocator cannot be made for this memory. */
bool instance_open_fresh(struct instance *, const struct bench_allocator *,
                         const struct bench_memory *, unsigned cpus, uint64_t *ns,
                         uint64_t *touched);
void instance_close(struct instance *);

/* One flat stretch of memory with its normalized map, which is valid until the next call. */
struct bench_memory bench_flat_memory(uint64_t pages);

struct ledger {
    const struct instance *instance;
    uint64_t *bits;
    uint64_t pages, marked;
};

void ledger_open(struct ledger *, const struct instance *);
void ledger_close(struct ledger *);
/* Mark what a run of `pages` at `base` uses up: somebody holds it now. */
void ledger_mark(struct ledger *, hal_paddr_t base, size_t pages);
/* The number of aligned 2 MiB blocks in which no page is marked. */
uint64_t ledger_free_blocks(const struct ledger *);
/* Take and mark single pages until there are no more: every page must turn up exactly once. The
 * allocator is full afterwards. Returns the number of pages found. */
uint64_t ledger_take_rest(struct ledger *, struct instance *);

#endif
