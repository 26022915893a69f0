/* tests/unit/suites.h: every unit suite, for the desk runner and the kernel's selftest. */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include "tests/test.h"

extern const struct test_suite mem_type_suite;
extern const struct test_suite memmap_add_suite;
extern const struct test_suite memmap_normalize_suite;
extern const struct test_suite memmap_own_suite;
extern const struct test_suite memmap_check_suite;
extern const struct test_suite pmm_suite;
extern const struct test_suite pmm_broken_suite;

static const struct test_suite *const unit_suites[] = {
    &mem_type_suite,
    &memmap_add_suite,
    &memmap_normalize_suite,
    &memmap_own_suite,
    &memmap_check_suite,
    &pmm_suite,
    &pmm_broken_suite,
};

#endif
