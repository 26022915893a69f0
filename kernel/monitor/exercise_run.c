#include "kernel/monitor/exercise_run.h"
#include "hal/short.h"
#include "kernel/monitor/bad_words.h"
#include "kernel/monitor/console.h"
#include "kernel/screen/display.h"
#include "kernel/monitor/exercise.h"
#include "kernel/cpus/cpus.h"
#include "kernel/log/log.h"
#include "kernel/memory/memory.h"

#define TELL_MICROS 2000000u
#define CPUS_TOLD   16u /* one by one in the log */

static struct {
    enum exercise_phase phase;
    uint64_t begun, told; /* microseconds: when the phase began, when a line was logged last */
    unsigned bad_told;    /* how many bad pages of the list have been logged */
} pace;

static struct exercise_bad bad;
static struct exercise_result result; /* of the round */

static uint32_t cpus_counted(void)
{
    return (uint32_t)hal_min_u64(cpus_count(), EXERCISE_CPUS);
}

static void tell_bad(unsigned from)
{
    for (unsigned i = from; i < bad.count; i++)
        LOG("exercise", "BAD page at %X, bits %X, %u words so far", U(bad.list[i].page),
            U(bad.list[i].bits), U(bad.list[i].words));
    pace.bad_told = bad.count;
}

static bool step(void *ctx, enum exercise_phase phase, uint64_t done, uint64_t total)
{
    UNUSED(ctx);
    uint64_t now = log_micros();
    if (pace.phase != phase || pace.begun == 0) {
        pace.phase = phase;
        pace.begun = now;
    }
    display_cpus(result.by_cpu, cpus_counted(), result.work);
    display_progress(exercise_phase_name(phase), done, total);
    tell_bad(pace.bad_told);
    if (done != 0 && now - pace.told >= TELL_MICROS) {
        LOG("exercise", "%s: %u of %u pages, %h a second", S(exercise_phase_name(phase)), U(done),
            U(total), U(done * HAL_PAGE_SIZE / (now - pace.begun + 1) * 1000000u));
        pace.told = now;
    }
    return !console_broken();
}

/* What each CPU has done of the round. */
static void tell_cpus(void)
{
    struct format_line l = {.used = 0};
    uint64_t rest = 0;
    for (uint32_t i = 0; i < cpus_counted(); i++)
        if (i < CPUS_TOLD)
            FORMAT(&l, " %u", U(result.by_cpu[i]));
        else
            rest += result.by_cpu[i];
    if (cpus_counted() > CPUS_TOLD)
        FORMAT(&l, ", all others %u", U(rest));
    l.text[hal_min_u64(l.used, LOG_LINE - 1)] = '\0';
    LOG("exercise", "pages written or verified by each CPU:%s", S(l.text));
}

/* One round; are memory and allocator sound? */
static bool run_round(enum exercise_pattern pattern, uint64_t seed)
{
    struct exercise_result *r = &result;
    uint64_t begun = log_micros();
    pace.begun = 0;
    const char *wrong = exercise_round(memory_pmm, pattern, seed, cpus_run, step, NULL, r, &bad);
    LOG("exercise",
        "%u CPUs, %u pages in %u runs, %h in %u ms; %u free pages left out, %u words failed",
        U(cpus_running()), U(r->pages), U(r->runs), U(r->pages * HAL_PAGE_SIZE),
        U((log_micros() - begun) / 1000u), U(r->left_out), U(r->bad_words));
    if (cpus_running() > 1)
        tell_cpus();
    display_cpus(r->by_cpu, cpus_counted(), r->work);
    if (wrong != NULL) {
        SAY("exercise", wrong);
        r->stopped = true;
    }
    return wrong == NULL && r->bad_words == 0;
}

static size_t bad_ranges(struct bad_range *list)
{
    for (unsigned i = 0; i < bad.count; i++)
        list[i] = (struct bad_range){bad.list[i].page, 1};
    return bad_join(list, bad.count);
}

static void tell_words(enum bad_system system)
{
    struct bad_range list[EXERCISE_LIST];
    size_t count = bad_ranges(list);
    uint64_t grain;
    struct format_line l = bad_words_rounded(system, list, &count, &grain);
    if (l.cut) {
        LOG("bad", "%s: %u pages are too many for one line", S(bad_system_name(system)),
            U(bad.count));
        return;
    }
    l.text[l.used] = '\0';
    LOG("bad", "%s%s:", S(bad_system_name(system)),
        S(grain > HAL_PAGE_SIZE ? ", rounded outward, for the exact ranges do not fit" : ""));
    LOG("bad", "    %s", S(l.text));
}

/* They are free again, so nothing keeps them in use. */
static void retire(hal_paddr_t page)
{
    mm_status_t s = pmm_retire(memory_pmm, page, NULL);
    if (s == MM_OK)
        LOG("bad", "page %X is kept from use from now on", U(page));
    else if (s != MM_BAD)
        LOG("bad", "page %X stays in use: it %s", U(page), S(mm_status_text(s)));
}

static void tell_ranges(void)
{
    struct bad_range list[EXERCISE_LIST];
    size_t count = bad_ranges(list);
    for (size_t i = 0; i < count; i++)
        LOG("bad", "%u bad pages together, from %X to %X", U(list[i].pages), U(list[i].base),
            U(list[i].base + (list[i].pages - 1) * HAL_PAGE_SIZE));
}

/* What a person does with them, and what is done with them here. */
static void leave_bad_pages(void)
{
    if (bad.count == 0)
        return;
    tell_ranges();
    if (bad.more)
        SAY("bad", "there are more bad pages than the list has room for: change the module");
    for (unsigned system = 0; system < BAD_SYSTEMS; system++)
        tell_words((enum bad_system)system);
    for (unsigned i = 0; i < bad.count; i++)
        retire(bad.list[i].page);
}

bool exercise_run(uint64_t rounds, uint64_t seed)
{
    bool good = true;
    bad.count = 0;
    bad.more = false;
    pace.bad_told = 0;
    pace.told = log_micros();
    result.stopped = rounds == 0;
    for (uint64_t done = 0; done < rounds && !result.stopped; done++) {
        enum exercise_pattern pattern = (enum exercise_pattern)(done % EXERCISE_PATTERNS);
        LOG("exercise", "round %u of %u, seed %x, %s", U(done + 1), U(rounds), U(seed + done),
            S(exercise_pattern_name(pattern)));
        good &= run_round(pattern, seed + done);
    }
    tell_bad(0);
    if (bad.more)
        SAY("exercise", "more pages are BAD than the list has room for");
    leave_bad_pages();
    LOG("exercise", "verdict: %s",
        S(!good            ? "FAIL"
          : result.stopped ? "none, for it was stopped; so far nothing failed"
                           : "pass"));
    return good;
}
