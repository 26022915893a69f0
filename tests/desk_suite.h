/* tests/desk_suite.h: what tests/test.h needs of a desk program: memory for the tests, standard
 * output, and the count as the last line. It is for programs of one file with one suite. A program
 * that runs several suites, or reads arguments, calls test_run() itself.
 */
#ifndef TESTS_DESK_SUITE_H
#define TESTS_DESK_SUITE_H

#include "hal/short.h"
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Exactly `bytes`, so that ASan sees an access beyond them. */
void *test_env_alloc(size_t bytes)
{
    void *memory = NULL;
    return posix_memalign(&memory, 64, bytes) == 0 ? memory : NULL;
}

void test_env_free(void *memory, size_t bytes)
{
    UNUSED(bytes);
    free(memory);
}

static inline void desk_suite_print(const char *line)
{
    puts(line);
}

/* Run one suite and print the program's last line. Returns its exit status. */
static inline int desk_suite_run(const struct test_suite *suite)
{
    struct test_totals totals;
    test_run(&suite, 1, NULL, desk_suite_print, &totals);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", totals.passed, totals.failed);
    return totals.failed != 0 || totals.passed == 0;
}

#endif
