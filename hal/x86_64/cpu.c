#include "hal/x86_64/cpu.h"
#include "hal/x86_64/asm.h"

#define CR0_VALUE                                                                                  \
    0x80010033u /* PG WP NE ET MP PE: caches on, no emulation, no task switch trap                 \
                 */
#define CR4_PAE  (1u << 5)
#define CR4_MCE  (1u << 6)
#define CR4_PGE  (1u << 7)
#define CR4_LA57 (1u << 12)

#define MSR_APIC_BASE 0x1Bu
#define MSR_PAT       0x277u
#define MSR_X2APIC    0x800u
#define MSR_EFER      0xC0000080u
#define EFER_SCE      ((uint64_t)1 << 0)
#define EFER_NXE      ((uint64_t)1 << 11)

#define APIC_X2_ON ((uint64_t)1 << 10)
#define APIC_ON    ((uint64_t)1 << 11)
#define PAT_VALUE  0x0007040100070406u /* UC UC- WT WC | UC UC- WT WB, entry 0 rightmost */

struct cpu_features cpu;
uint64_t cpu_try_stack; /* stack pointer inside a running cpu_try(), 0: none; trap.S writes it */

extern unsigned char trap_stubs[];
extern unsigned char cpu_try_failed[];
struct table_pointer;
void cpu_load_five_levels(uint32_t root);
void cpu_load_tables(const struct table_pointer *gdt, const struct table_pointer *idt);

/* Hardware formats in 16-bit pieces, so that no member needs packing. */
struct table_pointer {
    uint16_t unused[3];
    uint16_t limit;
    uint64_t base;
};
struct gate {
    uint16_t offset_low, selector, options, offset_mid;
    uint32_t offset_high, reserved;
};
struct tss {
    uint32_t words[26];
};
_Static_assert(offsetof(struct table_pointer, base) == offsetof(struct table_pointer, limit) + 2,
               "LGDT and LIDT read ten bytes");
_Static_assert(sizeof(struct gate) == 16, "an IDT gate has 16 bytes");
_Static_assert(sizeof(struct tss) == 104, "a 64-bit TSS has 104 bytes");

static uint64_t gdt[6];
static struct gate idt[256];
static struct tss tss;
_Alignas(4096) unsigned char cpu_ist_stacks[CPU_IST_COUNT][CPU_IST_SIZE];

static void detect_extended(void)
{
    uint32_t top = asm_cpuid(0x80000000u, 0).eax;
    if (top >= 0x80000001u) {
        uint32_t edx = asm_cpuid(0x80000001u, 0).edx;
        cpu.nx = (edx >> 20) & 1u;
        cpu.pages_1g = (edx >> 26) & 1u;
    }
    cpu.phys_bits = 36;
    if (top >= 0x80000008u)
        cpu.phys_bits = asm_cpuid(0x80000008u, 0).eax & 0xFFu;
    if (cpu.phys_bits < 32)
        cpu.phys_bits = 32;
    if (cpu.phys_bits > 52)
        cpu.phys_bits = 52;
}

struct cpu_control cpu_control(void)
{
    return (struct cpu_control){asm_read_cr0(), asm_read_cr3(), asm_read_cr4(),
                                asm_rdmsr(0xC0000080)};
}

void cpu_detect(void)
{
    struct cpuid id = asm_cpuid(0, 0);
    const uint32_t words[3] = {id.ebx, id.edx, id.ecx};
    for (unsigned i = 0; i < 12; i++)
        cpu.vendor[i] = (char)(words[i / 4] >> (i % 4 * 8));
    struct cpuid leaf = asm_cpuid(1, 0);
    uint32_t edx = leaf.edx;
    cpu.rdrand = (leaf.ecx >> 30) & 1u;
    cpu.apic = (edx >> 9) & 1u;
    cpu.pat = (edx >> 16) & 1u;
    cpu.global_pages = (edx >> 13) & 1u;
    cpu.la57 = (asm_read_cr4() & CR4_LA57) != 0;
    detect_extended();
}

void cpu_set_ist(unsigned which, vaddr_t top)
{
    tss.words[9 + 2 * which] = (uint32_t)top; /* IST1 begins at byte 36 */
    tss.words[10 + 2 * which] = (uint32_t)(top >> 32);
}

static void build_tss(void)
{
    for (unsigned i = 0; i < CPU_IST_COUNT; i++)
        cpu_set_ist(i, (vaddr_t)(uintptr_t)(cpu_ist_stacks[i] + CPU_IST_SIZE));
    tss.words[25] = sizeof tss << 16; /* no I/O permission map */
}

static void build_gdt(void)
{
    uint64_t base = (uint64_t)(uintptr_t)&tss;
    gdt[1] = 0x00AF9B000000FFFFu; /* 0x08: 64-bit code, ring 0, already accessed */
    gdt[2] = 0x00CF93000000FFFFu; /* 0x10: data */
    gdt[3] = (sizeof tss - 1) | (base & 0xFFFFFFu) << 16 | (uint64_t)0x89 << 40 |
             (base >> 24 & 0xFFu) << 56;
    gdt[4] = base >> 32;
    gdt[5] = 0x00CF9B000000FFFFu; /* 0x28: 32-bit code, for cpu_use_five_levels() */
}

static uint16_t ist_of(unsigned vector)
{
    switch (vector) {
    case 8:
        return 1;
    case 2:
        return 2;
    case 18:
        return 3;
    default:
        return 0;
    }
}

