#include "kernel/monitor/monitor.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/monitor/command.h"
#include "kernel/monitor/console.h"
#include "kernel/monitor/exercise_run.h"
#include "kernel/trap/fault.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"
#include "kernel/cpus/cpus.h"
#include "kernel/monitor/monitor_cpus.h"
#include "kernel/monitor/monitor_memory.h"
#include "kernel/trap/panic.h"
#include "kernel/machine/power.h"
#include "kernel/selftest.h"
#include "kernel/memory/space.h"

static struct options options;
static bool ended, verdict_now;

static void run_translate(const struct command_call *c)
{
    hal_vaddr_t at = c->value[0];
    struct aspace_mapping m;
    mm_status_t status = space_query(at, &m);
    if (status != MM_OK) {
        LOG("monitor", "%X %s", U(at), S(mm_status_text(status)));
        return;
    }
    struct fault_place p = fault_place(at);
    LOG("monitor", "%X is physical %X, in a page of %h, %s%s: %s%s", U(at),
        U(m.phys + (at & (m.page - 1))), U(m.page), S((m.prot & ASPACE_W) != 0 ? "w" : "-"),
        S((m.prot & ASPACE_X) != 0 ? "x" : "-"), S(p.what), S(p.name));
}

static void run_walk(const struct command_call *c)
{
    if (!fault_report_path(c->value[0]))
        SAY("monitor", "that address is not canonical: the CPU translates none like it");
}

static void run_tables(const struct command_call *c)
{
    space_log(c->given > 0);
}

static void run_bench(const struct command_call *c)
{
    UNUSED(c);
    selftest_bench();
}

static void run_selftest(const struct command_call *c)
{
    UNUSED(c);
    struct options o = options;
    o.plant = PLANT_NONE;
    verdict_now &= selftest_run(&o);
}

static void read_byte(void *at)
{
    (void)*(volatile unsigned char *)at;
}

/* Reading a device's memory could make it do something; all else does nothing or faults. */
static void run_fault(const struct command_call *c)
{
    hal_vaddr_t at = c->given > 0 ? c->value[0] : 0xDEAD000;
    if (at >= SPACE_DEVICES && at < SPACE_STACKS) {
        SAY("monitor", "devices lie there, which reading could disturb; nothing was done");
        return;
    }
    void *pointer;
    __builtin_memcpy(&pointer, &at, sizeof pointer);
    if (cpu_try(read_byte, pointer)) {
        LOG("monitor", "%X can be read", U(at));
        return;
    }
    struct trap t = trap_caught();
    LOG("monitor", "caught: %s (%u, code %x)", S(t.name), U(t.number), U(t.code));
    if (t.kind == TRAP_ACCESS)
        fault_report_access(&t);
}

static void run_panic(const struct command_call *c)
{
    UNUSED(c);
    const char *answer = console_line("this stops the machine for good; type yes to go on: ");
    if (answer[0] == 'y' && answer[1] == 'e' && answer[2] == 's' && answer[3] == '\0')
        HAL_PANIC("asked for in the monitor");
    SAY("monitor", "no panic, then");
}

static void run_exercise(const struct command_call *c)
{
    verdict_now &=
        exercise_run(c->given > 0 ? c->value[0] : 1, c->given > 1 ? c->value[1] : hal_cycles());
}

static void run_exit(const struct command_call *c)
{
    ended = true;
    if (c->given > 0)
        verdict_now = c->value[0] == 1;
}

static void run_reboot(const struct command_call *c)
{
    UNUSED(c);
    kernel_reset();
}

static void run_poweroff(const struct command_call *c)
{
    UNUSED(c);
    kernel_poweroff();
}

static void run_help(const struct command_call *c);

/* It stands in the list for its usage; carry_out() reads what follows the number. */
static void run_on(const struct command_call *c)
{
    UNUSED(c);
    SAY("monitor", "which command? on CPU COMMAND");
}

