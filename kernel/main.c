/* The kernel's story, stage by stage. */
#include "kernel/main.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/trap/backtrace.h"
#include "kernel/cpus/cpus.h"
#include "kernel/monitor/console.h"
#include "kernel/screen/display.h"
#include "kernel/screen/panic_screen.h"
#include "kernel/monitor/exercise_run.h"
#include "kernel/early/image.h"
#include "kernel/early/move.h"
#include "kernel/log/keep.h"
#include "kernel/log/log.h"
#include "kernel/memory/account.h"
#include "kernel/memory/memory.h"
#include "kernel/monitor/monitor.h"
#include "kernel/monitor/result.h"
#include "kernel/options.h"
#include "kernel/trap/panic.h"
#include "kernel/machine/parts.h"
#include "kernel/machine/platform.h"
#include "kernel/ram/ram_log.h"
#include "kernel/selftest.h"
#include "kernel/serial/early_console.h"
#include "kernel/serial/spcr.h"
#include "kernel/memory/space.h"
#include "kernel/version.h"

static struct boot_info boot; /* a copy of our own: the loader's may lie anywhere */
static struct options options;

static uint64_t unknown_options;

static void unknown_option(const char *word)
{
    if (++unknown_options <= LOG_ALIKE)
        LOG("options", "\"%s\" is not an option of this kernel; ignored", S(word));
}

static void log_unknown_options(void)
{
    struct options again;
    options_parse(boot.options, sizeof boot.options, &again, unknown_option);
    if (unknown_options > LOG_ALIKE)
        LOG("options", "%u more words are not options of this kernel; ignored",
            U(unknown_options - LOG_ALIKE));
}

static void log_notes(char *notes)
{
    notes[BOOT_TEXT_SIZE - 1] = '\0';
    for (char *p = notes; *p != '\0';) {
        char *line = p;
        while (*p != '\0' && *p != '\n' && *p != '\r')
            p++;
        bool more = *p != '\0';
        *p = '\0';
        if (*line != '\0')
            SAY("loader", line);
        p += more ? 1 : 0;
    }
}

static void start_log(void)
{
    log_set_clock(boot.exit_tsc, boot.tsc_hz);
    keep_open(boot.keep);
    log_open_serial((struct serial_port){.first.port = options.serial, .bits = 8, .divisor = 1});
    LOG("mortise", "commit %s", S(mortise_commit));
    if (boot.tsc_hz != 0)
        LOG("clock", CPU_COUNTER " at %u Hz", U(boot.tsc_hz));
    else
        SAY("clock", "the loader could not measure the " CPU_COUNTER "; stamps take it as 1 GHz");
    boot.firmware_vendor[sizeof boot.firmware_vendor - 1] = '\0';
    LOG("firmware", "%s, revision %x, descriptors of %u bytes, left in %u attempts",
        S(boot.firmware_vendor), U(boot.firmware_revision), U(boot.descriptor_size),
        U(boot.exit_attempts));
    log_unknown_options();
    log_notes(boot.notes);
}

static void log_cpu(void)
{
    struct hal_paging p = hal_paging_features();
    LOG("cpu",
        "%s, %u physical address bits, NX %s, 1 GiB pages %s, PAT %s, global pages %s, %u "
        "paging levels",
        S(cpu_maker()), U(p.phys_bits), S(p.nx ? "yes" : "no"), S(p.pages_1g ? "yes" : "no"),
        S(p.pat ? "yes" : "no"), S(p.global ? "yes" : "no"), U(p.levels));
    LOG("image", "at %X (%u relocations), in memory at %X %X", U(image.base), U(image.sites),
        U(image.phys), U(image.phys + image.size));
}

/* What mm/aspace goes by when it flushes. */
static void measure_flush(void)
{
    struct cpu_flush_times t = cpu_measure_flush(image.base, image.size / HAL_PAGE_SIZE);
    LOG("tlb", "dropping a page %u ticks, all and reading 64 again %u: up to %u pages one by one",
        U(t.page), U(t.all), U(t.limit));
}

static bool wants_monitor(void)
{
    bool unsaid = !options.exit && options.then == THEN_HALT;
    return options.monitor == MONITOR_ON || (options.monitor == MONITOR_UNSAID && unsaid);
}

/* In the kernel's own space. */
static void kernel_main(void *arg)
{
    UNUSED(arg);
    measure_flush();
    memory_use_space();
    display_move();
    panic_screen_step("reading the firmware's tables");
    platform_read(&boot, &memory_map); /* before memory is used in which they may lie */
    ram_read(&boot, &memory_map);
    panic_screen_step("making the page allocator");
    struct pmm_machine machine = platform_machine(cpus_plan(&boot, &options), &memory_map);
    memory_make_pmm(&machine, &options);
    cpus_hold(); /* before the memory is used in which the firmware has left them */
    memory_reclaim(&options);
    account_report(&boot, platform_nodes.domain);
    ram_log(&memory_map);
    panic_screen_step("looking at the machine");
    spcr_use(&platform, &options);
    parts_use(&boot);
    result_then(&options);
    panic_screen_step("starting the other CPUs");
    cpus_start(options.plant);
    display_start(&options);
    space_log(false);
    bool sound = account_audit();
    display_picture();
    panic_screen_step("the self-test");
    sound = selftest_run(&options) && sound;
    if (options.exercise > 0) {
        console_start(); /* so that Ctrl-C ends it */
        sound = exercise_run(options.exercise, hal_cycles()) && sound;
    }
    space_log(options.tables);
    result_log(sound);
    if (wants_monitor()) {
        panic_screen_step("the monitor");
        sound = monitor_run(&options, sound);
    }
    verdict(sound);
}

/* At its new base, on the loader's stack; below it still the firmware's identity map. Variables are
 * as they were before the move, and none holds a pointer into the image but those that have moved
 * with it.
 */
static void kernel_moved(void *arg)
{
    UNUSED(arg);
    const char *no_screen = display_early(&boot);
    const char *wrong = image_open(move_base(), boot.image_base, boot.image_size);
    panic_setup(image.base, image.size, options.exit);
    cpu_own();
    cpu_set_memory_types();
    if (wrong != NULL)
        HAL_PANIC(wrong);
    log_cpu();
    panic_screen_step("reading the memory map");
    memory_read_map(&boot, &options, no_screen);
    panic_screen_step("making the kernel's address space");
    memory_make_space(&boot);
    space_enter(kernel_main);
}

/* Still on the firmware's stack and tables, interrupts off. */
_Noreturn void kernel_enter(struct boot_info *info)
{
    hal_irq_save();
    cpu_detect();
    boot = *info;
    options_parse(boot.options, sizeof boot.options, &options, NULL);
    panic_setup(boot.image_base, boot.image_size, options.exit);
    backtrace_early_stack(boot.stack_base, boot.stack_size);
    start_log();
    cpu_own();
    early_console_open(&boot, &options);
    display_early(&boot);
    if (boot.stack_base == 0 || boot.stack_size < 4 * HAL_PAGE_SIZE ||
        boot.stack_size > SPACE_STACK_SLOT - 2 * HAL_PAGE_SIZE ||
        (boot.stack_base | boot.stack_size) % HAL_PAGE_SIZE != 0)
        HAL_PANIC("the loader handed over no usable stack");
    if (options.five_levels)
        move_use_five_levels();
    move_image(&boot, options.kaslr, kernel_moved);
}
