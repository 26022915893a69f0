/* A kernel of several CPUs, which are threads here. Contracts: hal/hal.h, which includes this file. */
#ifndef EMBED_THREADS_PORT_H
#define EMBED_THREADS_PORT_H

typedef uint32_t hal_irq_t;
struct hal_lock {
    uint32_t held;
};
extern unsigned char *embed_ram; /* where physical address 0 would be */
uint32_t embed_cpu(void);        /* which CPU runs this */
void embed_wait(void);           /* somebody else has the lock */

static inline uint32_t hal_cpu_index(void)
{
    return embed_cpu();
}

/* Nothing interrupts a thread in a way that would let it call mm/ again. */
static inline hal_irq_t hal_irq_save(void)
{
    return 0;
}

static inline void hal_irq_restore(hal_irq_t saved)
{
    (void)saved;
}

static inline void hal_lock(struct hal_lock *lock)
{
    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0)
        embed_wait();
}

static inline void hal_unlock(struct hal_lock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

static inline void *hal_phys_to_virt(hal_paddr_t at)
{
    return embed_ram + at;
}

#endif
