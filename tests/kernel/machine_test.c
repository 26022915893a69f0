/* Tests that need the real machine. */
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"
#include "tests/kernel/selftest.h"
#include "kernel/trap/trap.h"

static void do_invalid(void *at)
{
    UNUSED(at);
    __asm__ volatile("ud2");
}

static void raise_high_vector(void *at)
{
    UNUSED(at);
    __asm__ volatile("int $0xC8");
}

TEST("machine.a trap says its vector")
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

TEST("machine.the control registers are as built")
{
    CHECK_EQ(asm_read_cr0(), 0x80010033u);
    CHECK_EQ(asm_read_cr4() & ~((uint64_t)1 << 12), cpu.global_pages ? 0xE0 : 0x60);
    CHECK_EQ(asm_rdmsr(0xC0000080u) >> 11 & 1u, cpu.nx);
    TEST_END;
}

TEST_SUITE(machine);
