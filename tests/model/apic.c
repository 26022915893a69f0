/* hal/x86_64/apic.c on the desk, with registers that behave as the manual has it (Intel SDM vol. 3A, 10.4,
 * 10.6, 10.12): no emulator here has an x2APIC. What the manual forbids stops the test. */
#include "hal/x86_64/asm.h"

static uint64_t fake_rdmsr(uint32_t msr);
static void fake_wrmsr(uint32_t msr, uint64_t value);
static void fake_out8(uint16_t port, uint8_t value);
#define asm_rdmsr fake_rdmsr
#define asm_wrmsr fake_wrmsr
#define asm_out8  fake_out8
#include "hal/x86_64/apic.c"

#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

#define BASE_MSR 0x1Bu
#define EXTD     ((uint64_t)1 << 10)
#define EN       ((uint64_t)1 << 11)

struct features features;

/* A CPU's APIC. Registers are numbered as the MSRs are, 0x10 bytes in the page each. */
struct fake {
    uint64_t base;
    uint32_t id, reg[64];
    uint64_t orders[8];
    unsigned order_count;
};
static struct fake cpus[2], *cpu;
static uint32_t page[1024]; /* the registers of an xAPIC */
static unsigned pic_masked;

void cpu_relax(void)
{
    page[0x300 / 4] &= ~0x1000u; /* meanwhile the command goes */
}

static void forbidden(const char *what)
{
    printf("forbidden: %s\n", what);
    exit(1);
}

static bool has_register(uint32_t reg)
{
    static const uint8_t there[] = {0x02, 0x03, 0x08, 0x0B, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
                                    0x17, 0x2F, 0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37};
    return memchr(there, (int)reg, sizeof there) != NULL;
}

static uint64_t fake_rdmsr(uint32_t msr)
{
    if (msr == BASE_MSR)
        return cpu->base;
    if ((cpu->base & EXTD) == 0 || !has_register(msr - 0x800u) || msr == 0x80Bu)
        forbidden("an MSR is read that is not there");
    return msr == 0x802u ? cpu->id : cpu->reg[msr - 0x800u];
}

/* From x2APIC mode no way leads to xAPIC mode but by way of off (10.12.5). */
static void set_base(uint64_t value)
{
    if ((value & EXTD) != 0 && (value & EN) == 0)
        forbidden("x2APIC mode of an APIC that is off");
    if ((value & EXTD) != 0 && !features.x2apic)
        forbidden("x2APIC mode of a CPU that has none");
    if ((cpu->base & EXTD) != 0 && (value & (EXTD | EN)) == EN)
        forbidden("back to xAPIC mode");
    cpu->base = value;
}

static void fake_wrmsr(uint32_t msr, uint64_t value)
{
    if (msr == BASE_MSR) {
        set_base(value);
        return;
    }
    if ((cpu->base & EXTD) == 0 || !has_register(msr - 0x800u) || msr == 0x802u || msr == 0x803u)
        forbidden("an MSR is written that is not there or cannot be written");
    if (msr != 0x830u && value >> 32 != 0)
        forbidden("reserved bits are written");
    if (msr == 0x80Bu && value != 0)
        forbidden("an end of interrupt that is not 0");
    if (msr == 0x830u)
        cpu->orders[cpu->order_count++ % 8] = value;
    else
        cpu->reg[msr - 0x800u] = (uint32_t)value;
}

static void fake_out8(uint16_t port, uint8_t value)
{
    pic_masked += (port == 0x21 || port == 0xA1) && value == 0xFF;
}

/* As firmware has left both CPUs. All local vectors are open, the LINTs as NMI and ExtINT. */
static void begin(uint64_t base, uint32_t id)
{
    memset(cpus, 0, sizeof cpus);
    memset(page, 0, sizeof page);
    pic_masked = 0;
    usable = false;
    registers = NULL;
    features = (struct features){.apic = true, .x2apic = true, .phys_bits = 40};
    for (unsigned i = 0; i < 2; i++) {
        struct fake *f = &cpus[i];
        f->base = base;
        f->id = id + i;
        f->reg[0x03] = 6u << 16 | 0x15;
        f->reg[0x32] = f->reg[0x33] = f->reg[0x34] = f->reg[0x37] = f->reg[0x2F] = 0x31;
        f->reg[0x35] = 0x700;
        f->reg[0x36] = 0x400;
    }
    cpu = &cpus[0];
    for (unsigned i = 0; i < 64; i++)
        page[i * 4] = cpus[0].reg[i];
    page[0x20 / 4] = id << 24;
}

