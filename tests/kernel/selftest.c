#include "tests/kernel/selftest.h"
#include "hal/short.h"
#include "kernel/selftest.h"
#include "hal/cpu.h"
#include "kernel/screen/display.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"
#include "kernel/machine/power.h"
#include "kernel/cpus/calls.h"
#include "kernel/cpus/cpus.h"
#include "kernel/memory/space.h"
#include "tests/unit/suites.h"

static size_t pages_for(size_t bytes)
{
    return (size_t)(hal_align_up(bytes, HAL_PAGE_SIZE) / HAL_PAGE_SIZE);
}

void *test_env_alloc(size_t bytes)
{
    hal_paddr_t base = pmm_alloc(memory_pmm, pages_for(bytes), 0);
    return base != HAL_PADDR_NONE ? hal_phys_to_virt(base) : NULL;
}

void test_env_free(void *memory, size_t bytes)
{
    hal_paddr_t base = (hal_paddr_t)(uintptr_t)memory - hal_direct_base;
    if (pmm_free(memory_pmm, base, pages_for(bytes)) != MM_OK)
        HAL_PANIC("the page allocator does not take back the memory of a test");
}

bool test_env_has_fake_ram(void)
{
    return false;
}

static void print_line(const char *line)
{
    SAY("test", line);
}

/* Without end; each call needs the result of the next. */
static uint64_t deeper(volatile uint64_t depth)
{
    return depth == UINT64_MAX ? 0 : deeper(depth + 1) + depth;
}

static void overflow(void *arg)
{
    UNUSED(arg);
    deeper(0);
}

/* Neither of them may be caught by a cpu_try() that happens to be running. */
static void raise_planted(enum plant plant)
{
    if (plant == PLANT_NMI)
        cpu_try(machine_raise_outside, NULL);
    else
        cpu_try(overflow, NULL);
}

static void read_planted(void)
{
    *(volatile uint32_t *)(uintptr_t)0xDEAD000u = 0; /* no identity map: nothing is there */
}

static uint32_t last_cpu(void)
{
    uint32_t last = cpus_count() - 1;
    while (!cpus_is_running(last))
        last--;
    return last;
}

static void panic_there(void *arg)
{
    UNUSED(arg);
    HAL_PANIC("planted");
}

static void nothing(void *arg)
{
    UNUSED(arg);
}

/* The last CPU has interrupts off for so many microseconds while this one calls it. */
static void deafen_and_ask(void *arg)
{
    static bool deaf;
    if (hal_cpu_index() == last_cpu()) {
        hal_irq_t irq = hal_irq_save();
        uint64_t begin = log_micros();
        __atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
        while (log_micros() - begin < *(const uint64_t *)arg)
            cpu_relax();
        hal_irq_restore(irq);
    }
    if (hal_cpu_index() != 0)
        return;
    while (!__atomic_load_n(&deaf, __ATOMIC_ACQUIRE))
        cpu_relax();
    calls_run(NULL, nothing, NULL); /* a shootdown does, unless flushes reach all by themselves */
}

static void carry_out(enum plant plant)
{
    static uint64_t for_ever = UINT64_MAX, slow = 1500000;
    bool told =
        plant >= PLANT_CPU_LOST && plant <= PLANT_CPU_MAILBOX; /* by the start of the CPUs */
    if (plant != PLANT_NONE && plant != PLANT_FAILTEST && !told)
        SAY("plant", "breaking this boot on purpose, as the option plant= asks");
    switch (plant) {
    case PLANT_PANIC:
        HAL_PANIC("planted");
    case PLANT_FAULT:
        read_planted();
        break;
    case PLANT_STACK:
    case PLANT_NMI:
        raise_planted(plant);
        break;
    case PLANT_TEXT:
        *(volatile uint8_t *)(uintptr_t)&selftest_run = 0;
        break;
    case PLANT_TRIPLE:
        cpu_reset();
    case PLANT_RESET:
        kernel_reset();
    case PLANT_OFF:
        kernel_poweroff();
    case PLANT_CPU_SLOW:
        cpus_run(deafen_and_ask, &slow);
        break;
    case PLANT_CPU_DEAF:
        cpus_run(deafen_and_ask, &for_ever);
        break;
    case PLANT_CPU_PANIC:
        cpus_run_on(last_cpu(), panic_there, NULL);
        break;
    case PLANT_HANG:
        cpu_halt();
    default:
        break;
    }
}

static void planted_failure(struct test_state *t)
{
    CHECK_EQ(1 + 1, 3);
    TEST_END;
}

static const struct test_case planted = {"plant.fails on purpose", planted_failure};
static const struct test_case *const planted_cases[] = {&planted};
static const struct test_suite planted_suite = {"plant", planted_cases, 1};

static void run(const struct test_suite *const *suites, size_t count, struct test_totals *sum)
{
    struct test_totals t;
    test_run(suites, count, NULL, print_line, &t);
    sum->passed += t.passed;
    sum->failed += t.failed;
    sum->skipped += t.skipped;
}

struct selftest_counts selftest_counts;

static uint64_t tests_total, tests_begun;

static void test_begins(void)
{
    display_progress("self-test", tests_begun++, tests_total);
}

static uint64_t tests_in(const struct test_suite *const *suites, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += suites[i]->count;
    return sum;
}

bool selftest_run(const struct options *o)
{
    static const struct test_suite *const own[] = {&smoke_suite, &machine_suite, &space_suite,
                                                   &aspace_suite, &cpus_suite};
    static const struct test_suite *const plant[] = {&planted_suite};
    struct test_totals sum = {.passed = 0};
    carry_out(o->plant);
    tests_begun = 0;
    tests_total = tests_in(own, ARRAY_LEN(own));
    if (o->selftest)
        tests_total += tests_in(unit_suites, ARRAY_LEN(unit_suites));
    test_on_case = test_begins;
    test_tells_passed = false;
    run(own, ARRAY_LEN(own), &sum);
    if (o->plant == PLANT_FAILTEST)
        run(plant, 1, &sum);
    smoke_bench();
    if (o->selftest)
        run(unit_suites, ARRAY_LEN(unit_suites), &sum);
    else
        SAY("test", "the unit tests of mm/ are left out, as the option selftest=off asks");
    display_progress("self-test", tests_begun, tests_total);
    LOG("selftest", sum.skipped != 0 ? "%u passed, %u failed, %u skipped" : "%u passed, %u failed",
        U(sum.passed), U(sum.failed), U(sum.skipped));
    selftest_counts = (struct selftest_counts){sum.passed, sum.failed, sum.skipped};
    return sum.failed == 0 && sum.passed > 0;
}

void selftest_bench(void)
{
    smoke_bench();
    if (hal_cpu_index() == 0)
        cpus_bench();
}
