/* mm/pmm.h: the page allocator: segregated fit over per-region bitmaps.
 *
 * To include this header is enough. It includes the others that a user needs:
 *
 *   pmm.h         take pages and give them back
 *   pmm_machine.h what a machine is like: CPUs, limits of zones, nodes
 *   pmm_create.h  make an allocator from a memory map; add what the firmware gives up
 *   pmm_claim.h   take exactly these pages
 *   pmm_split.h   cut a run in two
 *   pmm_length.h  how long a run is
 *   pmm_retire.h  keep bad pages from use
 *   pmm_hotplug.h memory that comes and goes later
 *   pmm_report.h  statistics, and a walk over all pages
 *   pmm_check.h   the check of the invariants
 *   pmm_debug.h   debug modes
 *
 * Addresses are bytes, lengths are pages of 4 KiB. HAL_PADDR_NONE (0) is never a page. An allocator is
 * an instance, made from a normalized memory map; it never reads or writes the pages it manages,
 * except to zero them for PMM_ZERO and in the debug mode `junk`.
 *
 *   node      CPUs and memory that lie near each other; most machines are one
 *   zone      a node's memory by address: DMA below 16 MiB, DMA32 below 4 GiB, NORMAL above; or other
 *             limits, given at creation. Each has its own lock
 *   region    a maximal run of memory of one zone, with its own part of the tables
 *   block     512 pages, aligned to 2 MiB
 *   extent    a maximal run of wholly free blocks
 *   magazine  a block that a CPU owns for a while: its free pages are parked there, and that CPU
 *             takes and gives back single pages with plain stores, without a lock
 *   stash     64 single pages and a run of at most 512 that a CPU gave back, parked for its next
 *             requests. It takes and gives back that run without a lock
 *
 * At most a quarter of a zone can be parked. So zones below 64 MiB, and below 57 MiB for each CPU of the
 * node, have no magazines, and a CPU stashes nothing that others could come to want: four times what it may
 * have must be free for each CPU. DMA zones have no stashes, and a CPU parks pages of its own node alone.
 *
 * Invariants. pmm_check() recomputes them, and code and tests cite them by number:
 *   P1  free + parked + allocated = total, per zone, by recount
 *   P2  a region lies in one zone and no two regions touch the same page
 *   P3  each partly used block is in the list for its longest free run and in no other, each free
 *       extent in the list for its length
 *   P4  block summaries equal what the bits say
 *   P5  no two free extents touch
 *   P6  pmm_alloc fails only if no run fits in the zones allowed, whatever is parked and wherever
 *   P7  no allocator table, image, stack or page-table page is ever free
 *   P8  a call that fails has changed nothing
 *   P9  a bad page is in no total and never taken; a page that becomes bad later is in use, in a
 *       block that no CPU owns; both are counted, by recount
 */
#ifndef MORTISE_MM_PMM_H
#define MORTISE_MM_PMM_H

#include "pmm_check.h"
#include "pmm_claim.h"
#include "pmm_create.h"
#include "pmm_debug.h"
#include "pmm_machine.h"
#include "pmm_hotplug.h"
#include "pmm_length.h"
#include "pmm_report.h"
#include "pmm_retire.h"
#include "pmm_split.h"
#include "pmm_types.h"
#include "status.h"

/* Flags of a request. */
#define PMM_DMA    1u  /* from a DMA zone: below 16 MiB, or the limit given at creation */
#define PMM_DMA32  2u  /* from a DMA32 or a DMA zone: below 4 GiB, or that limit */
#define PMM_ZERO   4u  /* the pages read as zero */
#define PMM_KERNEL 8u  /* long-lived: kept together in blocks of its own */
#define PMM_HERE   16u /* from this node or nowhere */
#define PMM_NODE   32u /* this node is the one that the request names; else that of the CPU */