static const struct command commands[] = {
    {"help - list the commands", run_help},
    {"map - every region of physical memory", monitor_map},
    {"zones - the allocator's zones", monitor_zones},
    {"mem - how much is taken", monitor_mem},
    {"alloc PAGES [dma|dma32|zero|kernel] - take pages", monitor_alloc},
    {"free ADDRESS [PAGES] - give them back", monitor_free},
    {"translate ADDRESS - virtual to physical", run_translate},
    {"walk ADDRESS - the page table entries on its way", run_walk},
    {"tables [all] - page tables; all: every mapping", run_tables},
    {"stats - the allocator's counters", monitor_stats},
    {"frag - free runs by length", monitor_frag},
    {"cpus - which CPUs run", monitor_cpus},
    {"on CPU - run the command that follows there: on 2 fault", run_on},
    {"bench - what alloc and free cost", run_bench},
    {"selftest - run the self-test again", run_selftest},
    {"fault [ADDRESS] - read there, and catch what comes", run_fault},
    {"oom [N] - let page table N of a mapping be the one too many", monitor_oom},
    {"exercise [ROUNDS] [SEED] - test all free memory", run_exercise},
    {"panic - show a panic", run_panic},
    {"exit [pass|fail] - end with this verdict", run_exit},
    {"reboot", run_reboot},
    {"poweroff", run_poweroff},
};

static void run_help(const struct command_call *c)
{
    UNUSED(c);
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
        SAY("help", commands[i].usage);
}

struct errand {
    const struct command *command;
    const struct command_call *call;
};

static void do_errand(void *arg)
{
    const struct errand *e = arg;
    e->command->run(e->call);
}

/* These commands give work to all CPUs, which only CPU 0 may do. */
static bool is_for_all(const struct command *c)
{
    return c->run == run_selftest || c->run == run_exercise;
}

static void run_there(uint64_t cpu, const struct command *c, const struct command_call *call)
{
    struct errand e = {c, call};
    if (is_for_all(c))
        SAY("monitor", "that command uses all CPUs, and begins on CPU 0");
    else if (cpu >= cpus_count() || !cpus_run_on((uint32_t)cpu, do_errand, &e))
        LOG("monitor", "there is no CPU %u that runs", U(cpu));
}

static const char *skip_spaces(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Where the decimal number at `p` ends, or where it has become too large; NULL when there is none.
 * */
static const char *read_number(const char *p, uint64_t *value)
{
    const char *from = p;
    uint64_t n = 0;
    for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    *value = n;
    return p != from ? p : NULL;
}

/* Take "on 2" off the front of "on 2 walk 0x1000": `*cpu` is 2, and the rest is returned. A line
 * that does not begin so is returned as it is. */
static const char *read_cpu(const char *line, uint64_t *cpu)
{
    const char *p = skip_spaces(line);
    uint64_t n;
    if (p[0] != 'o' || p[1] != 'n' || p[2] != ' ')
        return line;
    p = read_number(skip_spaces(p + 3), &n);
    if (p == NULL || *p != ' ' || *skip_spaces(p) == '\0')
        return line;
    *cpu = n;
    return skip_spaces(p);
}

static void carry_out(const char *text)
{
    uint64_t cpu = 0;
    const char *line = read_cpu(text, &cpu);
    struct command_call call;
    struct format_line wrong;
    const struct command *c = command_find(commands, ARRAY_LEN(commands), line, &call, &wrong);
    if (c != NULL && line != text)
        run_there(cpu, c, &call);
    else if (c != NULL)
        c->run(&call);
    else if (wrong.used > 0) {
        char sentence[LOG_LINE + 1];
        __builtin_memcpy(sentence, wrong.text, wrong.used);
        sentence[wrong.used] = '\0';
        SAY("monitor", sentence);
    }
}

bool monitor_run(const struct options *o, bool sound)
{
    options = *o;
    verdict_now = sound;
    verdict_say(sound);
    console_start();
    SAY("monitor", "type help for the commands");
    while (!ended)
        carry_out(console_line("> "));
    return verdict_now;
}
