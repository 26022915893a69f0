/* tests/bench/allocator.h: the interface of every allocator that the bench compares.
 *
 * An allocator manages one flat stretch of memory. It gets its tables from the harness, so that the
 * harness can count what it touches. The pages themselves are never touched. Each allocator is
 * measured in loops of its own (loops.h); `bench_idle` (alloc_idle.c) shows what the loops cost by
 * themselves.
 */
#ifndef TESTS_BENCH_ALLOCATOR_H
#define TESTS_BENCH_ALLOCATOR_H

#include "hal/base.h"
#include "mm/memmap.h"

/* What is known about a request. The bits are those of a trace word, shifted right by eight. Each
 * allocator translates them to flags of its own (bench_allocator.flags). */
#define BENCH_ZEROED  1u
#define BENCH_MOVABLE 2u
#define BENCH_DMA     4u
#define BENCH_SINGLE  8u /* one page; without BENCH_MOVABLE it is a page of the kernel's own */
#define BENCH_KINDS   16u

struct bench_memory {
    hal_paddr_t base; /* a multiple of 4 MiB */
    uint64_t pages;
    const struct memmap *map; /* the same memory, as a normalized map */
};

struct bench_loops;

#define BENCH_INLINE inline __attribute__((always_inline))
typedef hal_paddr_t bench_alloc_fn(void *self, size_t pages, uint64_t align, uint32_t flags);
typedef bool bench_free_fn(void *self, hal_paddr_t base,
                           size_t pages); /* false: refused as misuse */

struct bench_allocator {
    const char *name; /* one word: a column of the table and of the CSV */
    size_t max_run;   /* longest run it can hand out, in pages; 0: any */
    size_t (*tables_size)(const struct bench_memory *, unsigned cpus);
    /* `tables` is page-aligned and zero-filled, but no allocator relies on the zeros. Returns the
     * `self` of the other calls, which lies in `tables`, or NULL when it fails. */
    void *(*create)(const struct bench_memory *, unsigned cpus, void *tables, size_t bytes);
    bench_alloc_fn *alloc;
    bench_free_fn *free;
    const struct bench_loops *loops; /* loops that call the two directly */
    void (*drain)(void *self);       /* give back the pages that are parked with CPUs */
    size_t (*taken)(size_t pages);   /* the pages that a run of `pages` really uses up */
    const uint32_t *flags;           /* what alloc() is given, for each of BENCH_KINDS requests */
};

/* For allocators that treat all requests alike. */
extern const uint32_t bench_no_flags[BENCH_KINDS];

extern const struct bench_allocator bench_mortise, bench_buddy, bench_buddy_exact, bench_bitmap,
    bench_freelist, bench_idle;

/* `taken` of every allocator that uses up exactly what is asked for. */
static inline size_t bench_taken_exactly(size_t pages)
{
    return pages;
}

#endif