static void build_idt(void)
{
    for (unsigned v = 0; v < 256; v++) {
        uint64_t at = (uint64_t)(uintptr_t)(trap_stubs + v / 32 * 144 + v % 32 * 4);
        idt[v].offset_low = (uint16_t)at;
        idt[v].selector = 0x08;
        idt[v].options = (uint16_t)(0x8E00u | ist_of(v)); /* present, interrupt gate */
        idt[v].offset_mid = (uint16_t)(at >> 16);
        idt[v].offset_high = (uint32_t)(at >> 32);
    }
}

void cpu_own(void)
{
    build_tss();
    build_gdt();
    build_idt();
    struct table_pointer g = {.limit = sizeof gdt - 1, .base = (uint64_t)(uintptr_t)gdt};
    struct table_pointer i = {.limit = sizeof idt - 1, .base = (uint64_t)(uintptr_t)idt};
    asm_write_cr4(CR4_PAE | CR4_MCE | (asm_read_cr4() & CR4_LA57));
    asm_write_cr0(CR0_VALUE);
    uint64_t efer = asm_rdmsr(MSR_EFER) & ~EFER_SCE;
    asm_wrmsr(MSR_EFER, cpu.nx ? efer | EFER_NXE : efer);
    cpu_load_tables((const void *)&g.limit, (const void *)&i.limit);
}

bool cpu_use_five_levels(paddr_t root)
{
    uint64_t here = (uint64_t)(uintptr_t)&root | (uint64_t)(uintptr_t)&cpu_load_five_levels;
    bool exists = asm_cpuid(0, 0).eax >= 7 && (asm_cpuid(7, 0).ecx >> 16 & 1u) != 0;
    if (cpu.la57 || !exists || (here | root) >= 4 * GIB)
        return false;
    cpu_load_five_levels((uint32_t)root);
    cpu.la57 = true;
    return true;
}

void cpu_use_global_pages(void)
{
    if (cpu.global_pages)
        asm_write_cr4(asm_read_cr4() | CR4_PGE);
}

/* The SDM asks for ten tries; the flag says whether one has worked. */
uint64_t cpu_random(void)
{
    uint64_t value = 0;
    uint8_t good = 0;
    for (unsigned i = 0; cpu.rdrand && good == 0 && i < 10; i++)
        __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(value), "=qm"(good) : : "cc");
    return good != 0 ? value : 0;
}

void cpu_set_memory_types(void)
{
    if (!cpu.pat)
        return;
    uint64_t found = asm_rdmsr(MSR_PAT);
    if (found == PAT_VALUE)
        return;
    if ((uint32_t)found !=
        (uint32_t)PAT_VALUE) /* types of live mappings change: empty the caches */
        __asm__ volatile("wbinvd" : : : "memory");
    asm_wrmsr(MSR_PAT, PAT_VALUE);
    asm_write_cr3(asm_read_cr3());
}

paddr_t cpu_apic_base(void)
{
    if (!cpu.apic)
        return 0;
    uint64_t value = asm_rdmsr(MSR_APIC_BASE);
    if ((value & APIC_ON) == 0 || (value & APIC_X2_ON) != 0)
        return 0;
    return value & (((uint64_t)1 << cpu.phys_bits) - 1) & ~(PAGE_SIZE - 1);
}

static uint32_t apic_read(volatile uint32_t *apic, uint32_t reg)
{
    return apic != NULL ? apic[reg / 4] : (uint32_t)asm_rdmsr(MSR_X2APIC + (reg >> 4));
}

static void apic_write(volatile uint32_t *apic, uint32_t reg, uint32_t value)
{
    if (apic != NULL)
        apic[reg / 4] = value;
    else
        asm_wrmsr(MSR_X2APIC + (reg >> 4), value);
}

static void mask_local_vectors(volatile uint32_t *apic)
{
    static const uint16_t lvt[] = {0x320, 0x350, 0x360, 0x370, 0x340, 0x330, 0x2F0};
    uint32_t entries = (apic_read(apic, 0x30) >> 16 & 0xFFu) + 1;
    for (uint32_t i = 0; i < ARRAY_LEN(lvt) && i < entries; i++) {
        uint32_t value = apic_read(apic, lvt[i]);
        if ((value >> 8 & 7u) == 0) /* fixed delivery */
            apic_write(apic, lvt[i], value | 1u << 16);
    }
    apic_write(apic, 0xF0, 0x1FF); /* on, spurious vector 255 */
}

void cpu_mask_interrupts(volatile uint32_t *apic)
{
    asm_out8(0x21, 0xFF);
    asm_out8(0xA1, 0xFF);
    bool x2 =
        cpu.apic && (asm_rdmsr(MSR_APIC_BASE) & (APIC_ON | APIC_X2_ON)) == (APIC_ON | APIC_X2_ON);
    if (apic != NULL || x2)
        mask_local_vectors(apic);
}

bool cpu_unwind(struct trap_frame *frame)
{
    if (cpu_try_stack == 0)
        return false;
    frame->rsp = cpu_try_stack;
    frame->rip = (uint64_t)(uintptr_t)cpu_try_failed;
    return true;
}

_Noreturn void cpu_halt(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

_Noreturn void cpu_triple_fault(void)
{
    static const struct table_pointer nothing;
    __asm__ volatile("lidt %0\n\tint3" : : "m"(nothing.limit));
    cpu_halt();
}

void cpu_debug_exit(uint8_t value)
{
    asm_out8(0xF4, value);
}
