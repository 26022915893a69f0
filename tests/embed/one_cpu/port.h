/* A kernel of one CPU that never lets an interrupt in. Contracts: hal/hal.h, which includes this file. */
#ifndef EMBED_ONE_CPU_PORT_H
#define EMBED_ONE_CPU_PORT_H

typedef uint32_t hal_irq_t; /* what hal_irq_save() remembers */
struct hal_lock {
    uint32_t held;
};
extern unsigned char *embed_ram; /* where physical address 0 would be */

/* clang-format off */
static inline uint32_t hal_cpu_index(void) { return 0; }
static inline hal_irq_t hal_irq_save(void) { return 0; }
static inline void hal_irq_restore(hal_irq_t saved) { (void)saved; }
static inline void hal_unlock(struct hal_lock *lock) { lock->held = 0; }
static inline void *hal_phys_to_virt(hal_paddr_t at) { return embed_ram + at; }
/* clang-format on */

/* A lock that is held will never be given back here. */
static inline void hal_lock(struct hal_lock *lock)
{
    if (lock->held != 0)
        __builtin_trap();
    lock->held = 1;
}

#endif
