/* tests/unit/suites.h: every unit suite, for the desk runner and the kernel's selftest. */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include "tests/test.h"

/* clang-format off */
#define UNIT_SUITES(X) \
    X(bits) \
    X(mem_type) \
    X(memmap_add) \
    X(memmap_normalize) \
    X(memmap_own) \
    X(memmap_retire) \
    X(memmap_window) \
    X(memmap_check) \
    X(pmm_create) \
    X(pmm_alloc) \
    X(pmm_zones) \
    X(pmm_machine) \
    X(pmm_nodes) \
    X(pmm_search) \
    X(pmm_claim) \
    X(pmm_free) \
    X(pmm_split) \
    X(pmm_length) \
    X(pmm_retire) \
    X(pmm_magazine) \
    X(pmm_report) \
    X(pmm_debug) \
    X(pmm_broken)
/* clang-format on */

#define SUITE_DECLARE(name) extern const struct test_suite name##_suite;
#define SUITE_ADDRESS(name) &name##_suite,

UNIT_SUITES(SUITE_DECLARE)

static const struct test_suite *const unit_suites[] = {UNIT_SUITES(SUITE_ADDRESS)};

#endif
