/* tests/model/expect.h: a desk program of several tests. EXPECT(condition) in them,
 * expect_run("what is true", test) for each, `return expect_total()` in main(). A test is one
 * sentence and counts once, however many cases it tries; one that expects nothing has failed. For
 * one file a program.
 */
#ifndef TESTS_MODEL_EXPECT_H
#define TESTS_MODEL_EXPECT_H

#include "hal/base.h"

#include <inttypes.h>
#include <stdio.h>

#define EXPECT(cond) expect((cond), #cond, __LINE__)

#define EXPECT_SHOWN 10 /* broken expectations of a test that are printed */

static struct {
    uint64_t passed, failed; /* tests */
    uint64_t cases, broken;  /* of the test that runs */
} expect_counts;

static inline bool expect(bool ok, const char *text, int line)
{
    expect_counts.cases++;
    if (!ok && expect_counts.broken++ < EXPECT_SHOWN)
        printf("  not true: %s (line %d)\n", text, line);
    return ok;
}

/* A case that is told from outside. */
static inline void expect_case(bool ok)
{
    expect_counts.cases++;
    expect_counts.broken += !ok;
}

/* One test is over, or one property of which the program itself counted the cases. */
static inline void expect_tally(const char *name, uint64_t cases, uint64_t broken)
{
    bool ok = broken == 0 && cases > 0;
    printf("%s: %s (%" PRIu64 " cases)\n", ok ? "ok" : "FAIL", name, cases);
    expect_counts.passed += ok;
    expect_counts.failed += !ok;
}

static inline void expect_run(const char *name, void (*test)(void))
{
    expect_counts.cases = expect_counts.broken = 0;
    test();
    expect_tally(name, expect_counts.cases, expect_counts.broken);
}

/* The last line of the program, and its exit status. */
static inline int expect_total(void)
{
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", expect_counts.passed, expect_counts.failed);
    return expect_counts.failed != 0 || expect_counts.passed == 0;
}

#endif