/* All that can be asked for; what is left 0 is asked for by nobody. */
struct pmm_request {
    uint64_t pages;    /* at least 1 */
    uint64_t align;    /* bytes: a power of two, 4 KiB to 1 GiB; 0: 4 KiB */
    hal_paddr_t limit; /* no byte of the run lies at or above it; 0: no limit */
    uint64_t
        boundary; /* bytes: a power of two, at least 4 KiB, no multiple of which lies inside the
                          run (64 KiB for old DMA, 4 GiB for many a device); 0: none */
    uint32_t flags;
    uint32_t node; /* with PMM_NODE */
};

/* P6 and other CPUs. A call that would fail has every other CPU give back what it parked
 * (hal_call_others()), and looks again. With a port that cannot do that, pages truly parked with
 * another CPU are out of its reach; those that were given back to another CPU's block can still be
 * had, one by one, but for a request whose limit lies inside the zone. Such a kernel calls
 * pmm_drain() on a CPU that goes idle, or that is asked to by one whose request failed. */

/* Take `pages` (>= 1) contiguous pages. Highest zone first; ordinary requests enter DMA last and
 * leave a reserve there (a quarter of the zone: of a PC's less than 4 MiB). HAL_PADDR_NONE when no run
 * fits (P6), or an argument is out of range (so is PMM_NODE here). While other CPUs take and give
 * pages, a run that is free during the whole call is found.
 *
 * With several nodes: all of the CPU's own node but its DMA zone, then the next nearest node in the
 * same way (pmm_machine_order()), and behind them all the DMA zones in that order. A single page, and
 * a run that is exactly a block, comes from the first zone in this order that has one free; any other
 * run from the first one that shows it at once, and only where none does, from the first one in which
 * a search finds it.
 *
 * Any context but NMI. Takes zone locks, with interrupts disabled, each time for O(1 + pages /
 * 512). One page is O(1), a run nearly always O(1 + pages / 512). A run that crosses blocks or is
 * aligned by luck may take a search through all blocks in use, and so does a request that fails;
 * between the pieces of that search the lock is given up, and interrupts are as the caller had
 * them. */
hal_paddr_t pmm_alloc(struct pmm *, size_t pages, uint32_t flags);

/* The same, aligned to `align` bytes: a power of two, 4 KiB to 1 GiB. */
hal_paddr_t pmm_alloc_aligned(struct pmm *, size_t pages, uint64_t align, uint32_t flags);

/* The same for whatever a request can name. A boundary or a limit inside a zone, unless the alignment
 * keeps to it by itself, costs the search that is described above. */
hal_paddr_t pmm_alloc_request(struct pmm *, const struct pmm_request *);

/* Give back exactly what was allocated. Misuse changes nothing, and the answer says what it was:
 * MM_NOT_PAGE, MM_FOREIGN, MM_RESERVED, MM_ALREADY_FREE, MM_PARKED,
 * MM_INTERIOR, MM_WRONG_LENGTH, MM_BAD. Any CPU may free what another took. Any context but NMI. A
 * page of a block that this CPU owns, and the run in its stash, take no lock; anything else takes the
 * zone's, for O(1 + pages / 512), and O(CPUs) where the answer would be MM_PARKED.
 *
 * Two kinds of misuse are not answered so. Two CPUs that free one page at the very same time may
 * both get MM_OK when one of them owns the page's block. The allocator then panics before
 * anybody gets the page: when it is to be taken, or when the block goes back to its zone. In every
 * debug mode one of the two gets MM_PARKED instead. And a page that was freed and given out
 * again can be freed by its old owner, for nothing tells the two apart. */
mm_status_t pmm_free(struct pmm *, hal_paddr_t base, size_t pages) MM_MUST_CHECK;

/* This CPU is on `node`, which is below the number of nodes, whatever was said at creation: for kernels
 * that do not know by then which CPU gets which number. What it has parked goes back. Any context but NMI;
 * O(1). */
void pmm_set_node(struct pmm *, uint32_t node);

/* Put the pages parked on this CPU back into the zones. Any context but NMI; O(1). */
void pmm_drain(struct pmm *);

#endif
