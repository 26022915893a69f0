#include "kernel/cpus/calls.h"
#include "hal/cpu.h"
#include "kernel/log/format.h"

static struct {
    unsigned char *slots;
    size_t stride;
    uint32_t count;
    uint64_t patience; /* ticks */
    struct calls_ways ways;
} open;

/* The request. `busy` is its lock; the rest belongs to the CPU that holds it, and `waiting` is also
 * counted down by those that answer. */
static struct {
    _Alignas(64) uint32_t busy;
    void (*fn)(void *);
    void *arg;
    _Alignas(64) uint32_t waiting;
} request;

static struct call_slot *slot_of(uint32_t cpu)
{
    return (struct call_slot *)(void *)(open.slots + cpu * open.stride);
}

void calls_open(struct call_slot *slots, size_t stride, uint32_t count, uint64_t ticks_per_ms,
                struct calls_ways ways)
{
    open.slots = (unsigned char *)slots;
    open.stride = stride;
    open.patience = ticks_per_ms * CALLS_PATIENCE_MS;
    open.ways = ways;
    open.count = count;
}

void calls_join(void)
{
    __atomic_store_n(&slot_of(hal_cpu_index())->listens, 1, __ATOMIC_RELEASE);
}

/* The mark is cleared first: it is what makes this CPU answer once, and the function may wait for a
 * lock and come here again. */
void calls_answer(void)
{
    if (open.count == 0)
        return;
    struct call_slot *me = slot_of(hal_cpu_index());
    if (__atomic_load_n(&me->asked, __ATOMIC_ACQUIRE) == 0)
        return;
    __atomic_store_n(&me->asked, 0, __ATOMIC_RELAXED);
    request.fn(request.arg);
    __atomic_fetch_sub(&request.waiting, 1, __ATOMIC_RELEASE);
}

bool calls_is_deaf(uint32_t cpu)
{
    return cpu < open.count && __atomic_load_n(&slot_of(cpu)->asked, __ATOMIC_RELAXED) != 0;
}

static void take_turn(void)
{
    while (__atomic_exchange_n(&request.busy, 1, __ATOMIC_ACQUIRE) != 0)
        while (__atomic_load_n(&request.busy, __ATOMIC_RELAXED) != 0) {
            calls_answer();
            cpu_relax();
        }
}

static bool is_asked(calls_wanted_fn *wanted, void *arg, uint32_t cpu)
{
    return cpu != hal_cpu_index() &&
           __atomic_load_n(&slot_of(cpu)->listens, __ATOMIC_ACQUIRE) != 0 &&
           (wanted == NULL || wanted(arg, cpu));
}

static bool asks_anyone(calls_wanted_fn *wanted, void *arg)
{
    for (uint32_t i = 0; i < open.count; i++)
        if (is_asked(wanted, arg, i))
            return true;
    return false;
}

/* Each CPU is counted before it is marked, so that `waiting` cannot reach 0 while one more is asked:
 * the caller counts as one until all are. */
static uint32_t ask(calls_wanted_fn *wanted, void *arg)
{
    uint32_t asked = 0;
    __atomic_store_n(&request.waiting, 1, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < open.count; i++) {
        if (!is_asked(wanted, arg, i))
            continue;
        __atomic_fetch_add(&request.waiting, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&slot_of(i)->asked, 1, __ATOMIC_RELEASE);
        open.ways.kick(i);
        asked++;
    }
    __atomic_fetch_sub(&request.waiting, 1, __ATOMIC_RELAXED);
    return asked;
}

static void strike_deaf(void)
{
    for (uint32_t i = 0; i < open.count; i++)
        if (calls_is_deaf(i))
            open.ways.strike(i);
}

static _Noreturn void give_up(void)
{
    static struct format_line l;
    uint32_t cpu = 0;
    while (cpu < open.count && !calls_is_deaf(cpu))
        cpu++;
    l.used = 0;
    if (cpu == open.count)
        FORMAT(&l, "a CPU has not come to the end of a call from CPU %u", U(hal_cpu_index()));
    else
        FORMAT(&l, "CPU %u does not answer a call from CPU %u", U(cpu), U(hal_cpu_index()));
    l.text[hal_min_u64(l.used, LOG_LINE - 1)] = '\0';
    HAL_PANIC(l.text);
}

/* Had somebody to be struck? */
static bool await(void)
{
    uint64_t begin = hal_cycles();
    bool struck = false;
    while (__atomic_load_n(&request.waiting, __ATOMIC_ACQUIRE) != 0) {
        uint64_t passed = hal_cycles() - begin;
        if (passed > open.patience && !struck) {
            strike_deaf();
            struck = true;
        }
        if (passed > CALLS_LAST * open.patience)
            give_up();
        cpu_relax();
    }
    return struck;
}

/* For mm/: every CPU here can be asked. */
bool hal_call_others(void (*fn)(void *arg), void *arg)
{
    calls_run(NULL, fn, arg);
    return true;
}

uint32_t calls_run(calls_wanted_fn *wanted, void (*fn)(void *), void *arg)
{
    uint32_t asked = 0;
    if (open.count <= 1)
        return 0;
    hal_irq_t irq = hal_irq_save();
    if (asks_anyone(wanted, arg)) {
        take_turn();
        request.fn = fn;
        request.arg = arg;
        asked = ask(wanted, arg);
        bool late = await();
        __atomic_store_n(&request.busy, 0, __ATOMIC_RELEASE);
        if (late)
            open.ways.late();
    }
    hal_irq_restore(irq);
    return asked;
}
