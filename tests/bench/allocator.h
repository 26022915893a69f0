/* tests/bench/allocator.h: one shape for every allocator that the bench compares.
 *
 * An allocator manages one flat stretch of memory and gets its tables from the harness, so that
 * the harness can count what it touches. The pages themselves are never touched. What is measured
 * runs in loops of the allocator's own (loops.h); `bench_idle` (alloc_idle.c) shows what those
 * loops cost by themselves.
 */
#ifndef TESTS_BENCH_ALLOCATOR_H
#define TESTS_BENCH_ALLOCATOR_H

#include "hal/base.h"
#include "mm/memmap.h"

/* What the requester knows about a request; bit values are those of a trace word, shifted right by
 * eight. Each allocator makes its own flags of them (bench_allocator.flags). */
#define BENCH_ZEROED  1u
#define BENCH_MOVABLE 2u
#define BENCH_DMA     4u
#define BENCH_SINGLE  8u /* order 0: with BENCH_MOVABLE clear, a page of the kernel's own */
#define BENCH_KINDS   16u

struct bench_memory {
    paddr_t base; /* a multiple of 4 MiB */
    uint64_t pages;
    const struct memmap
        *map; /* the same memory as a normalized map, for allocators that read one */
};

struct bench_loops;

#define BENCH_INLINE inline __attribute__((always_inline))
typedef paddr_t bench_alloc_fn(void *self, size_t pages, uint64_t align, uint32_t flags);
typedef bool bench_free_fn(void *self, paddr_t base, size_t pages); /* false: refused as misuse */

struct bench_allocator {
    const char *name; /* one word: a column of the table and of the CSV */
    size_t max_run;   /* longest run it can hand out, in pages; 0: any */
    size_t (*tables_size)(const struct bench_memory *, unsigned cpus);
    /* `tables` is zero-filled and page-aligned, but nobody counts on the zeros. NULL on failure.
     * What it returns is `self` of the other calls and lies in `tables`. */
    void *(*create)(const struct bench_memory *, unsigned cpus, void *tables, size_t bytes);
    bench_alloc_fn *alloc;
    bench_free_fn *free;
    const struct bench_loops *loops; /* both, called directly */
    void (*drain)(void *self);       /* give up pages parked with CPUs */
    size_t (*taken)(size_t pages);   /* pages really used up by such a run */
    const uint32_t *flags; /* BENCH_KINDS of them, by kind of request: what alloc() is given */
};

/* For allocators that treat all requests alike. */
extern const uint32_t bench_no_flags[BENCH_KINDS];

extern const struct bench_allocator bench_mortise, bench_buddy, bench_buddy_exact, bench_bitmap,
    bench_freelist, bench_idle;

/* `taken` of all allocators that use up what is asked. */
static inline size_t bench_taken_exactly(size_t pages)
{
    return pages;
}

#endif
