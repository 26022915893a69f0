/* mm/pmm_debug.h: debug modes of a page allocator. Off, which they are at first, they cost one
 * predicted branch a call. Part of mm/pmm.h, which says what the words mean. */
#ifndef MORTISE_MM_PMM_DEBUG_H
#define MORTISE_MM_PMM_DEBUG_H

#include "pmm_types.h"
#include "status.h"

/* One call, in the ring. */
struct pmm_op {
    hal_paddr_t base; /* HAL_PADDR_NONE for a failed allocation */
    uint64_t pages;
    const void *caller;
    uint32_t flags; /* of the allocation */
    uint32_t kind;  /* 0 alloc, 1 free, 2 claim, 3 split */
    mm_status_t status;
};

struct pmm_debug {
    bool junk; /* fill pages with a pattern when freed, and look for it when they are taken again */
    uint32_t check_every; /* pmm_check() after every so many calls, with interrupts disabled, and
                             only while one CPU alone uses the allocator; 0: never */
    struct pmm_op *ring;  /* the caller's storage for the last calls, or NULL */
    size_t ring_size;     /* entries; call i since the modes were set is entry i modulo ring_size */
};

/* Turn the modes on, or all of them off (`options` NULL). From then on a broken pattern or
 * invariant panics. No other CPU may be inside the allocator. Interrupt handlers of this one may use
 * it before and after: interrupts are disabled meanwhile, with `junk` for O(free memory). */
void pmm_set_debug(struct pmm *, const struct pmm_debug *options);

/* Calls since the modes were set. */
uint64_t pmm_debug_ring_count(const struct pmm *);

/* For the rest of mm/pmm*.c, in a debug mode, without a lock: */

/* A run was taken, or could not be (HAL_PADDR_NONE). */
void pmm_debug_taken(struct pmm *, hal_paddr_t base, size_t pages, uint32_t flags,
                     const void *caller);

/* A run is about to be given back: junk is written while its pages still have an owner. */
void pmm_debug_before_free(struct pmm *, hal_paddr_t base, size_t pages);

/* Junk into pages that nobody uses. */
void pmm_debug_fill(hal_paddr_t base, uint64_t pages);

/* A call is over. */
void pmm_debug_record(struct pmm *, const struct pmm_op *op);

/* All other CPUs have been stopped for good, wherever they were, as by a panic's NMI: nobody waits for them
 * any more in this allocator, so that its report can walk it. What they were about to do is not done. Locks
 * that they held are the port's. Any context. O(CPUs). */
void pmm_others_stopped(struct pmm *);

#endif
