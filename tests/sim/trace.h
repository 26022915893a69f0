/* tests/sim/trace.h: reads a file of recorded page allocations, checks it and replays it.
 *
 * The format is in tests/data/traces/README.md. A trace that trace_load() accepts is sound: every
 * free names an allocation that came before it and has not been freed, and an allocator can be
 * asked for every order. So trace_replay() trusts it.
 *
 * A hostile file does no harm: memory is sized by the bytes that were read, never by what the
 * header claims.
 */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include "hal/base.h"

#define TRACE_ORDERS    19u /* orders 0..18: up to 1 GiB, the largest alignment of pmm_alloc */
#define TRACE_MAX_WORDS ((uint32_t)1 << 28)

/* What is known about a request, as bits of its kind. */
#define TRACE_ZEROED  1u
#define TRACE_MOVABLE 2u
#define TRACE_DMA     4u
#define TRACE_SINGLE  8u /* order 0; without TRACE_MOVABLE it is a page of the kernel's own */
#define TRACE_KINDS   16u

#define TRACE_ALLOC_BIT ((uint32_t)1 << 31) /* a word of a trace: an allocation; else a free */

struct trace {
    uint32_t *words;
    uint32_t count; /* words: allocations and frees */
    uint32_t allocations;
    uint64_t peak_pages; /* most pages held at one time; counted, and equal to the header's */
};

/* Read the file `path`. When it is false, `error` has a sentence with the file's name, and `trace`
 * is empty. */
bool trace_load(const char *path, struct trace *trace, char *error, size_t error_size);
void trace_unload(struct trace *trace);

/* The pages of a memory that is `percent` larger than the trace's peak, rounded up. */
uint64_t trace_pages_with_headroom(const struct trace *trace, double percent);

struct trace_target;
struct trace_counts;

/* The loop that is measured: trace_loop() below with two functions filled in, so that they are
 * called directly, as a kernel calls its allocator. */
typedef void trace_loop_fn(const struct trace *, const struct trace_target *, hal_paddr_t *held,
                           struct trace_counts *);
typedef hal_paddr_t trace_alloc_fn(void *ctx, size_t pages, uint64_t align, uint32_t flags);
typedef bool trace_free_fn(void *ctx, hal_paddr_t base, size_t pages);

/* What serves the replay. alloc() gets `flags[kind]` as its last argument: the caller translates
 * the kinds to its own flags beforehand, not in the measured loop. */
struct trace_target {
    void *ctx;
    trace_loop_fn *loop;
    uint32_t flags[TRACE_KINDS];
};

struct trace_counts {
    uint64_t ops;                    /* calls of alloc and free made */
    uint64_t ns;                     /* CPU time of this thread in the replay */
    uint64_t allocs, frees;          /* those that succeeded */
    uint64_t failed;                 /* allocations that got nothing */
    uint64_t failures[TRACE_ORDERS]; /* the same by order */
    uint64_t refused;                /* frees that the target refused: a bug of the target */
    uint64_t pages_held;             /* at the end */
};

/* Replay in order. Each allocation asks for 2^order pages, naturally aligned; the free of a failed
 * allocation is skipped. `held` has trace->allocations entries and says afterwards where each
 * allocation still lies: HAL_PADDR_NONE when it failed or was freed. O(words). */
void trace_replay(const struct trace *trace, const struct trace_target *target, hal_paddr_t *held,
                  struct trace_counts *counts);

static inline uint32_t trace_kind_of(uint32_t word)
{
    return (word >> 8 & 7u) | ((word & 0xFFu) == 0 ? TRACE_SINGLE : 0);
}

/* `held` keeps the order of an allocation in the low bits of its address, which are 0 in the
 * address of a page. So there is one table, and a free touches one cache line of it. */
static inline __attribute__((always_inline)) void
trace_loop(trace_alloc_fn *alloc, trace_free_fn *give_back, const struct trace *t,
           const struct trace_target *target, hal_paddr_t *held, struct trace_counts *counts)
{
    hal_paddr_t *next = held;
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t word = t->words[i];
        if (word & TRACE_ALLOC_BIT) {
            unsigned order = word & 0xFFu;
            size_t pages = (size_t)1 << order;
            hal_paddr_t base = alloc(target->ctx, pages, pages * HAL_PAGE_SIZE,
                                     target->flags[trace_kind_of(word)]);
            *next++ = base == HAL_PADDR_NONE ? HAL_PADDR_NONE : base | order;
            counts->failed += base == HAL_PADDR_NONE;
            counts->failures[order] += base == HAL_PADDR_NONE;
        } else if (held[word] != HAL_PADDR_NONE) {
            hal_paddr_t base = hal_align_down(held[word], HAL_PAGE_SIZE);
            size_t pages = (size_t)1 << (held[word] & (HAL_PAGE_SIZE - 1));
            held[word] = HAL_PADDR_NONE;
            counts->frees++;
            counts->refused += !give_back(target->ctx, base, pages);
        }
    }
}

/* Visit every allocation in order; `ordinal` is its place among them, from 0 on. O(words). */
typedef void trace_visit_fn(void *ctx, uint32_t ordinal, unsigned order, uint32_t kind);
void trace_walk(const struct trace *trace, trace_visit_fn *visit, void *ctx);

#endif
