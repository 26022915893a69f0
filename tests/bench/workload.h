/* tests/bench/workload.h: the workloads. Each function runs one workload once, with one allocator,
 * and adds its samples (figures.h). bench.c goes round over the allocators and the rounds. */
#ifndef TESTS_BENCH_WORKLOAD_H
#define TESTS_BENCH_WORKLOAD_H

#include "tests/bench/allocator.h"

struct bench_options {
    bool quick;       /* a smoke run: all is small, and the figures mean nothing */
    const char *data; /* the folder with traces/ and maps/ */
    uint64_t pool;    /* pages of the memory: 4 GiB when nothing else is asked for */
    unsigned round;   /* from 0 on; a workload that uses no clock runs in the first one only */
};

typedef void workload_fn(const struct bench_allocator *, const struct bench_options *);

/* Single pages, all of the memory. */
workload_fn run_hot;         /* alloc and free of one page */
workload_fn run_bulk;        /* take all, free all in the same order */
workload_fn run_random_free; /* take all, free all in random order */

/* On one CPU, and on two at the same time. */
workload_fn run_pairs; /* take a run of 1, 2, 4, 8, 16, 64 or 512 pages, give it back */
workload_fn
    run_threads; /* take all pages, give them back, and in random order, half of them another
                            CPU's */

/* Runs of mixed lengths (1: 70 %, 2-16: 20 %, 17-128: 8 %, 512 aligned to 2 MiB: 2 %). The pages
 * that they asked for stay at a share of the memory. */
workload_fn run_churn;   /* 50, 75, 90 and 95 % */
workload_fn run_filling; /* from nothing to 75 % */
workload_fn run_small;   /* 50, 75 and 90 % of 128 MiB */
workload_fn run_latency; /* every allocation timed, 90 % */

/* LLFree's fragmentation test (USENIX ATC '23): half of all single pages stay, at random; then 100
 * rounds that free 10 % of those at random and take as many again. */
workload_fn run_fragmentation;

workload_fn run_traces; /* both recorded traces at 2 and 10 % headroom */
workload_fn run_init;   /* time and metadata at five sizes */
workload_fn run_spaces; /* mm/aspace beside a mapper of single pages; mortise stands for both */

#endif
