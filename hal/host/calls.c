/* hal_call_others() among the threads of a desk program. A thread is interrupted where it says so: in
 * host_interrupt(), and where it waits for a lock. One that is idle is not interrupted at all: whoever
 * calls borrows its place, and is that CPU meanwhile. */
#include "hal/host/host.h"

#include <sched.h>

enum { ABSENT, RUNS, IDLE, BORROWED };
enum { NOTHING, ASKED, ANSWERS };

static struct {
    _Alignas(64) uint32_t state; /* of those above */
    uint32_t asked;              /* ASKED by the caller; what follows, by whoever answers */
} cpus[HOST_CPUS];

static struct {
    uint32_t busy; /* the caller's lock */
    void (*fn)(void *);
    void *arg;
} call;
static bool possible;

void host_join(void)
{
    __atomic_store_n(&possible, true, __ATOMIC_RELAXED);
    __atomic_store_n(&cpus[host_cpu_index].state, RUNS, __ATOMIC_RELEASE);
}

void host_interrupt(void)
{
    uint32_t *asked = &cpus[host_cpu_index].asked;
    if (__atomic_load_n(asked, __ATOMIC_ACQUIRE) != ASKED)
        return;
    __atomic_store_n(asked, ANSWERS, __ATOMIC_RELAXED); /* the function may wait for a lock, and come here */
    call.fn(call.arg);
    __atomic_store_n(asked, NOTHING, __ATOMIC_RELEASE);
}

/* A call that was made just before is answered by this thread, or by the caller in its place. */
void host_idle(bool idle)
{
    uint32_t *state = &cpus[host_cpu_index].state;
    uint32_t from = idle ? RUNS : IDLE;
    uint32_t seen = from;
    if (idle)
        host_interrupt();
    while (!__atomic_compare_exchange_n(state, &seen, idle ? IDLE : RUNS, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE) &&
           seen != ABSENT) {
        seen = from;
        sched_yield();
    }
}

/* Answer for a thread that is idle and has been asked. */
static void answer_for(uint32_t cpu)
{
    uint32_t idle = IDLE;
    uint32_t self = host_cpu_index;
    if (!__atomic_compare_exchange_n(&cpus[cpu].state, &idle, BORROWED, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return;
    host_cpu_index = cpu;
    host_interrupt();
    host_cpu_index = self;
    __atomic_store_n(&cpus[cpu].state, IDLE, __ATOMIC_RELEASE);
}

static void ask(uint32_t cpu)
{
    if (__atomic_load_n(&cpus[cpu].state, __ATOMIC_ACQUIRE) == ABSENT)
        return;
    __atomic_store_n(&cpus[cpu].asked, ASKED, __ATOMIC_RELEASE);
    for (;;) {
        answer_for(cpu);
        if (__atomic_load_n(&cpus[cpu].asked, __ATOMIC_ACQUIRE) == NOTHING)
            return;
        sched_yield();
    }
}

/* Weak, for a program about kernel/cpus/calls.c has the kernel's own. */
__attribute__((weak)) bool hal_call_others(void (*fn)(void *arg), void *arg)
{
    if (!__atomic_load_n(&possible, __ATOMIC_RELAXED))
        return false;
    while (__atomic_exchange_n(&call.busy, 1, __ATOMIC_ACQUIRE) != 0) {
        host_interrupt();
        sched_yield();
    }
    call.fn = fn;
    call.arg = arg;
    for (uint32_t i = 0; i < HOST_CPUS; i++)
        if (i != host_cpu_index)
            ask(i);
    __atomic_store_n(&call.busy, 0, __ATOMIC_RELEASE);
    return true;
}
