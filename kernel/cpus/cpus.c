#include "kernel/cpus/cpus.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/cpus/calls.h"
#include "kernel/log/log.h"
#include "kernel/machine/clock.h"
#include "kernel/machine/platform.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"
#include "kernel/trap/panic.h"

#define STACK_BYTES   (32 * KIB)
#define TRAP_BYTES    (8 * KIB)
#define HOLD_US       10000u   /* from INIT to the start-up IPI (SDM vol. 3A, 8.4.4.1) */
#define FIRST_TRY_US  50000u   /* then those that are missing are asked once more */
#define SECOND_TRY_US 1000000u /* a busy host gives an emulated CPU no time for long */
#define STOP_US       100000u

/* A CPU that was never counted is CPU_LOST; one that stops for a panic notes where it was first. */
enum cpu_state { CPU_EXPECTED, CPU_RUNS, CPU_LOST, CPU_STOPPED };

struct cpu {
    struct call_slot call;
    uint32_t state; /* enum cpu_state */
    uint32_t id;    /* in the tables */
    bool has_job;   /* written by CPU 0, cleared by this CPU when the job is done */
    hal_vaddr_t stopped_at;
};

static struct cpu first = {.state = CPU_RUNS}; /* before cpus_start() */
static struct cpu *cpus = &first;
static uint32_t planned = 1, running = 1;
static hal_paddr_t page; /* where a CPU begins; 0: it cannot */
static uint64_t held_at;

static struct {
    void (*fn)(void *);
    void *arg;
    uint32_t pending;
} job;

/* What is given to the CPUs by ticket: CPU N has ticket N - 1. */
static struct {
    hal_vaddr_t *stacks;
    void **areas;
    struct aspace space; /* where they begin */
} given;

uint32_t cpus_count(void)
{
    return planned;
}

uint32_t cpus_running(void)
{
    return running;
}

bool cpus_is_running(uint32_t cpu)
{
    return cpu < planned && __atomic_load_n(&cpus[cpu].state, __ATOMIC_ACQUIRE) == CPU_RUNS;
}

uint32_t cpus_id(uint32_t cpu)
{
    return cpus[cpu].id;
}

uint32_t cpus_node(uint32_t cpu)
{
    for (uint32_t i = 0; i < platform.cpu_count; i++)
        if (platform.cpu[i].id == cpus[cpu].id)
            return platform.cpu[i].node;
    return ACPI_NO_NODE;
}

uint32_t cpus_plan(const struct boot_info *boot, const struct options *o)
{
    page = boot->trampoline;
    if (page != 0 && platform.cpu_count > 1)
        planned = platform.cpu_count;
    if (o->cpus != 0 && o->cpus < planned)
        planned = o->cpus;
    return planned;
}

/* --- time --- */

static uint64_t ticks_of(uint64_t micros)
{
    return (clock_hertz != 0 ? clock_hertz : 1000000000u) / 1000u * micros / 1000u;
}

static void wait_since(uint64_t begin, uint64_t micros)
{
    while (hal_cycles() - begin < ticks_of(micros))
        cpu_relax();
}

/* --- what each gets --- */

static void *take_bytes(size_t bytes)
{
    hal_paddr_t base = pmm_alloc(memory_pmm, hal_align_up(bytes, HAL_PAGE_SIZE) / HAL_PAGE_SIZE,
                                 PMM_KERNEL | PMM_ZERO);
    return base != HAL_PADDR_NONE ? hal_phys_to_virt(base) : NULL;
}

static hal_vaddr_t take_stack(uint32_t cpu, unsigned which, uint64_t bytes)
{
    hal_paddr_t base = pmm_alloc(memory_pmm, bytes / HAL_PAGE_SIZE, PMM_KERNEL);
    return base != HAL_PADDR_NONE ? space_map_stack(cpu, which, base, bytes) : 0;
}

/* False: memory has run out. */
static bool furnish(uint32_t cpu)
{
    hal_vaddr_t traps[CPU_TRAP_STACKS];
    uint32_t ticket = cpu - 1;
    given.areas[ticket] = take_bytes(cpu_area_size());
    given.stacks[ticket] = take_stack(cpu, STACK_BOOT, STACK_BYTES);
    if (given.areas[ticket] == NULL || given.stacks[ticket] == 0)
        return false;
    for (unsigned i = 0; i < CPU_TRAP_STACKS; i++) {
        traps[i] = take_stack(cpu, STACK_TRAPS + i, TRAP_BYTES);
        if (traps[i] == 0)
            return false;
    }
    cpu_area_make(given.areas[ticket], cpu, traps);
    return true;
}

