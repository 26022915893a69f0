/* kernel/selftest.h: the kernel's proof of itself, at the end of every boot. Context: as
 * kernel/boot_info.h, but the allocator's locks are taken; when all else is ready. */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include "kernel/options.h"
#include "tests/test.h"

/* The smoke test on the real allocator, the kernel's own tests and every unit suite of mm/. Logs
 * "selftest: N passed, M failed" (and how many were skipped, if any); true when something passed
 * and nothing failed. With "selftest=off" the unit suites of mm/ are left out. Carries out
 * options->plant first, from which it may not return. Seconds. */
bool selftest_run(const struct options *);

/* Suites that need the real machine. */
extern const struct test_suite smoke_suite;
extern const struct test_suite machine_suite;
extern const struct test_suite space_suite;
extern const struct test_suite aspace_suite;

/* One line: what the hot pair and a 64-page run cost here, in ticks of the time stamp counter. A
 * panic when the allocator fails meanwhile. */
void smoke_bench(void);

#endif
