#include "hal/x86_64/descriptors.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/vectors.h"

#define STACK_SIZE ((uint64_t)8192) /* of a trap stack */

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
_Static_assert(offsetof(struct table_pointer, base) == offsetof(struct table_pointer, limit) + 2,
               "LGDT and LIDT read ten bytes");
_Static_assert(sizeof(struct gate) == 16, "an IDT gate has 16 bytes");

void descriptors_load_tables(const uint16_t *gdt, const uint16_t *idt); /* stack.S */

static struct gate idt[256];
static _Alignas(4096) unsigned char stacks[CPU_TRAP_STACKS][STACK_SIZE];

/* A stack each for the vectors that may come on a broken one, in the order of the TSS's IST
 * entries. */
static const struct {
    const char *name;
    uint8_t vector;
} on_own_stack[CPU_TRAP_STACKS] = {
    {"double fault stack", VECTOR_DOUBLE_FAULT},
    {"NMI stack", VECTOR_NMI},
    {"machine check stack", VECTOR_MACHINE_CHECK},
};

struct cpu_stack cpu_trap_stack(unsigned which)
{
    return (struct cpu_stack){on_own_stack[which].name, stacks[which], STACK_SIZE};
}

void descriptors_set_stack(struct descriptors *d, unsigned which, hal_vaddr_t top)
{
    d->tss.words[9 + 2 * which] = (uint32_t)top; /* IST1 begins at byte 36 */
    d->tss.words[10 + 2 * which] = (uint32_t)(top >> 32);
}

static void build_gdt(uint64_t gdt[6], const struct tss *tss)
{
    uint64_t base = (uint64_t)(uintptr_t)tss;
    gdt[1] = 0x00AF9B000000FFFFu; /* 0x08: 64-bit code, ring 0, already accessed */
    gdt[2] = 0x00CF93000000FFFFu; /* 0x10: data */
    gdt[3] = (sizeof *tss - 1) | (base & 0xFFFFFFu) << 16 | (uint64_t)0x89 << 40 |
             (base >> 24 & 0xFFu) << 56;
    gdt[4] = base >> 32;
    gdt[5] = 0x00CF9B000000FFFFu; /* 0x28: 32-bit code, for cpu_use_five_levels() */
}

/* Number of the IST entry, from 1, or 0: the stack in use. */
static unsigned ist_of(unsigned vector)
{
    for (unsigned i = 0; i < CPU_TRAP_STACKS; i++)
        if (on_own_stack[i].vector == vector)
            return i + 1;
    return 0;
}

void descriptors_build_idt(void)
{
    for (unsigned v = 0; v < ARRAY_LEN(idt); v++) {
        uint64_t at = vector_stub(v);
        idt[v].offset_low = (uint16_t)at;
        idt[v].selector = 0x08;
        idt[v].options = (uint16_t)(0x8E00u | ist_of(v)); /* present, interrupt gate */
        idt[v].offset_mid = (uint16_t)(at >> 16);
        idt[v].offset_high = (uint32_t)(at >> 32);
    }
}

void descriptors_build(struct descriptors *d, const hal_vaddr_t *trap_stacks)
{
    for (unsigned i = 0; i < CPU_TRAP_STACKS; i++)
        descriptors_set_stack(d, i, trap_stacks[i]);
    d->tss.words[25] = sizeof d->tss << 16; /* no I/O permission map */
    build_gdt(d->gdt, &d->tss);
}

void descriptors_load(const struct descriptors *d)
{
    struct table_pointer g = {.limit = sizeof d->gdt - 1, .base = (uint64_t)(uintptr_t)d->gdt};
    struct table_pointer i = {.limit = sizeof idt - 1, .base = (uint64_t)(uintptr_t)idt};
    descriptors_load_tables(&g.limit, &i.limit);
}

_Noreturn void cpu_reset(void)
{
    static const struct table_pointer nothing;
    __asm__ volatile("lidt %0\n\tint3" : : "m"(nothing.limit)); /* a triple fault */
    cpu_halt();
}
