/* tests/bench/churn.h: a population of runs of mixed lengths. Freeing random members keeps the
 * number of pages constant. */
#ifndef TESTS_BENCH_CHURN_H
#define TESTS_BENCH_CHURN_H

#include "tests/bench/harness.h"

/* An address (or HAL_PADDR_NONE) with the length, at most 512, in its low twelve bits. */
typedef uint64_t run_t;

static inline run_t run_make(hal_paddr_t base, uint64_t pages)
{
    return base | pages;
}

static inline hal_paddr_t run_base(run_t run)
{
    return hal_align_down(run, HAL_PAGE_SIZE);
}

static inline uint64_t run_pages(run_t run)
{
    return run & (HAL_PAGE_SIZE - 1);
}

/* The population asks for `target` pages in all: when the next request would ask for more, a random
 * member is freed. A request that fails joins the population too, without an address; when it is
 * chosen as a victim, nothing is called. So every allocator meets exactly the same requests and
 * victims, whichever requests it fails. */
struct churn {
    struct instance in;
    run_t *live;
    uint64_t count, pages, target; /* members, and the pages that they asked for */
    uint64_t held;                 /* the pages of those members that were served */
    uint64_t sizes, victims;
    uint64_t next; /* length of the next request */
    uint32_t flags;
    uint64_t requests, frees, failed, requests_2m, failed_2m, refused;
    uint32_t *ticks; /* of each request, or NULL */
};

static inline uint64_t churn_length(uint64_t *state)
{
    uint64_t kind = bench_below(state, 100);
    if (kind < 70)
        return 1;
    if (kind < 90)
        return 2 + bench_below(state, 15);
    if (kind < 98)
        return 17 + bench_below(state, 112);
    return 512;
}

static BENCH_INLINE void churn_alloc(bench_alloc_fn *alloc, struct churn *c)
{
    uint64_t n = c->next;
    uint64_t align = n == 512 ? 512 * HAL_PAGE_SIZE : HAL_PAGE_SIZE;
    hal_paddr_t base = alloc(c->in.self, n, align, c->flags);
    c->requests_2m += n == 512;
    c->live[c->count++] = run_make(base, n);
    c->pages += n;
    if (base != HAL_PADDR_NONE) {
        c->held += n;
    } else {
        c->failed++;
        c->failed_2m += n == 512;
    }
}

static BENCH_INLINE void churn_free(bench_free_fn *give_back, struct churn *c)
{
    uint64_t victim = bench_below(&c->victims, c->count);
    run_t run = c->live[victim];
    c->live[victim] = c->live[--c->count];
    c->pages -= run_pages(run);
    if (run_base(run) == HAL_PADDR_NONE)
        return;
    c->held -= run_pages(run);
    c->frees++;
    c->refused += !give_back(c->in.self, run_base(run), run_pages(run));
}

/* One operation: free a victim while the next request would exceed the target, else serve it. */
static BENCH_INLINE void churn_step(bench_alloc_fn *alloc, bench_free_fn *give_back,
                                    struct churn *c)
{
    if (c->pages + c->next > c->target) {
        churn_free(give_back, c);
        return;
    }
    uint64_t start = c->ticks != NULL ? bench_ticks() : 0;
    churn_alloc(alloc, c);
    if (c->ticks != NULL)
        c->ticks[c->requests] = (uint32_t)hal_min_u64(bench_ticks() - start, UINT32_MAX);
    c->requests++;
    c->next = churn_length(&c->sizes);
}

#endif
