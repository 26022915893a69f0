/* mm/pmm_parked.h: how a call that would fail gets at pages that CPUs have parked (P6 of mm/pmm.h).
 *
 * What lies in a CPU's blocks or in its stash is its own: only that CPU can give it back. So the port
 * runs the giving back on the other CPUs (hal_call_others()), and from then on until the call has looked
 * again no CPU may park anything: what came back cannot be parked anew behind its back.
 *
 * Where a port cannot do that, only what others gave back to owned blocks can be had: single pages.
 *
 * No lock of the allocator is held by the caller.
 */
#ifndef MORTISE_MM_PMM_PARKED_H
#define MORTISE_MM_PMM_PARKED_H

#include "pmm_struct.h"

/* From one to the other no CPU comes to own a block or stashes anything. parked_begin() is false when
 * the port cannot reach other CPUs: then those keep what they have, and the run that one had in use is
 * parked when it comes back. O(CPUs), interrupts disabled meanwhile. */
bool parked_begin(struct pmm *);
void parked_end(struct pmm *);

/* Make ordinary allocated runs of the CPUs' own ones that are in use, so that a page which reads as parked
 * is. Were there any? Zone locked. O(CPUs). */
bool parked_settle(const struct pmm *, struct zone *);

/* What zone_judge_free() says, then. Zone locked. O(blocks of the run), and O(CPUs) for what is parked. */
mm_status_t parked_judge(const struct pmm *, struct zone *, const struct region *, struct place,
                         size_t pages);

/* A page of the zone that was given back to a block which a CPU owns; HAL_PADDR_NONE: there is none.
 * O(blocks in use), in pieces between which the lock is given up. */
hal_paddr_t parked_take_returned(struct zone *);

#endif
