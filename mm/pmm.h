/* mm/pmm.h: the page allocator: segregated fit over per-region bitmaps.
 *
 * Addresses are bytes, lengths are pages of 4 KiB. PADDR_NONE (0) is never a page. An allocator is
 * an instance, made from a normalized memory map; it never reads or writes the pages it manages
 * (but to zero them for PMM_ZERO, or in the debug modes below).
 *
 *   zone      DMA below 16 MiB, DMA32 below 4 GiB, NORMAL above
 *   region    a maximal run of memory, cut at zone limits, with its own part of the tables
 *   block     512 pages, aligned to 2 MiB
 *   extent    a maximal run of wholly free blocks
 *   magazine  a block that a CPU owns for a while: its free pages are parked there, and that CPU
 *             takes and returns single pages with plain stores, without a lock. Zones below
 *             64 MiB, and below 48 MiB a CPU, have none: at most a quarter can be parked
 *
 * Invariants, recomputed by pmm_check() and cited by number in code and tests:
 *   P1  free + parked + allocated = total, per zone, by recount
 *   P2  a region lies in one zone and no two regions touch the same page
 *   P3  each partly used block is filed under its longest free run and only there, each extent
 *       under its length
 *   P4  block summaries equal what the bits say
 *   P5  no two extents touch
 *   P6  pmm_alloc fails only if no run fits in the zones allowed; pages parked on this CPU count
 *   P7  no allocator table, image, stack or page-table page is ever free
 *   P8  a call that fails has changed nothing
 */
#ifndef MM_PMM_H
#define MM_PMM_H

#include "hal/base.h"
#include "mm/memmap.h"
#include "mm/status.h"

enum pmm_zone { PMM_ZONE_DMA, PMM_ZONE_DMA32, PMM_ZONE_NORMAL, PMM_ZONE_COUNT };

#define PMM_DMA_LIMIT   (16 * MIB)
#define PMM_DMA32_LIMIT (4 * GIB)

/* Flags of pmm_alloc. */
#define PMM_DMA    1u /* below 16 MiB */
#define PMM_DMA32  2u /* below 4 GiB */
#define PMM_ZERO   4u /* the pages read as zero */
#define PMM_KERNEL 8u /* long-lived: kept together in blocks of its own */

struct pmm;

struct pmm_stats {
    uint64_t total;       /* pages that the allocator owns */
    uint64_t free;        /* free, not parked */
    uint64_t parked;      /* free, parked in magazines */
    uint64_t largest_run; /* pages of the largest free run (parked pages are not in it) */
    uint64_t runs;        /* maximal free runs */
    uint64_t free_blocks; /* aligned 2 MiB blocks that are wholly free */
    uint64_t allocs;      /* calls that took pages here */
    uint64_t frees;       /* calls that gave pages back here */
    uint64_t failures; /* calls that found no run, counted in the highest zone with memory that they
                          could have used; when there is none, in the DMA zone, whose total is 0
                          then. A call with a bad argument is no such call. */
    uint64_t low_water;     /* the least `free` ever was (free, not parked), since pmm_create */
    uint32_t fragmentation; /* 0..1000: 1000 - 1000 * (free pages in whole blocks) / free */
};

/* Tables for a map: bytes that are always enough for pmm_create_in() with `map` and `cpus`, even
 * when they are then taken out of its usable memory. 148 bytes for each 2 MiB block (2.3 bits a
 * page), some 2.9 KiB for each zone that has memory (3.9 KiB from 2 GiB on), 1.2 KiB a CPU.
 * O(regions). */
size_t pmm_tables_size(const struct memmap *map, unsigned cpus);

/* Make an allocator for all MEM_USABLE memory of `map` that has no owner. Memory of type MEM_BOOT
 * and MEM_LOADER without an owner is known but withheld until pmm_reclaim().
 *
 * The tables are taken from `map` with memmap_early_alloc, high, labelled "page allocator tables".
 * `cpus` is 1..1024. `map` must stay alive and unchanged as long as the allocator.
 * STATUS_NO_MEMORY (no room for the tables), STATUS_INVALID (cpus, a map that is not normalized or
 * that memmap_check() finds broken).
 * O(regions), not O(pages). One CPU, before any other call. */
status_t pmm_create(struct memmap *map, unsigned cpus, struct pmm **out) MUST_CHECK;

/* The same with the caller's memory for the tables: `tables` is 64-byte aligned, `bytes` best
 * pmm_tables_size(). The contents need not be zero. STATUS_FULL when too small, STATUS_INVALID as
 * above. */
