/* kernel/selftest.h: the kernel's proof of itself, at the end of every boot. The kernel only asks for
 * it: tests/kernel/selftest.c supplies it when the image is linked, so that kernel/ knows no test.
 * Context: as kernel/boot_info.h, but the allocator's locks are taken; when all else is ready. */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include "kernel/options.h"

/* Tests that selftest_run() has counted; all 0 before it has ended. */
extern struct selftest_counts {
    uint64_t passed, failed, skipped;
} selftest_counts;

/* The smoke test on the real allocator, the kernel's own tests and every unit suite of mm/. Logs
 * "selftest: N passed, M failed" (and how many were skipped, if any); true when something passed
 * and nothing failed. With "selftest=off" the unit suites of mm/ are left out. Carries out
 * options->plant first, from which it may not return. Seconds. */
bool selftest_run(const struct options *);

/* What the hot pair and a 64-page run cost here, in ticks of hal_cycles(); and on CPU 0, with
 * interrupts on, what they cost when all CPUs do them at once, and what a shootdown, the map and
 * unmap of a page, and the unmap of 1 GiB in small pages cost. A line each. A panic when the
 * allocator refuses a page that it gave. */
void selftest_bench(void);

#endif
