/* The ways in which a CPU waits. */
#include "hal/cpu.h"

bool hal_locks_are_void;

void hal_lock_wait(struct hal_lock *lock)
{
    do {
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0 && !hal_locks_are_void) {
            cpu_kicked(); /* who holds it may wait for this CPU */
            cpu_relax();
        }
    } while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0 && !hal_locks_are_void);
}

void cpu_relax(void)
{
    __asm__ volatile("pause");
}

_Noreturn void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

void cpu_idle(void)
{
    __asm__ volatile("sti\n\thlt" : : : "memory"); /* no interrupt comes between the two */
}

void cpu_enable_interrupts(void)
{
    __asm__ volatile("sti" : : : "memory");
}
