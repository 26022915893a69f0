/* mm/pmm_report.h: what a page allocator says of itself: statistics, and a walk over all its pages.
 * Part of mm/pmm.h, which says what the words mean. */
#ifndef MORTISE_MM_PMM_REPORT_H
#define MORTISE_MM_PMM_REPORT_H

#include "pmm_machine.h"

struct pmm_stats {
    uint64_t total;       /* pages that the allocator owns */
    uint64_t free;        /* free, not parked */
    uint64_t parked;      /* free, parked in magazines */
    uint64_t largest_run; /* pages of the largest free run (parked pages are not in it) */
    uint64_t runs;        /* maximal free runs */
    uint64_t free_blocks; /* aligned 2 MiB blocks that are wholly free */
    uint64_t allocs;      /* calls that took pages here, or split a run in two */
    uint64_t frees;       /* calls that gave pages back here */
    uint64_t failures;  /* calls that found no run, counted in the first zone with memory that they
                          could have used; when there is none, in the DMA zone of node 0. A call
                          with a bad argument is not counted */
    uint64_t low_water; /* the least `free` ever was (free, not parked), since pmm_create */
    uint64_t bad;       /* pages kept from use because they are bad; not in `total` */
    uint64_t retiring;  /* pages in use that become bad when they are given back */
    uint32_t fragmentation; /* 0 to 1000: 1000 - 1000 * (free pages in whole blocks) / free */
};

/* Exact when no other CPU is inside the allocator: total = free + parked + what is allocated.
 *
 * Other CPUs may be inside. Then total, free, failures, low_water, bad and retiring are those of one
 * moment, and allocs and frees lack or repeat some calls of that moment. What is counted from the bits (parked,
 * largest_run, runs, free_blocks, and so fragmentation) counts each block as it was at some time
 * during the call. Still free + parked is at most total, and no run is longer than free.
 *
 * A zone without memory: all zero but, for DMA, the failures of calls whose zones have none.
 * O(blocks in use + extents + runs). Takes the zone's lock for one block at a time. */
void pmm_stats(struct pmm *, enum pmm_zone, struct pmm_stats *);

/* The same of one node's zone; all zero for a node that is not there. The statistics of a zone are the
 * sums of its nodes', but the largest run is the largest of them, and no run crosses from one node into
 * the next. */
void pmm_stats_node(struct pmm *, uint32_t node, enum pmm_zone, struct pmm_stats *);

/* Every maximal run of one kind within a region, in address order, but for what is absent. `visit` is called under the
 * zone's lock with interrupts disabled: it must not call the allocator. Other CPUs may be inside:
 * each page is told once all the same, as it was at some time during the call, but a run that
 * others change meanwhile may be told in parts. Cost as pmm_stats(). */
enum pmm_run {
    PMM_RUN_FREE,
    PMM_RUN_PARKED,
    PMM_RUN_ALLOCATED, /* pages that become bad later too */
    PMM_RUN_WITHHELD,
    PMM_RUN_BAD,
    PMM_RUN_COUNT,
};
typedef void pmm_visit_fn(void *ctx, hal_paddr_t base, uint64_t pages, enum pmm_run);
void pmm_walk(struct pmm *, pmm_visit_fn *visit, void *ctx);

/* The node whose memory this address is, if there is any. O(log ranges). */
uint32_t pmm_node_of(const struct pmm *, hal_paddr_t addr);

/* Facts for logs and tools. */
uint32_t pmm_node_count(const struct pmm *);
size_t pmm_table_bytes(const struct pmm *);
size_t pmm_region_count(const struct pmm *);
const char *pmm_zone_name(enum pmm_zone);

#endif
