#include "kernel/selftest.h"
#include "hal/hal.h"
#include "hal/x86_64/cpu.h"
#include "kernel/display.h"
#include "kernel/home.h"
#include "kernel/log.h"
#include "kernel/memory.h"
#include "kernel/power.h"
#include "kernel/space.h"
#include "kernel/unpack.h"
#include "tests/unit/suites.h"

#define ADLER_BASE 65521u /* Adler-32: RFC 1950 */

static const struct pe_section *section(const char name[8])
{
    for (unsigned i = 0; i < home.image.section_count; i++)
        if (__builtin_memcmp(home.image.sections[i].name, name, 8) == 0)
            return &home.image.sections[i];
    return NULL;
}

static uint32_t adler(const unsigned char *bytes, size_t size)
{
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + bytes[i]) % ADLER_BASE;
        b = (b + a) % ADLER_BASE;
    }
    return b << 16 | a;
}

/* Written by way of a mapping of its own: wherever else it is mapped it is read-only. */
static void unpack(const struct pe_section *packed, const struct pe_section *tests, bool code)
{
    if (packed == NULL || tests == NULL)
        return;
    const unsigned char *in = home.image.bytes + packed->address;
    unsigned char *out = (unsigned char *)(uintptr_t)SPACE_SCRATCH;
    uint64_t size = pe_section_size(tests);
    if (aspace_map(&space_kernel, SPACE_SCRATCH, home.phys + tests->address, size,
                   ASPACE_W | ASPACE_GLOBAL) != STATUS_OK)
        HAL_PANIC("there is no place to unpack the tests to");
    const char *wrong = unpack_deflate(in + 4, packed->virtual_size - 4, out, tests->virtual_size);
    if (code)
        unpack_calls(out, tests->virtual_size);
    if (wrong == NULL && adler(out, tests->virtual_size) != *(const uint32_t *)(const void *)in)
        wrong = "the packed tests are damaged";
    if (wrong != NULL || aspace_unmap(&space_kernel, SPACE_SCRATCH, size) != STATUS_OK)
        HAL_PANIC(wrong != NULL ? wrong : "the unpacked tests cannot be unmapped");
    hal_tlb_flush_local(); /* serialises: no instruction from there has been fetched before */
    LOG("test", "%u bytes of %s unpacked from %u", U(tests->virtual_size),
        S(code ? "code" : "constants"), U(packed->virtual_size));
}

/* They come packed (kernel/pack.py), but in an image that was built for gdb. */
void selftest_unpack(void)
{
    unpack(section(".packed\0"), section(".tests\0"), true);
    unpack(section(".packedw"), section(".words\0"), false);
}

static size_t pages_for(size_t bytes)
{
    return (size_t)(align_up(bytes, PAGE_SIZE) / PAGE_SIZE);
}

void *test_env_alloc(size_t bytes)
{
    paddr_t base = pmm_alloc(memory_pmm, pages_for(bytes), 0);
    return base != PADDR_NONE ? hal_phys_to_virt(base) : NULL;
}

void test_env_free(void *memory, size_t bytes)
{
    paddr_t base = (paddr_t)(uintptr_t)memory - hal_direct_base;
    if (pmm_free(memory_pmm, base, pages_for(bytes)) != STATUS_OK)
        HAL_PANIC("the page allocator does not take back the memory of a test");
}

static void print_line(const char *line)
{
    SAY("test", line);
}

static void read_planted(void)
{
    *(volatile uint32_t *)(uintptr_t)0xDEAD000u = 0; /* no identity map: nothing is there */
}

/* Without end; each call needs the result of the next. */
static uint64_t overflow(volatile uint64_t depth)
{
    return depth == UINT64_MAX ? 0 : overflow(depth + 1) + depth;
}

static void carry_out(enum plant plant)
{
    if (plant != PLANT_NONE && plant != PLANT_FAILTEST)
        SAY("plant", "breaking this boot on purpose, as the option plant= asks");
    switch (plant) {
    case PLANT_PANIC:
        HAL_PANIC("planted");
    case PLANT_FAULT:
        read_planted();
        break;
    case PLANT_STACK:
        overflow(0);
        break;
    case PLANT_TEXT:
        *(volatile uint8_t *)(uintptr_t)&selftest_run = 0;
        break;
    case PLANT_TRIPLE:
        cpu_triple_fault();
    case PLANT_RESET:
        kernel_reset();
    case PLANT_OFF:
        kernel_poweroff();
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

static const struct test_case planted_cases[] = {{"plant.fails on purpose", planted_failure}};
static const struct test_suite planted_suite = {"plant", planted_cases, 1};

static void run(const struct test_suite *const *suites, size_t count, struct test_totals *sum)
{
    struct test_totals t;
    test_run(suites, count, NULL, print_line, &t);
    sum->passed += t.passed;
    sum->failed += t.failed;
    sum->skipped += t.skipped;
}

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
                                                   &aspace_suite};
    static const struct test_suite *const planted[] = {&planted_suite};
    struct test_totals sum = {.passed = 0};
    carry_out(o->plant);
    tests_begun = 0;
    tests_total = tests_in(own, ARRAY_LEN(own));
    if (o->selftest)
        tests_total += tests_in(unit_suites, ARRAY_LEN(unit_suites));
    test_on_case = test_begins;
    run(own, ARRAY_LEN(own), &sum);
    if (o->plant == PLANT_FAILTEST)
        run(planted, 1, &sum);
    smoke_bench();
    if (o->selftest)
        run(unit_suites, ARRAY_LEN(unit_suites), &sum);
    else
        SAY("test", "the unit tests of mm/ are left out, as the option selftest=off asks");
    display_progress("self-test", tests_begun, tests_total);
    LOG("selftest", sum.skipped != 0 ? "%u passed, %u failed, %u skipped" : "%u passed, %u failed",
        U(sum.passed), U(sum.failed), U(sum.skipped));
    return sum.failed == 0 && sum.passed > 0;
}
