/* What all CPUs at once and calls to other CPUs cost on this machine, for the monitor's command bench. */
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/cpus/cpus.h"
#include "kernel/cpus/shootdown.h"
#include "kernel/log/log.h"
#include "kernel/machine/clock.h"
#include "kernel/memory/memory.h"
#include "kernel/memory/space.h"
#include "tests/kernel/selftest.h"

#define ROUNDS 101u
#define PAIRS  8192u                       /* of all CPUs together, */
#define LEAST  64u                         /* and of each at least */
#define FAR    (SPACE_SCRATCH + 192 * GIB) /* where nothing else is mapped */

static uint64_t took[ROUNDS]; /* ticks, in order */
static bool measured;

static uint64_t nanos(uint64_t ticks)
{
    uint64_t hz = clock_hertz != 0 ? clock_hertz : 1000000000u;
    return ticks / hz * 1000000000u + ticks % hz * 1000000000u / hz;
}

/* Into the first `count` of them, which are in order. */
static void insert_into(uint64_t *list, uint64_t ticks, uint32_t count)
{
    uint32_t at = count;
    for (; at > 0 && list[at - 1] > ticks; at--)
        list[at] = list[at - 1];
    list[at] = ticks;
}

static void insert(uint64_t ticks, unsigned count)
{
    insert_into(took, ticks, count);
}

/* --- the allocator, by all CPUs at once --- */

static struct {
    uint64_t *ticks; /* by CPU */
    size_t pages;
    uint32_t pairs, come;
} at_once;

/* Nobody begins before all are there. */
static void measure_pairs(void *arg)
{
    UNUSED(arg);
    __atomic_fetch_add(&at_once.come, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&at_once.come, __ATOMIC_ACQUIRE) < cpus_running())
        cpu_relax();
    at_once.ticks[hal_cpu_index()] = smoke_ticks_a_pair(at_once.pages, at_once.pairs);
}

/* The figures of CPUs that run, in order, at the list's beginning. */
static void sort_ticks(void)
{
    uint32_t sorted = 0;
    for (uint32_t i = 0; i < cpus_count(); i++)
        if (cpus_is_running(i))
            insert_into(at_once.ticks, at_once.ticks[i], sorted++);
}

static void pairs_at_once(size_t pages)
{
    at_once.pages = pages;
    at_once.come = 0;
    cpus_run(measure_pairs, NULL);
    sort_ticks();
    if (at_once.ticks[0] == 0)
        LOG("bench", "no memory for a run of %u pages on each CPU", U(pages));
    else
        LOG("bench", "run of %u pages on %u CPUs at once: median %u ticks, worst %u ticks",
            U(pages), U(cpus_running()), U(at_once.ticks[cpus_running() / 2]),
            U(at_once.ticks[cpus_running() - 1]));
}

static void all_at_once(void)
{
    uint64_t pages =
        hal_align_up(cpus_count() * sizeof *at_once.ticks, HAL_PAGE_SIZE) / HAL_PAGE_SIZE;
    hal_paddr_t base = pmm_alloc(memory_pmm, pages, PMM_KERNEL);
    if (base == HAL_PADDR_NONE)
        return;
    at_once.ticks = hal_phys_to_virt(base);
    at_once.pairs = (uint32_t)hal_max_u64(PAIRS / cpus_running(), LEAST);
    pairs_at_once(1);
    pairs_at_once(64);
    if (pmm_free(memory_pmm, base, pages) != MM_OK)
        HAL_PANIC("the page allocator does not take back what it gave");
}

/* --- calls --- */

static void shoot(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t begin = hal_cycles();
        hal_tlb_shootdown(hal_root(), FAR, HAL_PAGE_SIZE);
        insert(hal_cycles() - begin, i);
    }
}

/* CPU 0 measures, the others have something to do. */
static void shoot_or_work(void *arg)
{
    UNUSED(arg);
    if (hal_cpu_index() == 0) {
        shoot();
        __atomic_store_n(&measured, true, __ATOMIC_RELEASE);
        return;
    }
    while (!__atomic_load_n(&measured, __ATOMIC_ACQUIRE))
        cpu_relax();
}

static void tell(const char *others)
{
    LOG("bench", "shootdown of a page on %u CPUs, others %s: median %u ns, worst %u ns (%u rounds)",
        U(cpus_running()), S(others), U(nanos(took[ROUNDS / 2])), U(nanos(took[ROUNDS - 1])),
        U(ROUNDS));
}

static void map_and_unmap(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t begin = hal_cycles();
        bool done =
            space_map(FAR, HAL_PAGE_SIZE, HAL_PAGE_SIZE, ASPACE_R | ASPACE_GLOBAL) == MM_OK &&
            space_unmap(FAR, HAL_PAGE_SIZE) == MM_OK;
        insert(hal_cycles() - begin, i);
        if (!done)
            return;
    }
    LOG("bench", "map and unmap of a page on %u CPUs: median %u ticks, worst %u ticks (%u rounds)",
        U(cpus_running()), U(took[ROUNDS / 2]), U(took[ROUNDS - 1]), U(ROUNDS));
}

/* A page off from where large pages could lie, so that all are of 4 KiB. What is mapped is not read. */
static void unmap_a_gib(void)
{
    if (space_map(FAR, HAL_PAGE_SIZE, GIB, ASPACE_R | ASPACE_GLOBAL) != MM_OK)
        return;
    uint64_t rounds = shootdown_stats().rounds, pages = space_kernel.tree.stats.pages[0];
    uint64_t begin = hal_cycles();
    if (space_unmap(FAR, GIB) != MM_OK)
        HAL_PANIC("what was mapped to be measured cannot be unmapped");
    uint64_t ticks = hal_cycles() - begin;
    LOG("bench", "unmap of 1 GiB in %u pages of 4 KiB: %u rounds, %u ns",
        U(pages - space_kernel.tree.stats.pages[0]), U(shootdown_stats().rounds - rounds),
        U(nanos(ticks)));
}

void cpus_bench(void)
{
    if (cpus_running() > 1) {
        all_at_once();
        shoot();
        tell("idle");
        measured = false;
        cpus_run(shoot_or_work, NULL);
        tell("busy");
    }
    map_and_unmap();
    unmap_a_gib();
}