#define MASKED(value) (((value) >> 16 & 1u) != 0)

static bool vectors_are_masked(const struct fake *f)
{
    return MASKED(f->reg[0x32]) && MASKED(f->reg[0x33]) && MASKED(f->reg[0x34]) && MASKED(f->reg[0x37]) &&
           MASKED(f->reg[0x2F]) && f->reg[0x35] == 0x700 && f->reg[0x36] == 0x400 &&
           f->reg[0x0F] == (0x100u | 0xFFu);
}

static void firmware_left_x2apic_on(void)
{
    begin(0xFEE00000u | EN | EXTD, 0x12345);
    EXPECT(cpu_interrupt_registers() == 0);
    cpu_mask_interrupts(NULL);
    EXPECT(apic_usable() && cpu_id() == 0x12345 && vectors_are_masked(cpu) && pic_masked == 2);
    cpu_hold(0x10001);
    apic_start(0x10001, 0x9E000);
    cpu_kick(255);
    cpu_strike(256);
    EXPECT(cpu->order_count == 4);
    EXPECT(cpu->orders[0] == ((uint64_t)0x10001 << 32 | 0x4500));
    EXPECT(cpu->orders[1] == ((uint64_t)0x10001 << 32 | 0x469E));
    EXPECT(cpu->orders[2] == ((uint64_t)255 << 32 | 0x40F0));
    EXPECT(cpu->orders[3] == ((uint64_t)256 << 32 | 0x4400));
    EXPECT(cpu_use_wide_ids());
    cpu->reg[0x10 + 7] = 1u << 16; /* vector 0xF0 is in service */
    EXPECT(apic_in_service(0xF0) && !apic_in_service(0xEF) && !apic_in_service(0x30));
    apic_end_of_interrupt();
}

/* A CPU that was started begins in xAPIC mode, and follows the first one. */
static void others_follow(void)
{
    begin(0xFEE00000u | EN | EXTD, 300);
    cpu_mask_interrupts(NULL);
    cpu = &cpus[1];
    cpu->base = 0xFEE00000u | EN;
    apic_join();
    EXPECT((cpu->base & EXTD) != 0 && cpu_id() == 301 && vectors_are_masked(cpu));
}

/* Ids above 254: the first CPU goes over, and the others with it. */
static void wide_ids(void)
{
    begin(0xFEE00000u | EN, 3);
    EXPECT(cpu_interrupt_registers() == 0xFEE00000u);
    cpu_mask_interrupts(page);
    EXPECT(apic_usable() && cpu_id() == 3 && MASKED(page[0x320 / 4]) && page[0x350 / 4] == 0x700);
    EXPECT(cpu_use_wide_ids() && (cpu->base & EXTD) != 0 && cpu_id() == 3);
    cpu_kick(0x100);
    EXPECT(cpu->order_count == 1 && cpu->orders[0] == ((uint64_t)0x100 << 32 | 0x40F0));
    EXPECT(page[0x300 / 4] == 0);
    cpu = &cpus[1];
    apic_join();
    EXPECT(cpu_id() == 4 && vectors_are_masked(cpu));
}

static void a_cpu_without_x2apic(void)
{
    begin(0xFEE00000u | EN, 3);
    features.x2apic = false;
    cpu_mask_interrupts(page);
    EXPECT(!cpu_use_wide_ids() && (cpu->base & EXTD) == 0 && cpu_id() == 3);
    page[0x300 / 4] = 0x1000; /* the last command is still under way */
    apic_start(0xFE, 0x8000);
    EXPECT(page[0x310 / 4] == 0xFE000000u && page[0x300 / 4] == 0x4608);
    apic_join();
    EXPECT((cpu->base & EXTD) == 0 && page[0xF0 / 4] == 0x1FF);
}

static void an_apic_that_is_off(void)
{
    begin(0xFEE00000u, 3);
    EXPECT(cpu_interrupt_registers() == 0);
    cpu_mask_interrupts(NULL);
    EXPECT(!apic_usable() && cpu_id() == 0 && !cpu_use_wide_ids() && !apic_in_service(0xF0));
}

int main(void)
{
    expect_run("an x2APIC that firmware left on is used by its MSRs, with ids of 32 bits", firmware_left_x2apic_on);
    expect_run("CPUs that are started follow the first one into x2APIC mode", others_follow);
    expect_run("ids above 254 bring all CPUs into x2APIC mode", wide_ids);
    expect_run("a CPU without x2APIC stays as it is, and waits until a command is gone", a_cpu_without_x2apic);
    expect_run("an APIC that is off is not used", an_apic_that_is_off);
    return expect_total();
}
