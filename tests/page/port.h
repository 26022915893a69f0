/* tests/page/port.h: the hot half of the hal in a page of the browser: one CPU, no interrupts. Contracts:
 * hal/hal.h, which includes this file as "port.h" from the include path. */
#ifndef TESTS_PAGE_PORT_H
#define TESTS_PAGE_PORT_H

#include "hal/short.h"

#define CPU_TRAP_STACKS 1u /* hal/cpu.h; a page has no traps, but compiles what counts the stacks */

typedef uint32_t hal_irq_t;

struct hal_lock {
    bool held;
};

static inline uint32_t hal_cpu_index(void)
{
    return 0;
}

static inline hal_irq_t hal_irq_save(void)
{
    return 0;
}

static inline void hal_irq_restore(hal_irq_t saved)
{
    UNUSED(saved);
}

/* Nobody else could give it back. */
static inline void hal_lock(struct hal_lock *lock)
{
    if (lock->held)
        __builtin_trap();
    lock->held = true;
}

static inline void hal_unlock(struct hal_lock *lock)
{
    lock->held = false;
}

/* No page is ever looked into: the allocator's tables lie elsewhere (pmm_create_in). */
static inline void *hal_phys_to_virt(hal_paddr_t addr)
{
    UNUSED(addr);
    __builtin_trap();
}

/* There is no clock. */
static inline uint64_t hal_cycles(void)
{
    return 0;
}

#endif
