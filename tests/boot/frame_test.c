/* The proof of tests/test.h itself: planted tests that fail, check nothing or stop half way must be
 * counted as failures, on the desk and in the kernel alike. Usage: frame_test. Ends with
 * "N passed, N failed".
 *
 * needs: tests/test.c
 */
#include "hal/short.h"
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void *test_env_alloc(size_t bytes)
{
    return malloc(bytes);
}

void test_env_free(void *memory, size_t bytes)
{
    UNUSED(bytes);
    free(memory);
}

static void plant_good(struct test_state *t)
{
    CHECK(true);
    CHECK_EQ(4, 4);
    CHECK_STR("a", "a");
    TEST_END;
}

static void plant_false(struct test_state *t)
{
    CHECK(false);
    CHECK(true);
    TEST_END;
}

static void plant_unequal(struct test_state *t)
{
    CHECK_EQ(1, 2);
    TEST_END;
}

static void plant_other_text(struct test_state *t)
{
    CHECK_STR("ab", "abc");
    TEST_END;
}

static void plant_no_text(struct test_state *t)
{
    CHECK_STR(NULL, "abc");
    TEST_END;
}

static void plant_no_check(struct test_state *t)
{
    TEST_END;
}

static void plant_early_return(struct test_state *t)
{
    CHECK(true);
}

static void plant_skip(struct test_state *t)
{
    SKIP("planted");
}

static void silent(const char *line)
{
    UNUSED(line);
}

static int passed, failed;

static void expect(const char *name, void (*run)(struct test_state *), uint64_t pass, uint64_t fail,
                   uint64_t skip)
{
    const struct test_case one = {name, run};
    const struct test_case *const cases[] = {&one};
    const struct test_suite suite = {"plant", cases, 1};
    const struct test_suite *const suites[] = {&suite};
    struct test_totals got;
    test_run(suites, 1, NULL, silent, &got);
    if (got.passed == pass && got.failed == fail && got.skipped == skip) {
        passed++;
        return;
    }
    failed++;
    printf("FAIL %s: counted %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", name,
           got.passed, got.failed, got.skipped);
}

int main(void)
{
    expect("a good test", plant_good, 1, 0, 0);
    expect("a false check", plant_false, 0, 1, 0);
    expect("two numbers that differ", plant_unequal, 0, 1, 0);
    expect("a text cut short", plant_other_text, 0, 1, 0);
    expect("no text at all", plant_no_text, 0, 1, 0);
    expect("no check", plant_no_check, 0, 1, 0);
    expect("an early return", plant_early_return, 0, 1, 0);
    expect("a skip", plant_skip, 0, 0, 1);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
