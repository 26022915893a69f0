/* tests/kernel/selftest.h: the suites that need the real machine. */
#ifndef TESTS_KERNEL_SELFTEST_H
#define TESTS_KERNEL_SELFTEST_H

#include "tests/test.h"

extern const struct test_suite smoke_suite;
extern const struct test_suite machine_suite;
extern const struct test_suite space_suite;
extern const struct test_suite aspace_suite;
extern const struct test_suite cpus_suite;

/* Raise a trap that nothing the interrupted code did has caused: TRAP_OUTSIDE of hal/cpu.h. */
void machine_raise_outside(void *);

/* Log what selftest_bench() promises: of the allocator, and of all CPUs (on CPU 0). */
void smoke_bench(void);

/* Ticks of a pmm_alloc() of so many pages and its pmm_free(), the mean of so many pairs; 0: memory has run out. */
uint64_t smoke_ticks_a_pair(size_t pages, uint32_t pairs);
void cpus_bench(void);

#endif
