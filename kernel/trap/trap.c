/* The report for every exception, and the hook by which a test expects one. */
#include "hal/hal.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"
#include "kernel/trap/backtrace.h"
#include "kernel/screen/display.h"
#include "kernel/trap/fault.h"
#include "kernel/log/log.h"
#include "kernel/trap/panic.h"
#include "kernel/trap/trap.h"

#define DOUBLE_FAULT 8u
#define PAGE_FAULT   14u

static uint64_t spurious;
static struct trap_seen last_caught;

uint64_t trap_spurious(void)
{
    return spurious;
}

struct trap_seen trap_last_caught(void)
{
    return last_caught;
}

static const char *vector_name(uint64_t vector)
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

static void report_registers(const struct trap_frame *f)
{
    LOG("trap", "rax %X rbx %X rcx %X rdx %X", U(f->rax), U(f->rbx), U(f->rcx), U(f->rdx));
    LOG("trap", "rsi %X rdi %X rbp %X rsp %X", U(f->rsi), U(f->rdi), U(f->rbp), U(f->rsp));
    LOG("trap", "r8  %X r9  %X r10 %X r11 %X", U(f->r8), U(f->r9), U(f->r10), U(f->r11));
    LOG("trap", "r12 %X r13 %X r14 %X r15 %X", U(f->r12), U(f->r13), U(f->r14), U(f->r15));
    LOG("trap", "rip %X rflags %X cs %x ss %x", U(f->rip), U(f->rflags), U(f->cs), U(f->ss));
    LOG("trap", "cr0 %x cr2 %X cr3 %x cr4 %x efer %x", U(asm_read_cr0()), U(asm_read_cr2()),
        U(asm_read_cr3()), U(asm_read_cr4()), U(asm_rdmsr(0xC0000080u)));
}

static bool is_spurious(uint64_t vector)
{
    return vector == 0x27 || vector == 0x2F || vector == 0xFF;
}

void trap_handle(struct trap_frame *f)
{
    static unsigned depth;
    if (is_spurious(f->vector)) {
        spurious++;
        return;
    }
    vaddr_t cr2 = asm_read_cr2();
    last_caught = (struct trap_seen){f->vector, f->error, cr2, f->rip, (vaddr_t)(uintptr_t)f};
    if (cpu_unwind(f))
        return;
    display_panic(vector_name(f->vector));
    if (++depth > 1) {
        LOG("trap", "%s (vector %u) at %X, CR2 %X, while reporting a trap",
            S(vector_name(f->vector)), U(f->vector), U(f->rip), U(cr2));
        verdict(false);
    }
    uint64_t offset;
    bool inside = backtrace_in_image(f->rip, &offset);
    LOG("trap", "%s (vector %u), error code %x", S(vector_name(f->vector)), U(f->vector),
        U(f->error));
    if (f->vector == PAGE_FAULT)
        fault_report_access(cr2, f->error);
    LOG("trap", inside ? "at image+%x; the image lies at %X" : "at %X, outside the image at %X",
        U(offset), U(backtrace_image_base()));
    report_registers(f);
    backtrace_trap(f);
    hal_locks_are_void = true;
    if (f->vector == PAGE_FAULT || f->vector == DOUBLE_FAULT)
        fault_report_place(cr2, f->error);
    verdict(false);
}
