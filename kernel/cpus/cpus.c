#include "kernel/cpus/cpus.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/cpus/calls.h"
#include "kernel/cpus/mailbox.h"
#include "kernel/early/image.h"
#include "kernel/log/log.h"
#include "kernel/machine/firmware.h"
#include "kernel/machine/clock.h"
#include "kernel/machine/platform.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"
#include "kernel/trap/panic.h"

#define STACK_BYTES    (32 * KIB)
#define TRAP_BYTES     (8 * KIB)
#define HOLD_US        10000u   /* from INIT to the start-up IPI (SDM vol. 3A, 8.4.4.1) */
#define FIRST_TRY_US   50000u   /* then those that are missing are asked once more */
#define SECOND_TRY_US  1000000u /* a busy host gives an emulated CPU no time for long */
#define STOP_US        100000u
#define REGISTERS_TOLD 8u /* CPUs whose registers a report has, beside those that did not answer */

#define ORDER_US 100000u /* for a CPU to take an order out of the mailbox */

/* EXPECTED, then COMES and RUNS, or LOST: a CPU that finds itself LOST stops. One that is STOPPED by a
 * panic notes where it was first. */
enum cpu_state { CPU_EXPECTED, CPU_COMES, CPU_RUNS, CPU_LOST, CPU_STOPPED };

struct cpu {
    struct call_slot call;
    uint32_t state; /* enum cpu_state */
    uint32_t id;    /* in the tables */
    bool has_job;   /* written by CPU 0, cleared by this CPU when the job is done */
    bool struck;    /* it has not answered, and is to note where it is; by the CPU that waits */
    hal_vaddr_t struck_at, stopped_at;
    uint32_t register_count; /* when it was stopped */
    struct cpu_register registers[CPU_REGISTERS];
};

static struct cpu first = {.state = CPU_RUNS}; /* before cpus_start() */
static struct cpu *cpus = &first;
static uint32_t planned = 1, running = 1;
static uint32_t listed;  /* of the tables' CPUs, by id: those that can be named */
static hal_paddr_t page; /* where a CPU begins; 0: it cannot */
static volatile struct cpu_mailbox *mailbox; /* NULL: CPUs are started by IPIs */
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
    struct aspace space;                  /* where they begin */
    volatile struct cpu_mailbox *mailbox; /* of a test, or NULL */
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

bool cpus_may_hold(uint32_t cpu, hal_paddr_t root)
{
    return cpu_area_may_hold(cpu == 0 ? NULL : given.areas[cpu - 1], root);
}

/* Ids beyond 8 bits need all CPUs to use 32. */
static void find_listed(void)
{
    uint32_t count = platform.cpu_count;
    listed = count;
    if (count == 0 || platform.cpu[count - 1].id < 0xFFu || cpu_use_wide_ids())
        return;
    while (listed > 0 && platform.cpu[listed - 1].id >= 0xFFu)
        listed--;
    LOG("cpus", "%u CPUs have ids above 254, which this one cannot name: they are not started",
        U(count - listed));
}

