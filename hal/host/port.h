/* hal/host/port.h: the hot half of the hal on a Linux process. Threads stand for CPUs, one sparse
 * mapping stands for RAM. Contracts: hal/hal.h. */
#ifndef HAL_HOST_PORT_H
#define HAL_HOST_PORT_H

#include "hal/base.h"
#include "hal/short.h"

#include <time.h>

#define CPU_TRAP_STACKS 1u /* hal/cpu.h; the desk has no traps, but compiles what counts the stacks */

typedef uint32_t hal_irq_t;

struct hal_lock {
    uint32_t held;
};

extern _Thread_local uint32_t host_cpu_index;
extern unsigned char *host_ram; /* host address of physical address 0; see hal/host/host.h */

static inline uint32_t hal_cpu_index(void)
{
    return host_cpu_index;
}

/* Only programs of the kind `steps` have interrupts, which they raise themselves. */
#ifdef HOST_INTERRUPTS
extern _Thread_local hal_irq_t host_irq_off; /* 1: this CPU's interrupts are disabled */

static inline hal_irq_t hal_irq_save(void)
{
    hal_irq_t saved = host_irq_off;
    host_irq_off = 1;
    return saved;
}

static inline void hal_irq_restore(hal_irq_t saved)
{
    host_irq_off = saved;
}
#else
static inline hal_irq_t hal_irq_save(void)
{
    return 0;
}

static inline void hal_irq_restore(hal_irq_t saved)
{
    UNUSED(saved);
}
#endif

void host_lock_wait(struct hal_lock *lock);

static inline void hal_lock(struct hal_lock *lock)
{
    if (__builtin_expect(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0, 0))
        host_lock_wait(lock);
}

static inline void hal_unlock(struct hal_lock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

static inline void *hal_phys_to_virt(hal_paddr_t addr)
{
    return host_ram + addr;
}

extern uint64_t host_skipped; /* see hal/host/host.h */

#define CPU_COUNTER "time stamp counter"

static inline uint64_t hal_cycles(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + host_skipped;
}

#endif
