#include "kernel/trap/panic.h"
#include "hal/cpu.h"
#include "hal/machine.h"
#include "kernel/trap/backtrace.h"
#include "kernel/screen/display.h"
#include "kernel/screen/panic_screen.h"
#include "kernel/log/log.h"

static bool exit_wanted;
struct panic_others panic_others;
void (*panic_after)(void);
const char *panic_end = "this machine halts after the next line; switch it off or reset it";

void panic_setup(hal_vaddr_t image_base, uint64_t image_size, bool exit_at_end)
{
    exit_wanted = exit_at_end;
    backtrace_setup(image_base, image_size);
}

void panic_log_registers(const char *topic, const struct cpu_register *r, size_t count)
{
    static const char row[] = "%s %X %s %X %s %X %s %X";
    for (size_t i = 0; i < count; i += 4) {
        size_t here = count - i < 4 ? count - i : 4;
        union log_arg args[8];
        for (size_t k = 0; k < here; k++) {
            args[2 * k] = S(r[i + k].name);
            args[2 * k + 1] = U(r[i + k].value);
        }
        log_line(topic, row + (4 - here) * 6, args, 2 * here);
    }
}

void panic_begin(void)
{
    if (panic_others.stop != NULL)
        panic_others.stop();
    hal_locks_are_void = true;
}

void verdict_say(bool pass)
{
    LOG("verdict", "%s", S(pass ? "pass" : "fail"));
    display_end(pass);
}

_Noreturn void verdict(bool pass)
{
    if (!exit_wanted)
        SAY("end", panic_end);
    verdict_say(pass);
    if (exit_wanted)
        machine_debug_exit(pass);
    if (panic_after != NULL)
        panic_after();
    cpu_halt();
}

_Noreturn void hal_panic(const char *what, const char *file, int line)
{
    static bool again;
    panic_begin();
    panic_screen_begin(what);
    LOG("panic", "%s (%s:%u) on CPU %u", S(what), S(file), U((uint64_t)(unsigned)line),
        U(hal_cpu_index()));
    if (!again) {
        again = true;
        backtrace_here();
        if (panic_others.tell != NULL)
            panic_others.tell();
    }
    verdict(false);
}
