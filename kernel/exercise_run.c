#include "kernel/exercise_run.h"
#include "kernel/console.h"
#include "kernel/display.h"
#include "kernel/exercise.h"
#include "kernel/log.h"
#include "kernel/memory.h"

#define TELL_MICROS 2000000u

struct pace {
    enum exercise_phase phase;
    uint64_t begun, told; /* the phase, and when the log was last told: microseconds */
};

static bool step(void *ctx, enum exercise_phase phase, uint64_t done, uint64_t total)
{
    struct pace *p = ctx;
    uint64_t now = log_micros();
    if (p->phase != phase || p->begun == 0)
        *p = (struct pace){phase, now, p->told};
    display_progress(exercise_phase_name(phase), done, total);
    if (now - p->told >= TELL_MICROS) {
        LOG("exercise", "%s: %u of %u pages, %h a second", S(exercise_phase_name(phase)), U(done),
            U(total), U(done * PAGE_SIZE / (now - p->begun + 1) * 1000000u));
        p->told = now;
    }
    return !console_broken();
}

static void report(const struct exercise_result *r, uint64_t micros)
{
    LOG("exercise", "%u pages in %u runs, %h in %u ms; %u free pages left out", U(r->pages),
        U(r->runs), U(r->pages * PAGE_SIZE), U(micros / 1000u), U(r->left_out));
    for (unsigned i = 0; i < r->listed; i++)
        LOG("exercise", "BAD page at %X", U(r->list[i]));
    if (r->bad_words != 0)
        LOG("exercise", "%u pages failed in %u words; the list above has %u", U(r->bad_pages),
            U(r->bad_words), U(r->listed));
}

bool exercise_run(uint64_t rounds, uint64_t seed)
{
    bool good = true;
    struct exercise_result r = {.stopped = false};
    struct pace pace = {.told = log_micros()};
    uint64_t done = 0;
    for (; done < rounds && !r.stopped; done++) {
        uint64_t begun = log_micros();
        pace.begun = 0;
        LOG("exercise", "round %u of %u, seed %x", U(done + 1), U(rounds), U(seed + done));
        const char *wrong = exercise_round(memory_pmm, seed + done, step, &pace, &r);
        report(&r, log_micros() - begun);
        if (wrong != NULL)
            SAY("exercise", wrong);
        good &= wrong == NULL && r.bad_words == 0;
        if (wrong != NULL)
            break;
    }
    LOG("exercise", "verdict: %s%s", S(good ? "pass" : "FAIL"),
        S(r.stopped ? ", stopped before its end" : ""));
    return good;
}
