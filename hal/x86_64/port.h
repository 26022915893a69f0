/* hal/x86_64/port.h: the hot half of the hal on a PC after ExitBootServices. Contracts: hal/hal.h.
 *
 * One CPU runs, and interrupts stay disabled from hand-over on; the saved flags still nest as they
 * must, so that nothing above has to know.
 */
#ifndef HAL_X86_64_PORT_H
#define HAL_X86_64_PORT_H

#include "hal/base.h"

typedef uint64_t hal_irq_t;

struct hal_lock {
    uint32_t held;
};

/* Where the direct map begins: 0 on the firmware's identity map, later kernel/paging.h's window. */
extern vaddr_t hal_direct_base;

static inline uint32_t hal_cpu_index(void)
{
    return 0;
}

static inline hal_irq_t hal_irq_save(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpopq %0\n\tcli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void hal_irq_restore(hal_irq_t saved)
{
    __asm__ volatile("pushq %0\n\tpopfq" : : "r"(saved) : "memory", "cc");
}

static inline void hal_lock(struct hal_lock *lock)
{
    while (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0, 0))
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0)
            __asm__ volatile("pause");
}

static inline void hal_unlock(struct hal_lock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

static inline void *hal_phys_to_virt(paddr_t addr)
{
    return (void *)(uintptr_t)(hal_direct_base + addr);
}

static inline uint64_t hal_cycles(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return ((uint64_t)high << 32) | low;
}

#endif