status_t pmm_create_in(const struct memmap *map, unsigned cpus, void *tables, size_t bytes,
                       struct pmm **out) MUST_CHECK;

/* Take `pages` (>= 1) contiguous pages. Highest zone first; ordinary requests enter DMA last and
 * leave a reserve there (a quarter of the zone, so less than 4 MiB). PADDR_NONE when no run fits
 * (P6), or an argument is out of range. One page: O(1). Any context but NMI; takes a zone lock. */
paddr_t pmm_alloc(struct pmm *, size_t pages, uint32_t flags);

/* The same, aligned to `align` bytes: a power of two, 4 KiB to 1 GiB. */
paddr_t pmm_alloc_aligned(struct pmm *, size_t pages, uint64_t align, uint32_t flags);

/* Take exactly these pages, all or nothing. STATUS_BUSY when one is allocated or parked with
 * another CPU, STATUS_NOT_PAGE, STATUS_INVALID (0 pages, or the range crosses the end of a zone),
 * STATUS_FOREIGN, STATUS_RESERVED. The contents are left alone, junk mode or not. */
status_t pmm_claim(struct pmm *, paddr_t base, size_t pages) MUST_CHECK;

/* Give back exactly what was allocated. Misuse is always found, nothing is changed, and the answer
 * says what it was: STATUS_NOT_PAGE, STATUS_FOREIGN, STATUS_RESERVED, STATUS_ALREADY_FREE,
 * STATUS_PARKED, STATUS_INTERIOR, STATUS_WRONG_LENGTH. Any CPU may free what another took. */
status_t pmm_free(struct pmm *, paddr_t base, size_t pages) MUST_CHECK;

/* Add a withheld region of the map (exactly as memmap_find() gives it: MEM_BOOT or MEM_LOADER,
 * no owner). STATUS_FOREIGN when there is no such withheld region, STATUS_ALREADY_FREE when it was
 * reclaimed before. Other CPUs may be inside the allocator. Cost: O(length / 512 pages) at most,
 * O(1) for whole blocks. */
status_t pmm_reclaim(struct pmm *, const struct mem_region *) MUST_CHECK;

/* Put the pages parked on this CPU back into the zones. */
void pmm_drain(struct pmm *);

/* Counted anew from the bits: exact when no other CPU is inside the allocator. A zone without
 * memory: all zero but, for DMA, the failures of calls whose zones have none. O(pages of partly
 * used blocks + extents), under the zone's lock. */
void pmm_stats(struct pmm *, enum pmm_zone, struct pmm_stats *);

/* Every maximal run of one kind within a region, in address order. `visit` is called under the
 * zone's lock with interrupts disabled: it must not call the allocator. Cost as pmm_stats(). */
enum pmm_run { PMM_RUN_FREE, PMM_RUN_PARKED, PMM_RUN_ALLOCATED, PMM_RUN_WITHHELD };
typedef void pmm_visit_fn(void *ctx, paddr_t base, uint64_t pages, enum pmm_run);
void pmm_walk(struct pmm *, pmm_visit_fn *, void *ctx);

/* NULL, or the invariant that is broken ("P4: ..."). No other CPU may be inside: no lock is taken.
 * O(pages of partly used blocks + extents + regions of the map). */
const char *pmm_check(struct pmm *);

/* Facts for logs and tools. */
size_t pmm_table_bytes(const struct pmm *);
size_t pmm_region_count(const struct pmm *);
const char *pmm_zone_name(enum pmm_zone);

/* Debug modes, off by default. `junk`: pages are filled with a pattern when freed, and the pattern
 * is checked when they are taken again. `check_every`: pmm_check() after every that many calls,
 * 0 never. A broken pattern or invariant panics. `ring`, `ring_size`: the caller's storage for the
 * last operations, or NULL; pmm_debug_ring_count() is the number ever recorded, entry i of the
 * ring is operation i modulo ring_size. NULL `options` turns all off. No other CPU inside. */
struct pmm_op {
    paddr_t base; /* PADDR_NONE for a failed allocation */
    uint64_t pages;
    const void *caller;
    uint32_t flags; /* of the allocation */
    uint32_t kind;  /* 0 alloc, 1 free, 2 claim */
    status_t status;
};
struct pmm_debug {
    bool junk;
    uint32_t check_every;
    struct pmm_op *ring;
    size_t ring_size;
};
void pmm_set_debug(struct pmm *, const struct pmm_debug *options);
uint64_t pmm_debug_ring_count(const struct pmm *);

#endif
