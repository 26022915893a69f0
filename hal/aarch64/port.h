/* hal/aarch64/port.h: the hot half of the hal on an aarch64 machine after ExitBootServices. Contracts:
 * hal/hal.h.
 *
 * "Interrupts disabled" is DAIF.I and DAIF.F; SErrors stay enabled. TPIDR_EL1 points at what the port
 * keeps of this CPU (percpu.h).
 */
#ifndef HAL_AARCH64_PORT_H
#define HAL_AARCH64_PORT_H

#include "hal/base.h"

#define CPU_TRAP_STACKS                                                                            \
    1u /* for every trap: the kernel runs on SP_EL0, and a trap changes to SP_EL1 */

typedef uint64_t hal_irq_t;

struct hal_lock {
    uint32_t held;
};

/* Where the direct map begins: 0 on the firmware's identity map, later kernel/memory/space.h's window. */
extern hal_vaddr_t hal_direct_base;

static inline uint32_t hal_cpu_index(void)
{
    uint32_t *index;
    __asm__("mrs %0, tpidr_el1" : "=r"(index)); /* the first member of struct percpu */
    return *index;
}

static inline hal_irq_t hal_irq_save(void)
{
    uint64_t flags;
    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #3" : "=r"(flags) : : "memory");
    return flags;
}

static inline void hal_irq_restore(hal_irq_t saved)
{
    __asm__ volatile("msr daif, %0" : : "r"(saved) : "memory");
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

#define CPU_COUNTER "generic timer"

/* The virtual counter, read in program order (Arm ARM D11.2.2: it may be read early). */
static inline uint64_t hal_cycles(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

#endif
