/* The proof of tests/model/expect.h: planted tests that fail or expect nothing must turn the program
 * red. Usage: expect_test. Ends with "N passed, N failed". */
#include "hal/short.h"
#include "tests/model/expect.h"

static void plant_good(void)
{
    EXPECT(true);
}

static void plant_false(void)
{
    EXPECT(true);
    EXPECT(false);
    EXPECT(true);
}

static void plant_nothing(void)
{
}

static void plant_case(void)
{
    expect_case(false);
}

/* What a program of these tests ends with; an end of the list is NULL. */
static int status_of(void (*const tests[])(void))
{
    expect_counts.passed = expect_counts.failed = 0;
    for (; *tests != NULL; tests++)
        expect_run("planted", *tests);
    return expect_total();
}

int main(void)
{
    static void (*const plants[][3])(void) = {
        {plant_good, NULL},          {plant_good, plant_false}, {plant_nothing, NULL},
        {plant_good, plant_nothing}, {plant_case, NULL},        {NULL},
    };
    static const int wanted[] = {0, 1, 1, 1, 1, 1};
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        bool same = status_of(plants[i]) == wanted[i];
        failed += !same;
        printf("the program of planted tests %zu ended %s\n", i, same ? "as it must" : "WRONGLY");
    }
    printf("%zu passed, %d failed\n", ARRAY_LEN(wanted) - (size_t)failed, failed);
    return failed != 0;
}