uint32_t cpus_plan(const struct boot_info *boot, const struct options *o)
{
    const void *code = cpu_start_code();
    find_listed();
    page = code != NULL ? hal_align_down(image_phys(code), HAL_PAGE_SIZE) : boot->trampoline;
    if (page != 0 && listed > 1)
        planned = listed;
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

/* Some CPUs begin with 32 bits, and some machines have no RAM there: cpu_start_open() judges. */
static hal_paddr_t low_alloc(void *ctx)
{
    UNUSED(ctx);
    hal_paddr_t at = pmm_alloc(memory_pmm, 1, PMM_KERNEL | PMM_DMA32);
    return at != HAL_PADDR_NONE ? at : pmm_alloc(memory_pmm, 1, PMM_KERNEL);
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
    hal_irq_t irq = space_lock();
    bool made = aspace_init_shared(&given.space, &space_kernel, &low_source) == MM_OK;
    space_unlock(irq);
    return made && aspace_map(&given.space, page, page, HAL_PAGE_SIZE, ASPACE_X) == MM_OK;
}

/* --- starting --- */

static bool change_state(struct cpu *c, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&c->state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* A started CPU, on its own stack. Who comes too late has been given up, and must not be asked: so a CPU
 * listens only once it is not to be given up any more. What it has in its TLB by then may be old. */
static void enter(uint32_t ticket)
{
    struct cpu *me = &cpus[ticket + 1];
    me->id = cpu_id();
    if (!change_state(me, CPU_EXPECTED, CPU_COMES))
        return;
    calls_join();
    hal_tlb_flush_all();
    pmm_set_node(memory_pmm, platform_node_of(me->id));
    __atomic_store_n(&me->state, CPU_RUNS, __ATOMIC_RELEASE);
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
    for (uint32_t i = 0; i < listed && seen < most; i++) {
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
    if (mailbox == NULL)
        cpu_hold(id);
}

/* K1: from here on nobody comes. Who does at this moment is waited for: a few instructions. */
static void give_up_missing(uint32_t wanted)
{
    cpu_start_close();
    for (uint32_t i = 1; i < wanted; i++) {
        change_state(&cpus[i], CPU_EXPECTED, CPU_LOST);
        while (__atomic_load_n(&cpus[i].state, __ATOMIC_ACQUIRE) == CPU_COMES)
            cpu_relax();
    }
}

/* What is planted befalls the last CPU of the tables. */
static enum plant planted;
static unsigned tries;

static bool is_left_out(uint32_t id)
{
    bool last = id == platform.cpu[listed - 1].id;
    return last && (planted == PLANT_CPU_LOST || (planted == PLANT_CPU_LATE && tries == 0));
}

static void start_one(uint32_t id)
{
    if (is_left_out(id))
        return;
    if (mailbox == NULL)
        cpu_start(id);
    else if (!mailbox_order(mailbox, id, cpu_start_vector(), ticks_of(ORDER_US)))
        LOG("cpus", "the CPU with id %u does not look into the mailbox", U(id));
}

/* The mailbox lies in memory that the firmware keeps, which the direct map shows or not. */
static void open_mailbox(hal_paddr_t at)
{
    const char *wrong = firmware_refuse(&memory_map, at, sizeof *mailbox);
    hal_vaddr_t to = SPACE_SCRATCH + 32 * GIB;
    if (wrong == NULL && at % sizeof *mailbox != 0)
        wrong = "it is not aligned";
    if (wrong == NULL && space_map(to, hal_align_down(at, HAL_PAGE_SIZE), HAL_PAGE_SIZE,
                                   ASPACE_W | ASPACE_GLOBAL) != MM_OK)
        wrong = "no memory is left to map it";
    if (wrong != NULL)
        LOG("cpus", "the mailbox at %X is not used: %s", U(at), S(wrong));
    else
        mailbox = (volatile struct cpu_mailbox *)(uintptr_t)(to + at % HAL_PAGE_SIZE);
}

/* Who waits in our own mailbox for a test comes there by an IPI. */
static void plant_mailbox(uint32_t wanted)
{
    if (planted != PLANT_CPU_MAILBOX)
        return;
    each_missing(wanted, wanted - 1, cpu_start);
    mailbox = given.mailbox;
}

/* All at once, and once more those that have not come. */
static void start_all(uint32_t wanted)
{
    plant_mailbox(wanted);
    if (mailbox != NULL)
        SAY("cpus", "the others are started by orders in the mailbox");
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
    if (planted == PLANT_CPU_MAILBOX)
        given.mailbox = take_bytes(sizeof *given.mailbox);
    const struct cpu_start s = {.page = page,
                                .root = aspace_root(&given.space),
                                .kernel = aspace_root(&space_kernel),
                                .stacks = given.stacks,
                                .areas = given.areas,
                                .count = wanted - 1,
                                .entry = enter,
                                .mailbox = given.mailbox,
                                .broken = planted == PLANT_CPU_FAULT};
    return cpu_start_open(&s);
}

/* --- the end --- */

static uint32_t stopper; /* 0, or 1 + the CPU that ends this machine */

static _Noreturn void stop_here(struct cpu *me, const struct trap *t)
{
    me->stopped_at = t->pc;
    me->register_count = (uint32_t)trap_registers(t->frame, me->registers);
    __atomic_store_n(&me->state, CPU_STOPPED, __ATOMIC_RELEASE);
    cpu_halt();
}

/* This CPU has been struck: because another one ends this machine, or waits for an answer. */
bool cpu_struck(const struct trap *t)
{
    uint32_t by = __atomic_load_n(&stopper, __ATOMIC_ACQUIRE);
    uint32_t self = hal_cpu_index();
    struct cpu *me = &cpus[self];
    if (by != 0 && by != self + 1)
        stop_here(me, t);
    if (!__atomic_exchange_n(&me->struck, false, __ATOMIC_ACQ_REL))
        return false;
    __atomic_store_n(&me->struck_at, t->pc, __ATOMIC_RELEASE);
    return true;
}

static void strike(uint32_t cpu)
{
    __atomic_store_n(&cpus[cpu].struck, true, __ATOMIC_RELEASE);
    cpu_strike(cpus[cpu].id);
}

static void tell_late(void)
{
    for (uint32_t i = 0; i < planned; i++) {
        hal_vaddr_t at = __atomic_exchange_n(&cpus[i].struck_at, 0, __ATOMIC_ACQUIRE);
        if (at != 0)
            LOG("cpus", "CPU %u has answered a call late; after a second it was at %X", U(i),
                U(at));
    }
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

static void log_stopped_one(const struct cpu *c, uint32_t index, bool deaf, bool whole)
{
    LOG("cpus", "CPU %u was stopped at %X%s", U(index), U(c->stopped_at),
        S(deaf ? "; it had not answered a call" : ""));
    if (deaf && c->struck_at != 0)
        LOG("cpus", "CPU %u was at %X when it had not answered for a second", U(index),
            U(c->struck_at));
    if (whole)
        panic_log_registers("cpus", c->registers, c->register_count);
}

/* Registers of all would hide the rest of the report where there are many CPUs. */
static void log_stopped(void)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < planned; i++) {
        bool deaf = calls_is_deaf(i);
        if (__atomic_load_n(&cpus[i].state, __ATOMIC_ACQUIRE) == CPU_STOPPED)
            log_stopped_one(&cpus[i], i, deaf, deaf || told++ < REGISTERS_TOLD);
        else if (i != hal_cpu_index() && cpus_is_running(i))
            LOG("cpus", "CPU %u does not stop", U(i));
    }
}

void cpus_hold(void)
{
    first.id = cpu_id();
    pmm_set_node(memory_pmm, platform_node_of(first.id));
    if (platform.mailbox != 0)
        open_mailbox(platform.mailbox);
    else
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
    planned = wanted;
    calls_open(&cpus[0].call, sizeof *cpus, planned, ticks_of(1000),
               (struct calls_ways){kick, strike, tell_late});
    calls_join();
    panic_others = (struct panic_others){stop_others, log_stopped};
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