/* How many CPUs, CPU 0 too, have got all they need. */
static uint32_t furnish_all(void)
{
    struct cpu *all = take_bytes(planned * sizeof *all);
    given.stacks = take_bytes(planned * sizeof *given.stacks);
    given.areas = take_bytes(planned * sizeof *given.areas);
    if (all == NULL || given.stacks == NULL || given.areas == NULL)
        return 1;
    all[0] = first;
    cpus = all;
    uint32_t n = 1;
    while (n < planned && furnish(n))
        n++;
    return n;
}

/* --- the space in which a CPU begins: the kernel's half, and the page that it begins in --- */

static hal_paddr_t low_alloc(void *ctx)
{
    UNUSED(ctx);
    return pmm_alloc(memory_pmm, 1, PMM_KERNEL | PMM_DMA32);
}

static void low_free(void *ctx, hal_paddr_t at)
{
    UNUSED(ctx);
    if (pmm_free(memory_pmm, at, 1) != MM_OK)
        HAL_PANIC("the page allocator does not take a page table back");
}

static const struct page_source low_source = {low_alloc, low_free, NULL};

static bool open_space(void)
{
    return aspace_init_shared(&given.space, &space_kernel, &low_source) == MM_OK &&
           aspace_map(&given.space, page, page, HAL_PAGE_SIZE, ASPACE_X) == MM_OK;
}

/* --- starting --- */

/* A started CPU, on its own stack. Who comes too late has been given up. */
static void enter(uint32_t ticket)
{
    struct cpu *me = &cpus[ticket + 1];
    uint32_t expected = CPU_EXPECTED;
    me->id = cpu_id();
    calls_join();
    if (!__atomic_compare_exchange_n(&me->state, &expected, CPU_RUNS, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return;
    for (;;) {
        hal_irq_save();
        if (!__atomic_load_n(&me->has_job, __ATOMIC_ACQUIRE)) {
            cpu_idle();
            continue;
        }
        cpu_enable_interrupts();
        job.fn(job.arg);
        __atomic_store_n(&me->has_job, false, __ATOMIC_RELAXED);
        if (__atomic_fetch_sub(&job.pending, 1, __ATOMIC_RELEASE) == 1)
            cpu_kick(cpus[0].id);
    }
}

static uint32_t count_running(uint32_t wanted)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < wanted; i++)
        n += cpus_is_running(i);
    return n;
}

static bool has_come(uint32_t id, uint32_t wanted)
{
    for (uint32_t i = 0; i < wanted; i++)
        if (cpus_is_running(i) && cpus[i].id == id)
            return true;
    return false;
}

/* The CPUs of the tables but this one: do something to the first `most` of them that have not come. */
static void each_missing(uint32_t wanted, uint32_t most, void (*act)(uint32_t id))
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < platform.cpu_count && seen < most; i++) {
        if (platform.cpu[i].id == cpus[0].id)
            continue;
        seen++;
        if (!has_come(platform.cpu[i].id, wanted))
            act(platform.cpu[i].id);
    }
}

static void await(uint32_t wanted, uint64_t micros)
{
    uint64_t begin = hal_cycles();
    while (count_running(wanted) < wanted && hal_cycles() - begin < ticks_of(micros))
        cpu_relax();
}

static void tell_lost(uint32_t id)
{
    LOG("cpus", "the CPU with id %u does not come; this machine goes on without it", U(id));
    cpu_hold(id);
}

