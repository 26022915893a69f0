/* What is true of this architecture alone. */
#include "hal/aarch64/registers.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "tests/kernel/selftest.h"

static void do_undefined(void *at)
{
    UNUSED(at);
    __asm__ volatile("udf #0");
}

static void do_break(void *at)
{
    UNUSED(at);
    __asm__ volatile("brk #77");
}

static void read_misaligned(void *at)
{
    uint64_t value;
    __asm__ volatile("ldaxr %0, [%1]" : "=r"(value) : "r"((uintptr_t)at + 1) : "memory");
}

TEST("machine.a trap says its class, and what it was about")
{
    static uint64_t words[2];
    CHECK(!cpu_try(do_undefined, NULL));
    CHECK_EQ(trap_caught().number, 0x00);
    CHECK(!cpu_try(do_break, NULL));
    CHECK_EQ(trap_caught().number, 0x3C);
    CHECK_EQ(trap_caught().code & 0xFFFFu, 77);
    CHECK(!cpu_try(read_misaligned, words));
    CHECK_EQ(trap_caught().kind, TRAP_OTHER);
    CHECK_STR(trap_caught().name, "misaligned access");
    CHECK_EQ(trap_caught().address, (hal_vaddr_t)(uintptr_t)words + 1);
    CHECK_EQ(trap_spurious(), 0);
    TEST_END;
}

void machine_raise_outside(void *at)
{
    UNUSED(at);
    cpu_strike(cpu_id());
    cpu_enable_interrupts();
    for (;;)
        cpu_relax();
}

static void spoil_masks(void *at)
{
    UNUSED(at);
    __asm__ volatile("msr daifset, #15\n\tudf #0");
}

TEST("machine.a trap that is caught leaves the interrupt masks as they were")
{
    hal_irq_t before, after;
    before = hal_irq_save();
    hal_irq_restore(before);
    CHECK(!cpu_try(spoil_masks, NULL));
    after = hal_irq_save();
    hal_irq_restore(after);
    CHECK_EQ(after, before);
    TEST_END;
}

static uint64_t register_value(const char *name)
{
    struct cpu_register r[CPU_REGISTERS];
    size_t count = cpu_control_registers(r);
    for (size_t i = 0; i < count; i++)
        if (r[i].name[0] == name[0] && r[i].name[1] == name[1] && r[i].name[2] == name[2])
            return r[i].value;
    return 0;
}

/* Widths of both halves 47 bits, pages of 4 KiB, both walked, from cached shareable memory. */
TEST("machine.the control registers are as built")
{
    CHECK_EQ(register_value("el"), 1);
    CHECK_EQ(register_value("sctlr"), 0x30D0198Du);
    CHECK_EQ(register_value("tcr") & 0xFFFFFFFFu, 0xB5113511u);
    CHECK_EQ(register_value("mair") >> 40, 0xFF4400u);
    CHECK_EQ(register_value("cpacr"), 0);
    TEST_END;
}

TEST("machine.an address that is not canonical faults")
{
    static const uint64_t holes[] = {0x0000800000000000u, 0xFFFF7FFFFFFFF000u, 0x00FF000000000000u};
    for (unsigned i = 0; i < ARRAY_LEN(holes); i++) {
        uint64_t result;
        __asm__ volatile("at s1e1r, %1\n\tisb\n\tmrs %0, par_el1"
                         : "=r"(result)
                         : "r"(holes[i])
                         : "memory");
        CHECK_EQ(result & 1u, 1);
    }
    TEST_END;
}

TEST_SUITE(machine);
