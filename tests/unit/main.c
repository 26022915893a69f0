/* The desk runner of the unit tests. Usage: unit [SUITE]. Ends with "N passed, N failed".
 *
 * needs: tests/unit/ tests/test.c
 */
#include "hal/host/host.h"
#include "hal/short.h"
#include "tests/desk_suite.h"
#include "tests/unit/suites.h"

#include <inttypes.h>
#include <stdio.h>

bool test_env_has_fake_ram(void)
{
    return true;
}

int main(int argc, char **argv)
{
    struct test_totals totals;
    host_ram_create(8 * GIB);
    test_run(unit_suites, ARRAY_LEN(unit_suites), argc > 1 ? argv[1] : NULL, desk_suite_print,
             &totals);
    printf("%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", totals.passed,
           totals.failed, totals.skipped);
    return totals.failed != 0 || totals.passed == 0;
}
