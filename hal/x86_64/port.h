/* hal/x86_64/port.h: the hot half of the hal on a PC after ExitBootServices. Contracts: hal/hal.h.
 *
 * The index of a CPU lies in struct percpu (hal/x86_64/percpu.h), to which GS base points from
 * cpu_detect() on.
 */
#ifndef HAL_X86_64_PORT_H
#define HAL_X86_64_PORT_H

#include "hal/base.h"

#define CPU_TRAP_STACKS 3u /* double fault, NMI, machine check */

typedef uint64_t hal_irq_t;

struct hal_lock {
    uint32_t held;
};

/* Where the direct map begins: 0 on the firmware's identity map, later kernel/memory/space.h's
 * window. */
extern hal_vaddr_t hal_direct_base;

static inline uint32_t hal_cpu_index(void)
{
    uint32_t index;
    __asm__("movl %%gs:16, %0" : "=r"(index)); /* struct percpu of percpu.h */
    return index;
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

/* Waits for a lock that is held; or goes on without it once hal_locks_are_void is set: a machine
 * that reports its own end may have been stopped inside one. */
extern bool hal_locks_are_void;
void hal_lock_wait(struct hal_lock *lock);

static inline void hal_lock(struct hal_lock *lock)
{
    if (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0, 0))
        hal_lock_wait(lock);
}

static inline void hal_unlock(struct hal_lock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

static inline void *hal_phys_to_virt(hal_paddr_t addr)
{
    return (void *)(uintptr_t)(hal_direct_base + addr);
}

#define CPU_COUNTER "time stamp counter"

static inline uint64_t hal_cycles(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return ((uint64_t)high << 32) | low;
}

#endif
