/* tests/kernel/selftest.h: the suites that need the real machine. */
#ifndef TESTS_KERNEL_SELFTEST_H
#define TESTS_KERNEL_SELFTEST_H

#include "tests/test.h"

extern const struct test_suite smoke_suite;
extern const struct test_suite machine_suite;
extern const struct test_suite space_suite;
extern const struct test_suite aspace_suite;

/* One line: what the hot pair and a 64-page run cost here, in ticks of the time stamp counter. A
 * panic when the allocator fails meanwhile. */
void smoke_bench(void);

#endif
