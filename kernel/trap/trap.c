/* The report of a trap that nobody expects. */
#include "hal/cpu.h"
#include "kernel/log/log.h"
#include "kernel/screen/panic_screen.h"
#include "kernel/trap/backtrace.h"
#include "kernel/trap/fault.h"
#include "kernel/trap/panic.h"

static void report_registers(const struct trap *t)
{
    struct cpu_register r[CPU_REGISTERS];
    panic_log_registers("trap", r, trap_registers(t->frame, r));
    panic_log_registers("trap", r, cpu_control_registers(r));
}

_Noreturn void trap_fatal(const struct trap *t)
{
    static unsigned depth;
    panic_begin();
    panic_screen_begin(t->name);
    if (++depth > 1) {
        LOG("trap", "%s (%u) at %X, address %X, while reporting a trap", S(t->name), U(t->number),
            U(t->pc), U(t->address));
        verdict(false);
    }
    uint64_t offset;
    bool inside = backtrace_in_image(t->pc, &offset);
    LOG("trap", "%s (%u, code %x) on CPU %u", S(t->name), U(t->number), U(t->code),
        U(hal_cpu_index()));
    if (t->kind == TRAP_ACCESS)
        fault_report_access(t);
    LOG("trap", inside ? "at image+%x; the image lies at %X" : "at %X, outside the image at %X",
        U(offset), U(backtrace_image_base()));
    report_registers(t);
    backtrace_trap(t->frame);
    if (panic_others.tell != NULL)
        panic_others.tell();
    if (t->kind == TRAP_ACCESS || t->kind == TRAP_OVERFLOW)
        fault_report_place(t);
    verdict(false);
}
