/* Exceptions and interrupts: what each is, and whether someone waits for it (Intel SDM vol. 3A,
 * 6.15; a page fault's error code 4.7). */
#include "hal/x86_64/trap.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "hal/x86_64/apic.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/percpu.h"
#include "hal/x86_64/vectors.h"

#define ERROR_PRESENT  1u
#define ERROR_WRITE    2u
#define ERROR_USER     4u
#define ERROR_RESERVED 8u
#define ERROR_FETCH    16u

#define FLAGS_NONE 2u /* a bit that is always set; trap_try() puts the others back */

extern const unsigned char trap_try_failed[]; /* trap.S */
bool trap_try(void (*fn)(void *), void *arg);

uint64_t trap_spurious(void)
{
    return percpu_self()->spurious;
}

struct trap trap_caught(void)
{
    return percpu_self()->caught;
}

static const char *name_of(uint64_t vector)
{
    static const char *const names[32] = {
        "divide error",
        "debug",
        "NMI",
        "breakpoint",
        "overflow",
        "bound range",
        "invalid opcode",
        "device not available",
        "double fault",
        "coprocessor segment",
        "invalid TSS",
        "segment not present",
        "stack segment",
        "general protection",
        "page fault",
        NULL,
        "x87 error",
        "alignment check",
        "machine check",
        "SIMD error",
        "virtualization",
        "control protection",
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        "hypervisor injection",
        "VMM communication",
        "security",
        NULL,
    };
    if (vector < 32 && names[vector] != NULL)
        return names[vector];
    return vector < 32 ? "reserved exception" : "interrupt that nobody asked for";
}

static enum trap_kind kind_of(uint64_t vector)
{
    switch (vector) {
    case VECTOR_PAGE_FAULT:
        return TRAP_ACCESS;
    case VECTOR_DOUBLE_FAULT:
        return TRAP_OVERFLOW;
    case VECTOR_NMI:
    case VECTOR_MACHINE_CHECK:
        return TRAP_OUTSIDE;
    default:
        return TRAP_OTHER;
    }
}

static uint32_t access_of(uint64_t error)
{
    return ((error & ERROR_PRESENT) != 0 ? TRAP_MAPPED : 0) |
           ((error & ERROR_WRITE) != 0 ? TRAP_WRITE : 0) |
           ((error & ERROR_FETCH) != 0 ? TRAP_FETCH : 0) |
           ((error & ERROR_USER) != 0 ? TRAP_USER : 0) |
           ((error & ERROR_RESERVED) != 0 ? TRAP_BROKEN : 0);
}

static struct trap decode(const struct trap_frame *f)
{
    enum trap_kind kind = kind_of(f->vector);
    return (struct trap){.kind = kind,
                         .access = kind == TRAP_ACCESS ? access_of(f->error) : 0,
                         .name = name_of(f->vector),
                         .number = f->vector,
                         .code = f->error,
                         .pc = f->rip,
                         .address = asm_read_cr2(),
                         .frame = f};
}

static bool is_spurious(uint64_t vector)
{
    return vector == VECTOR_SPURIOUS_PIC_1 || vector == VECTOR_SPURIOUS_PIC_2 ||
           vector == VECTOR_SPURIOUS_APIC;
}

/* Make the frame go on as trap_try() answering false, where that is what is waited for. */
static bool end_try(struct trap_frame *f, const struct trap *t)
{
    struct percpu *me = percpu_self();
    if (me->try_stack == 0 || t->kind == TRAP_OUTSIDE ||
        (t->kind == TRAP_OVERFLOW) != me->overflow_expected)
        return false;
    me->caught = *t;
    f->rsp = me->try_stack;
    f->rip = (uint64_t)(uintptr_t)trap_try_failed;
    f->rflags = FLAGS_NONE;
    return true;
}

void trap_handle(struct trap_frame *f)
{
    if (is_spurious(f->vector)) {
        percpu_self()->spurious++;
        return;
    }
    if (f->vector >= VECTOR_FIRST_INTERRUPT && f->vector != VECTOR_KICK &&
        apic_in_service((unsigned)f->vector)) { /* a device that nobody asked */
        percpu_self()->spurious++;
        apic_end_of_interrupt();
        return;
    }
    if (f->vector == VECTOR_KICK) {
        apic_end_of_interrupt();
        cpu_kicked();
        return;
    }
    struct trap t = decode(f);
    if (!end_try(f, &t) && !(t.kind == TRAP_OUTSIDE && cpu_struck(&t)))
        trap_fatal(&t);
}

bool cpu_try(void (*fn)(void *), void *arg)
{
    percpu_self()->overflow_expected = false;
    return trap_try(fn, arg);
}

bool cpu_try_overflow(void (*fn)(void *), void *arg)
{
    percpu_self()->overflow_expected = true;
    return trap_try(fn, arg);
}

size_t trap_registers(const struct trap_frame *f, struct cpu_register out[CPU_REGISTERS])
{
    const struct cpu_register r[] = {
        {"rax", f->rax}, {"rbx", f->rbx}, {"rcx", f->rcx},       {"rdx", f->rdx}, {"rsi", f->rsi},
        {"rdi", f->rdi}, {"rbp", f->rbp}, {"rsp", f->rsp},       {"r8", f->r8},   {"r9", f->r9},
        {"r10", f->r10}, {"r11", f->r11}, {"r12", f->r12},       {"r13", f->r13}, {"r14", f->r14},
        {"r15", f->r15}, {"rip", f->rip}, {"rflags", f->rflags}, {"cs", f->cs},   {"ss", f->ss},
    };
    _Static_assert(ARRAY_LEN(r) <= CPU_REGISTERS, "the caller's array has room");
    __builtin_memcpy(out, r, sizeof r);
    return ARRAY_LEN(r);
}
