/* The ways in which a CPU waits. */
#include "hal/aarch64/registers.h"
#include "hal/cpu.h"

bool hal_locks_are_void;

/* Who holds the lock may wait for this CPU, or stop it: what has been sent here comes in now and then. */
static void let_in(void)
{
    cpu_kicked();
    if (read_isr() != 0)
        __asm__ volatile("msr daifclr, #3\n\tisb\n\tmsr daifset, #3" : : : "memory");
    cpu_relax();
}

void hal_lock_wait(struct hal_lock *lock)
{
    do {
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0 && !hal_locks_are_void)
            let_in();
    } while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0 && !hal_locks_are_void);
}

void cpu_relax(void)
{
    __asm__ volatile("yield" : : : "memory");
}

_Noreturn void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("msr daifset, #15\n\twfi");
}

/* WFI ends with an interrupt that is pending, masked or not. */
void cpu_idle(void)
{
    __asm__ volatile("dsb sy\n\twfi\n\tmsr daifclr, #3\n\tisb" : : : "memory");
}

void cpu_enable_interrupts(void)
{
    __asm__ volatile("msr daifclr, #3\n\tisb" : : : "memory");
}
