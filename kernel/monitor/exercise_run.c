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
#define BAD_MOST    1024u
#define BAD_TOLD    64u /* entries and ranges whose last word is in the log, one by one */

static struct {
    enum exercise_phase phase;
    uint64_t begun, told; /* microseconds: when the phase began, when a line was logged last */
} pace;

static struct bad_entry bad_entries[BAD_MOST];
static struct bad_list bad;
static struct bad_range ranges[BAD_MOST]; /* of `bad`, as a system's words have them */
static struct exercise_result result;     /* of the round */

static uint32_t cpus_counted(void)
{
    return (uint32_t)hal_min_u64(cpus_count(), EXERCISE_CPUS);
}

struct retired {
    uint64_t pages; /* that are kept from use */
    uint64_t left;  /* that are not, for a reason of their own */
    unsigned lines; /* ranges */
};

static void tell_bad(const struct bad_entry *e)
{
    if (e->pages == 1)
        LOG("exercise", "BAD page at %X, bits %X, %u words so far", U(e->base), U(e->bits),
            U(e->words));
    else
        LOG("exercise",
            "BAD pages from %X to %X, too many to tell them apart: bits %X, %u words so far",
            U(e->base), U(e->base + (e->pages - 1) * HAL_PAGE_SIZE), U(e->bits), U(e->words));
}

static void tell_news(void)
{
    struct bad_entry e;
    while (bad_list_news(&bad, &e))
        tell_bad(&e);
}

static void tell_all_bad(void)
{
    for (size_t i = 0; i < bad.count && i < BAD_TOLD; i++)
        tell_bad(&bad.entry[i]);
    if (bad.count > BAD_TOLD)
        LOG("exercise", "BAD: %u more, as told above", U(bad.count - BAD_TOLD));
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
    tell_news();
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

static size_t make_ranges(void)
{
    for (size_t i = 0; i < bad.count; i++)
        ranges[i] = (struct bad_range){bad.entry[i].base, bad.entry[i].pages};
    return bad_join(ranges, bad.count);
}

static uint64_t pages_of(size_t count)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < count; i++)
        pages += ranges[i].pages;
    return pages;
}

static void tell_words(enum bad_system system)
{
    size_t count = make_ranges();
    uint64_t grain;
    struct format_line l = bad_words_rounded(system, ranges, &count, &grain);
    if (l.cut) {
        LOG("bad", "%s: %u pages are too many for one line", S(bad_system_name(system)),
            U(pages_of(count)));
        return;
    }
    l.text[l.used] = '\0';
    LOG("bad", "%s%s:", S(bad_system_name(system)),
        S(grain > HAL_PAGE_SIZE ? ", rounded outward, for the exact ranges do not fit" : ""));
    LOG("bad", "    %s", S(l.text));
}

static void tell_ranges(size_t count)
{
    for (size_t i = 0; i < count && i < BAD_TOLD; i++)
        LOG("bad", "%u bad pages together, from %X to %X", U(ranges[i].pages), U(ranges[i].base),
            U(ranges[i].base + (ranges[i].pages - 1) * HAL_PAGE_SIZE));
    if (count > BAD_TOLD)
        LOG("bad", "%u more ranges, %u bad pages in all", U(count - BAD_TOLD), U(pages_of(count)));
}

/* They are free again, so nothing keeps them in use. What lies between bad pages that are told as one may
 * be somebody's, or no memory at all. */
static void retire(const struct bad_range *r, struct retired *sum)
{
    uint64_t before = sum->pages;
    for (uint64_t i = 0; i < r->pages; i++) {
        hal_paddr_t page = r->base + i * HAL_PAGE_SIZE;
        mm_status_t s = pmm_retire(memory_pmm, page, NULL);
        sum->pages += s == MM_OK;
        if (s != MM_OK && s != MM_BAD && ++sum->left <= LOG_ALIKE)
            LOG("bad", "page %X stays in use: it %s", U(page), S(mm_status_text(s)));
    }
    if (sum->pages == before || ++sum->lines > BAD_TOLD)
        return;
    if (r->pages == 1)
        LOG("bad", "page %X is kept from use from now on", U(r->base));
    else
        LOG("bad", "%u pages from %X on are kept from use from now on", U(sum->pages - before),
            U(r->base));
}

static void retire_all(size_t count)
{
    struct retired sum = {.pages = 0};
    for (size_t i = 0; i < count; i++)
        retire(&ranges[i], &sum);
    if (sum.left > LOG_ALIKE)
        LOG("bad", "%u more pages stay in use", U(sum.left - LOG_ALIKE));
    if (sum.lines > BAD_TOLD)
        LOG("bad", "%u pages in all are kept from use from now on", U(sum.pages));
}

/* What a person does with them, and what is done with them here. */
static void leave_bad_pages(void)
{
    if (bad.count == 0)
        return;
    tell_ranges(make_ranges());
    for (unsigned system = 0; system < BAD_SYSTEMS; system++)
        tell_words((enum bad_system)system);
    retire_all(make_ranges());
}

bool exercise_run(uint64_t rounds, uint64_t seed)
{
    bool good = true;
    bad_list_init(&bad, bad_entries, BAD_MOST);
    pace.told = log_micros();
    result.stopped = rounds == 0;
    for (uint64_t done = 0; done < rounds && !result.stopped; done++) {
        enum exercise_pattern pattern = (enum exercise_pattern)(done % EXERCISE_PATTERNS);
        LOG("exercise", "round %u of %u, seed %x, %s", U(done + 1), U(rounds), U(seed + done),
            S(exercise_pattern_name(pattern)));
        good &= run_round(pattern, seed + done);
    }
    tell_news();
    tell_all_bad();
    leave_bad_pages();
    if (good)
        SAY("exercise",
            "a fault that comes now and then needs a memory tester that runs for a day");
    LOG("exercise", "verdict: %s",
        S(!good            ? "FAIL"
          : result.stopped ? "none, for it was stopped; so far nothing failed"
                           : "pass"));
    return good;
}
