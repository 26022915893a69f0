/* Tests that need the real machine: what the page tables forbid is tried, and the trap is caught.
 */
#include "hal/hal.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"
#include "kernel/boot_info.h"
#include "kernel/memory.h"
#include "kernel/home.h"
#include "kernel/space.h"
#include "kernel/selftest.h"
#include "kernel/trap.h"

#define PAGE_FAULT 14u

static const uint32_t constant = 42;

static void do_read(void *at)
{
    (void)*(volatile uint32_t *)at;
}

static void do_write(void *at)
{
    *(volatile uint32_t *)at = 0;
}

static void do_call(void *at)
{
    void (*fn)(void);
    __builtin_memcpy(&fn, &at, sizeof fn);
    fn();
}

static void do_invalid(void *at)
{
    UNUSED(at);
    __asm__ volatile("ud2");
}

/* `fn(at)` must end in a page fault at `at` whose error code has `bits`. */
static void check_faults(struct test_state *t, void (*fn)(void *), uint64_t at, uint64_t bits)
{
    if (!CHECK(!cpu_try(fn, (void *)(uintptr_t)at)))
        return;
    struct trap_seen seen = trap_last_caught();
    CHECK_EQ(seen.vector, PAGE_FAULT);
    CHECK_EQ(seen.cr2, at);
    CHECK_EQ(seen.error & 0x13u, bits);
}

static void test_page_0(struct test_state *t)
{
    check_faults(t, do_read, 0, 0);
    check_faults(t, do_write, 8, 2);
    check_faults(t, do_read, SPACE_DIRECT, 0);
    TEST_END;
}

static void test_firmware_map_gone(struct test_state *t)
{
    paddr_t page = pmm_alloc(memory_pmm, 1, 0);
    if (!CHECK(page != PADDR_NONE))
        return;
    CHECK(cpu_try(do_read, hal_phys_to_virt(page)));
    check_faults(t, do_read, page, 0);
    CHECK_EQ(pmm_free(memory_pmm, page, 1), STATUS_OK);
    TEST_END;
}

static void test_read_only(struct test_state *t)
{
    check_faults(t, do_write, (uint64_t)(uintptr_t)&constant, 3);
    check_faults(t, do_write, (uint64_t)(uintptr_t)&kernel_enter, 3);
    TEST_END;
}

static void test_no_execute(struct test_state *t)
{
    static uint32_t data = 0xC3C3C3C3u; /* ret */
    if (!cpu.nx)
        SKIP("this CPU has no NX bit");
    check_faults(t, do_call, (uint64_t)(uintptr_t)&data, 0x11);
    check_faults(t, do_call, (uint64_t)(uintptr_t)&t, 0x11);
    check_faults(t, do_call, SPACE_DIRECT + home_phys((const void *)(uintptr_t)&kernel_enter),
                 0x11);
    TEST_END;
}

static void test_stack_guard(struct test_state *t)
{
    for (unsigned i = 0; i < STACK_COUNT; i++) {
        const struct space_range *s = &space_stacks[i];
        CHECK(cpu_try(do_read, (void *)(uintptr_t)s->base));
        check_faults(t, do_write, s->base - 4, 2);
        check_faults(t, do_write, s->base + s->size, 2);
    }
    TEST_END;
}

static void raise_high_vector(void *at)
{
    UNUSED(at);
    __asm__ volatile("int $0xC8");
}

static void test_trap_names_vector(struct test_state *t)
{
    CHECK(!cpu_try(do_invalid, NULL));
    CHECK_EQ(trap_last_caught().vector, 6);
    CHECK_EQ(trap_last_caught().error, 0);
    CHECK(!cpu_try(raise_high_vector, NULL));
    CHECK_EQ(trap_last_caught().vector, 0xC8);
    CHECK_EQ(trap_last_caught().error, 0);
    CHECK_EQ(trap_spurious(), 0);
    TEST_END;
}

static void test_control_registers(struct test_state *t)
{
    CHECK_EQ(asm_read_cr0(), 0x80010033u);
    CHECK_EQ(asm_read_cr4() & ~((uint64_t)1 << 12), cpu.global_pages ? 0xE0 : 0x60);
    CHECK_EQ(asm_rdmsr(0xC0000080u) >> 11 & 1u, cpu.nx);
    TEST_END;
}

static const struct test_case cases[] = {
    {TEST_NAME("machine.page 0 is mapped nowhere"), test_page_0},
    {TEST_NAME("machine.the firmware's identity map is gone"), test_firmware_map_gone},
    {TEST_NAME("machine.text and constants cannot be written"), test_read_only},
    {TEST_NAME("machine.data, stack and the direct map cannot be executed"), test_no_execute},
    {TEST_NAME("machine.each stack lies between pages that are not mapped"), test_stack_guard},
    {TEST_NAME("machine.a trap says its vector"), test_trap_names_vector},
    {TEST_NAME("machine.the control registers are as built"), test_control_registers},
};
const struct test_suite machine_suite = {"machine", cases, ARRAY_LEN(cases)};
