/* What calls to other CPUs cost on this machine, for the monitor's command bench. */
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/cpus/cpus.h"
#include "kernel/cpus/shootdown.h"
#include "kernel/log/log.h"
#include "kernel/machine/clock.h"
#include "kernel/memory/space.h"
#include "tests/kernel/selftest.h"

#define ROUNDS 101u
#define FAR    (SPACE_SCRATCH + 192 * GIB) /* where nothing else is mapped */

static uint64_t took[ROUNDS]; /* ticks, in order */
static bool measured;

static uint64_t nanos(uint64_t ticks)
{
    uint64_t hz = clock_hertz != 0 ? clock_hertz : 1000000000u;
    return ticks / hz * 1000000000u + ticks % hz * 1000000000u / hz;
}

static void insert(uint64_t ticks, unsigned count)
{
    unsigned at = count;
    for (; at > 0 && took[at - 1] > ticks; at--)
        took[at] = took[at - 1];
    took[at] = ticks;
}

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
        shoot();
        tell("idle");
        measured = false;
        cpus_run(shoot_or_work, NULL);
        tell("busy");
    }
    unmap_a_gib();
}
