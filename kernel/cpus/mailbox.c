#include "kernel/cpus/mailbox.h"

static bool is_empty_by(volatile struct cpu_mailbox *m, uint64_t begin, uint64_t ticks)
{
    while (__atomic_load_n(&m->command, __ATOMIC_ACQUIRE) != CPU_MAILBOX_EMPTY) {
        if (hal_cycles() - begin > ticks)
            return false;
        cpu_relax();
    }
    return true;
}

/* The id after what belongs to it: a CPU may still be about to look whose the order before was. */
bool mailbox_order(volatile struct cpu_mailbox *m, uint32_t id, hal_paddr_t vector, uint64_t ticks)
{
    uint64_t begin = hal_cycles();
    if (!is_empty_by(m, begin, ticks))
        return false;
    m->vector = vector;
    __atomic_store_n(&m->id, id, __ATOMIC_RELEASE);
    __atomic_store_n(&m->command, (uint16_t)CPU_MAILBOX_BEGIN, __ATOMIC_RELEASE);
    return is_empty_by(m, begin, ticks);
}
