/* What is true of this architecture alone. */
#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/control.h"
#include "hal/x86_64/features.h"
#include "kernel/cpus/cpus.h"
#include "tests/kernel/selftest.h"

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
    uint64_t before = trap_spurious();
    CHECK(!cpu_try(do_invalid, NULL));
    CHECK_EQ(trap_caught().number, 6);
    CHECK_EQ(trap_caught().code, 0);
    CHECK(!cpu_try(raise_high_vector, NULL));
    CHECK_EQ(trap_caught().number, 0xC8);
    CHECK_EQ(trap_caught().code, 0);
    CHECK_EQ(trap_spurious(), before);
    TEST_END;
}

#define LISTEN 50000000u /* cycles: 10 ms and more */

/* One may have come before: it was on its way when its line was masked. */
TEST("machine.no device is heard")
{
    uint64_t before = trap_spurious();
    for (uint64_t begin = hal_cycles(); hal_cycles() - begin < LISTEN;)
        cpu_relax();
    CHECK_EQ(trap_spurious(), before);
    TEST_END;
}

void machine_raise_outside(void *at)
{
    UNUSED(at);
    __asm__ volatile("int $2");
}

#define FLAG_TRAP      0x100u
#define FLAG_DIRECTION 0x400u
#define FLAG_ALIGN     0x40000u

/* Alignment is not checked in ring 0, so that flag does nothing; the trap flag traps by itself. */
static void spoil_flags(void *flags)
{
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq\n\tud2"
                     :
                     : "r"((uint64_t)(uintptr_t)flags)
                     : "memory", "cc");
}

static uint64_t flags_now(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
    return flags & (FLAG_TRAP | FLAG_DIRECTION | FLAG_ALIGN);
}

TEST("machine.a trap that is caught leaves the flags as they were")
{
    static const uint32_t bits[] = {FLAG_TRAP, FLAG_DIRECTION, FLAG_ALIGN};
    for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
        CHECK(!cpu_try(spoil_flags, (void *)(uintptr_t)bits[i]));
        uint64_t found = flags_now();
        __asm__ volatile("cld");
        CHECK_EQ(found, 0);
    }
    TEST_END;
}

static void count_told(void *ctx, const char *kind, const uint32_t numbers[5])
{
    uint32_t *leaf = ctx;
    UNUSED(kind);
    leaf[0] += numbers[0] == leaf[1] || numbers[0] == 0x80000000u;
    leaf[1] = numbers[0] + 1;
}

TEST("machine.every leaf of CPUID is told")
{
    uint32_t told[2] = {0, 0};
    cpu_identify(count_told, told);
    CHECK_EQ(told[0], hal_min_u64(asm_cpuid(0, 0).eax + 1, 0x20) +
                          hal_min_u64(asm_cpuid(0x80000000u, 0).eax - 0x80000000u + 1, 0x20));
    TEST_END;
}

#define EFER 0xC0000080u

/* Long mode on and active, no-execute where it exists. */
static uint64_t efer_wanted(void)
{
    return 0x500u | (hal_paging_features().nx ? 0x800u : 0);
}

static void write_efer(void *value)
{
    asm_wrmsr(EFER, (uint64_t)(uintptr_t)value);
}

/* What a firmware may have left: SYSCALL, SVM, fast FXSAVE, translation cache extension. A CPU
 * without one of them refuses its bit. */
TEST("machine.what the firmware left in EFER is cleared")
{
    static const uint8_t bits[] = {0, 12, 14, 15};
    unsigned set = 0;
    for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
        uint64_t value = efer_wanted() | (uint64_t)1 << bits[i];
        if (!cpu_try(write_efer, (void *)(uintptr_t)value) || asm_rdmsr(EFER) != value)
            continue;
        set++;
        control_set_registers();
        cpu_use_global_pages();
        CHECK_EQ(asm_rdmsr(EFER), efer_wanted());
    }
    write_efer((void *)(uintptr_t)efer_wanted());
    CHECK(set > 0);
    TEST_END;
}

TEST("machine.the control registers are as built")
{
    CHECK_EQ(asm_read_cr0(), 0x80010033u);
    CHECK_EQ(asm_read_cr4() & ~((uint64_t)1 << 12), hal_paging_features().global ? 0xE0 : 0x60);
    CHECK_EQ(asm_rdmsr(EFER), efer_wanted());
    CHECK(!hal_paging_features().pat || asm_rdmsr(0x277) == 0x0007040100070406u);
    TEST_END;
}

/* --- PAT and MTRRs (Intel SDM vol. 3A, 11.11 and 11.12) of each CPU --- */

#define MSRS 64u

static uint64_t first_types[MSRS];
static uint32_t types_differ; /* on all CPUs */

static unsigned collect_types(uint64_t out[MSRS])
{
    static const uint16_t fixed[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26A,
                                     0x26B, 0x26C, 0x26D, 0x26E, 0x26F};
    unsigned n = 0;
    if (features.pat)
        out[n++] = asm_rdmsr(0x277);
    if (!features.mtrr)
        return n;
    uint64_t has = asm_rdmsr(0xFE);
    out[n++] = asm_rdmsr(0x2FF);
    for (uint32_t i = 0; i < 2 * (has & 0xFF) && n < MSRS - ARRAY_LEN(fixed); i++)
        out[n++] = asm_rdmsr(0x200 + i);
    for (unsigned i = 0; (has >> 8 & 1) != 0 && i < ARRAY_LEN(fixed); i++)
        out[n++] = asm_rdmsr(fixed[i]);
    return n;
}

static void compare_types(void *arg)
{
    uint64_t here[MSRS];
    UNUSED(arg);
    unsigned n = collect_types(here);
    for (unsigned i = 0; i < n; i++)
        if (here[i] != first_types[i])
            __atomic_fetch_add(&types_differ, 1, __ATOMIC_RELAXED);
}

TEST("machine.each CPU has the PAT and the MTRRs of the first")
{
    unsigned n = collect_types(first_types);
    CHECK_EQ(n > 0, features.pat || features.mtrr);
    types_differ = 0;
    cpus_run(compare_types, NULL);
    CHECK_EQ(types_differ, 0);
    TEST_END;
}

TEST_SUITE(machine);
