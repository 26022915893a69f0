/* tests/embed/port.h: the hot half of the hal in a kernel of one CPU that never lets an interrupt
 * in. Contracts: hal/hal.h, which includes this file as "port.h" from the include path. */
#ifndef TESTS_EMBED_PORT_H
#define TESTS_EMBED_PORT_H

#include "hal/base.h"
#include "hal/short.h"

typedef uint32_t hal_irq_t;

struct hal_lock {
    bool held;
};

extern unsigned char *embed_ram; /* where physical address 0 would be */

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

/* On one CPU without interrupts a lock that is held will never be given back. */
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

static inline void *hal_phys_to_virt(hal_paddr_t addr)
{
    return (void *)((uintptr_t)embed_ram + addr);
}

static inline uint64_t hal_cycles(void)
{
    return __builtin_ia32_rdtsc();
}

#endif
