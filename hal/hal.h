/* hal/hal.h: everything that mm/ and kernel/ need from the machine.
 *
 * There is one header and there are ports: hal/x86_64 (a PC after ExitBootServices) and hal/host
 * (a Linux process). A port supplies "port.h", found on the include path, which defines the inline
 * functions below because they are on the allocator's hot path, and one or more .c files for the
 * rest. To take mm/ into another kernel, write these nine things.
 *
 * From "port.h" (static inline):
 *
 *   uint32_t hal_cpu_index(void)
 *       Index of this CPU, 0-based and below the `cpus` given to pmm_create(). Called with
 *       interrupts disabled, so the answer stays true until hal_irq_restore().
 *   hal_irq_t hal_irq_save(void);  void hal_irq_restore(hal_irq_t)
 *       Disable interrupts on this CPU; put back what was there. They nest.
 *   void hal_lock(struct hal_lock *);  void hal_unlock(struct hal_lock *)
 *       Spin lock. Called with interrupts disabled. A zeroed struct hal_lock is an open lock.
 *       Acquire and release order memory as their names say.
 *   void *hal_phys_to_virt(paddr_t)
 *       A pointer through which physical memory can be read and written (the direct map). Valid
 *       for RAM only.
 *   uint64_t hal_cycles(void)
 *       A counter that never goes back and ticks at a constant rate; for measurements.
 *
 * From the port's .c files, declared here:
 */
#ifndef HAL_HAL_H
#define HAL_HAL_H

#include "hal/base.h"
#include "port.h"

/* Set `pages` page frames from `base` on to zero through the direct map. `base` is page-aligned RAM
 * that the caller owns. Any context. */
void hal_zero_pages(paddr_t base, size_t pages);

/* An invariant is broken: say `what` (a whole sentence) and where, and stop this machine. On the
 * desk a test can catch it. Any context; never returns. */
_Noreturn void hal_panic(const char *what, const char *file, int line);

#define HAL_PANIC(what) hal_panic((what), __FILE__, __LINE__)

#endif
