/* tests/bench/loops.h: the loops that are measured. Each allocator's file makes its own by
 * BENCH_LOOPS(), so that they call the allocator directly, as a kernel calls its only one. Through
 * a table of functions the two calls of a pair would cost as much as a good allocator does. */
#ifndef TESTS_BENCH_LOOPS_H
#define TESTS_BENCH_LOOPS_H

#include "tests/bench/churn.h"
#include "tests/sim/trace.h"

/* Take a run and give it back, `count` times. Returns the number of frees that were refused. */
static BENCH_INLINE uint64_t loop_pairs(bench_alloc_fn *alloc, bench_free_fn *give_back, void *self,
                                        size_t pages, uint32_t flags, uint64_t count)
{
    uint64_t bad = 0;
    for (uint64_t i = 0; i < count; i++)
        bad += !give_back(self, alloc(self, pages, HAL_PAGE_SIZE, flags), pages);
    return bad;
}

static BENCH_INLINE void loop_take(bench_alloc_fn *alloc, void *self, uint32_t flags,
                                   hal_paddr_t *held, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        held[i] = alloc(self, 1, HAL_PAGE_SIZE, flags);
}

/* Returns the number of frees that were refused. */
static BENCH_INLINE uint64_t loop_give(bench_free_fn *give_back, void *self,
                                       const hal_paddr_t *held, uint64_t count)
{
    uint64_t bad = 0;
    for (uint64_t i = 0; i < count; i++)
        bad += !give_back(self, held[i], 1);
    return bad;
}

static BENCH_INLINE void loop_churn(bench_alloc_fn *alloc, bench_free_fn *give_back,
                                    struct churn *c, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        churn_step(alloc, give_back, c);
}

struct bench_loops {
    uint64_t (*pairs)(void *self, size_t pages, uint32_t flags, uint64_t count);
    void (*take)(void *self, uint32_t flags, hal_paddr_t *held, uint64_t count);
    uint64_t (*give)(void *self, const hal_paddr_t *held, uint64_t count);
    void (*churn)(struct churn *, uint64_t count);
    trace_loop_fn *replay;
};

#define BENCH_LOOPS(name, alloc, give_back)                                                        \
    static uint64_t name##_pairs(void *self, size_t pages, uint32_t flags, uint64_t count)         \
    {                                                                                              \
        return pages == 1 ? loop_pairs(alloc, give_back, self, 1, flags, count)                    \
                          : loop_pairs(alloc, give_back, self, pages, flags, count);               \
    }                                                                                              \
    static void name##_take(void *self, uint32_t flags, hal_paddr_t *held, uint64_t count)         \
    {                                                                                              \
        loop_take(alloc, self, flags, held, count);                                                \
    }                                                                                              \
    static uint64_t name##_give(void *self, const hal_paddr_t *held, uint64_t count)               \
    {                                                                                              \
        return loop_give(give_back, self, held, count);                                            \
    }                                                                                              \
    static void name##_churn(struct churn *c, uint64_t count)                                      \
    {                                                                                              \
        loop_churn(alloc, give_back, c, count);                                                    \
    }                                                                                              \
    static void name##_replay(const struct trace *t, const struct trace_target *target,            \
                              hal_paddr_t *held, struct trace_counts *counts)                      \
    {                                                                                              \
        trace_loop(alloc, give_back, t, target, held, counts);                                     \
    }                                                                                              \
    static const struct bench_loops name##_loops = {name##_pairs, name##_take, name##_give,        \
                                                    name##_churn, name##_replay}

#endif