/* K1: from here on nobody becomes CPU_RUNS. */
static void give_up_missing(uint32_t wanted)
{
    cpu_start_close();
    for (uint32_t i = 1; i < wanted; i++) {
        uint32_t expected = CPU_EXPECTED;
        __atomic_compare_exchange_n(&cpus[i].state, &expected, CPU_LOST, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
    }
}

/* What is planted befalls the last CPU of the tables. */
static enum plant planted;
static unsigned tries;

static bool is_left_out(uint32_t id)
{
    bool last = id == platform.cpu[platform.cpu_count - 1].id;
    return last && (planted == PLANT_CPU_LOST || (planted == PLANT_CPU_LATE && tries == 0));
}

static void start_one(uint32_t id)
{
    if (!is_left_out(id))
        cpu_start(id);
}

/* All at once, and once more those that have not come. */
static void start_all(uint32_t wanted)
{
    each_missing(wanted, wanted - 1, start_one);
    await(wanted, FIRST_TRY_US);
    tries++;
    if (count_running(wanted) < wanted)
        each_missing(wanted, wanted - 1, start_one);
    await(wanted, SECOND_TRY_US);
    give_up_missing(wanted);
    each_missing(wanted, wanted - 1, tell_lost);
    running = count_running(wanted);
}

static void kick(uint32_t cpu)
{
    cpu_kick(cpus[cpu].id);
}

static bool get_ready(uint32_t wanted)
{
    if (wanted == 1 || !open_space())
        return false;
    const struct cpu_start s = {.page = page,
                                .root = aspace_root(&given.space),
                                .kernel = aspace_root(&space_kernel),
                                .stacks = given.stacks,
                                .areas = given.areas,
                                .count = wanted - 1,
                                .entry = enter,
                                .broken = planted == PLANT_CPU_FAULT};
    return cpu_start_open(&s);
}

/* Ids beyond 8 bits need all CPUs to use 32. */
static void widen_ids(void)
{
    for (uint32_t i = 0; i < platform.cpu_count; i++)
        if (platform.cpu[i].id >= 0xFFu && !cpu_use_wide_ids()) {
            SAY("cpus", "this CPU cannot name those with ids above 254: they are not started");
            return;
        }
}

/* --- the end --- */

static uint32_t stopper; /* 0, or 1 + the CPU that ends this machine */

static void stopped_by(const struct trap *t)
{
    uint32_t by = __atomic_load_n(&stopper, __ATOMIC_ACQUIRE);
    uint32_t self = hal_cpu_index();
    if (t->kind != TRAP_OUTSIDE || by == 0 || by == self + 1)
        return;
    cpus[self].stopped_at = t->pc;
    __atomic_store_n(&cpus[self].state, CPU_STOPPED, __ATOMIC_RELEASE);
    cpu_halt();
}

static void stop_others(void)
{
    uint32_t nobody = 0;
    uint32_t self = hal_cpu_index();
    hal_irq_save();
    if (!__atomic_compare_exchange_n(&stopper, &nobody, self + 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        if (nobody != self + 1)
            cpu_halt();
        return;
    }
    for (uint32_t i = 0; i < planned; i++)
        if (i != self && cpus_is_running(i))
            cpu_strike(cpus[i].id);
    uint64_t begin = hal_cycles();
    while (count_running(planned) > 1 && hal_cycles() - begin < ticks_of(STOP_US))
        cpu_relax();
}

static void log_stopped(void)
{
    for (uint32_t i = 0; i < planned; i++) {
        if (__atomic_load_n(&cpus[i].state, __ATOMIC_ACQUIRE) == CPU_STOPPED)
            LOG("cpus", "CPU %u was stopped at %X%s", U(i), U(cpus[i].stopped_at),
                S(calls_is_deaf(i) ? "; it had not answered a call" : ""));
        else if (i != hal_cpu_index() && cpus_is_running(i))
            LOG("cpus", "CPU %u does not stop", U(i));
    }
}

void cpus_hold(void)
{
    widen_ids();
    first.id = cpu_id();
    each_missing(1, UINT32_MAX, cpu_hold);
    held_at = hal_cycles();
}

void cpus_start(enum plant plant)
{
    planted = plant;
    uint64_t begin = log_micros();
    uint32_t wanted = planned > 1 ? furnish_all() : 1;
    if (wanted < planned)
        LOG("cpus", "memory for %u of %u CPUs", U(wanted), U(planned));
    calls_open(&cpus[0].call, sizeof *cpus, planned, ticks_of(1000), kick);
    calls_join();
    panic_others = (struct panic_others){stop_others, stopped_by, log_stopped};
    if (get_ready(wanted)) {
        wait_since(held_at, HOLD_US);
        start_all(wanted);
    }
    cpu_enable_interrupts();
    LOG("cpus", "%u of %u running, %u us", U(running), U(hal_max_u64(platform.cpu_count, 1)),
        U(log_micros() - begin));
}

/* --- work --- */

void cpu_kicked(void)
{
    calls_answer();
}

static void give_job(uint32_t cpu)
{
    __atomic_fetch_add(&job.pending, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&cpus[cpu].has_job, true, __ATOMIC_RELEASE);
    cpu_kick(cpus[cpu].id);
}

/* The last one that is done kicks this CPU; that it comes between the look and the wait is no harm, for
 * interrupts are off until cpu_idle() waits. */
static void await_jobs(void)
{
    for (;;) {
        hal_irq_t irq = hal_irq_save();
        bool done = __atomic_load_n(&job.pending, __ATOMIC_ACQUIRE) == 0;
        if (!done)
            cpu_idle();
        hal_irq_restore(irq);
        if (done)
            return;
    }
}

void cpus_run(void (*fn)(void *), void *arg)
{
    job.fn = fn;
    job.arg = arg;
    for (uint32_t i = 1; i < planned; i++)
        if (cpus_is_running(i))
            give_job(i);
    fn(arg);
    await_jobs();
}

bool cpus_run_on(uint32_t cpu, void (*fn)(void *), void *arg)
{
    if (!cpus_is_running(cpu))
        return false;
    job.fn = fn;
    job.arg = arg;
    if (cpu == 0)
        fn(arg);
    else
        give_job(cpu);
    await_jobs();
    return true;
}
