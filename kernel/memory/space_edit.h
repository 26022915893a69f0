/* kernel/memory/space_edit.h: the kernel's address space (kernel/memory/space.h says what is in it), for
 * several CPUs at once. mm/aspace.h wants calls on one space serialised: this is the lock.
 *
 *   E1  whoever calls mm/aspace.h on space_kernel, reads it there, or makes or destroys a space that shares
 *       its upper half, holds the lock; before other CPUs run, and in a panic, it need not
 *   E2  who waits for it answers calls of other CPUs meanwhile, for its holder may wait for such an answer
 *       (a shootdown). What runs in a call, or with an interrupt, never takes it
 *
 * Context: any CPU, interrupts on or off, outside of an interrupt; locks of mm/ are taken inside.
 */
#ifndef KERNEL_MEMORY_SPACE_EDIT_H
#define KERNEL_MEMORY_SPACE_EDIT_H

#include "mm/aspace.h"

extern struct aspace space_kernel;

/* Take the lock and disable interrupts; give it back, with what the first one returned. It does not nest. */
hal_irq_t space_lock(void);
void space_unlock(hal_irq_t);

/* What mm/aspace.h says of aspace_map(), aspace_unmap() and aspace_query(), of space_kernel, in the lock. */
mm_status_t space_map(hal_vaddr_t virt, hal_paddr_t phys, uint64_t size,
                      uint32_t prot) MM_MUST_CHECK;
mm_status_t space_unmap(hal_vaddr_t virt, uint64_t size) MM_MUST_CHECK;
mm_status_t space_query(hal_vaddr_t virt, struct aspace_mapping *out) MM_MUST_CHECK;

#endif
