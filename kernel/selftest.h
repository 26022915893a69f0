/* kernel/selftest.h: the kernel's proof of itself, at the end of every boot. */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include "kernel/options.h"
#include "tests/test.h"

/* The smoke test on the real allocator, the kernel's own tests and every unit suite of mm/. Logs
 * "selftest: N passed, M failed"; true when something passed and nothing failed. With
 * "selftest=off" the smoke test alone runs. Carries out options->plant first. */
bool selftest_run(const struct options *);

/* Suites that need the real machine. */
extern const struct test_suite smoke_suite;
extern const struct test_suite machine_suite;
extern const struct test_suite space_suite;
extern const struct test_suite aspace_suite;

/* One line: what the hot pair and a 64-page run cost here. */
void smoke_bench(void);

#endif
