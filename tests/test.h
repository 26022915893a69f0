/* tests/test.h: the test frame, the same on the desk and in the kernel.
 *
 * A test is its name and its body. A suite is all tests of one file, in the order of the file:
 *
 *     TEST("pmm.free of a parked page is MM_PARKED")
 *     {
 *         struct rig r;
 *         if (!RIG_MAKE(&r, high256))
 *             return;
 *         hal_paddr_t page = pmm_alloc(r.pmm, 1, 0);
 *         CHECK_EQ(pmm_free(r.pmm, page, 1), MM_OK);
 *         CHECK_EQ(pmm_free(r.pmm, page, 1), MM_PARKED);
 *         TEST_END;
 *     }
 *
 *     TEST_SUITE(pmm_free);
 *
 * The last line makes pmm_free_suite. No list repeats the tests; the suites themselves are listed
 * where they are run: those of mm/ in tests/unit/suites.h, those of the kernel in its self-test.
 *
 * A name says what it speaks of, then a dot, then a sentence. It stands on one line, because other
 * programs read it out of the source. A test that runs no CHECK has failed, and so has one that
 * does not reach TEST_END: a stray early return cannot pass. A test that cannot run here calls SKIP
 * with the reason and is counted as skipped.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include "hal/base.h"

struct test_state {
    uint64_t checks;
    uint64_t failures;
    bool ended;
    const char *skipped;
};

struct test_case {
    const char *name; /* "memmap.M1 regions stay sorted" */
    void (*run)(struct test_state *t);
};

struct test_suite {
    const char *name;
    const struct test_case *const *cases;
    size_t count;
};

struct test_totals {
    uint64_t passed, failed, skipped;
};

/* Prints a whole line, which has no newline: to standard output on the desk, to the log in the
 * kernel. */
typedef void test_print_fn(const char *line);

/* Run every suite, or, when `only` is not NULL, those of that name. */
void test_run(const struct test_suite *const *suites, size_t count, const char *only,
              test_print_fn *print, struct test_totals *totals);

/* Scratch memory for a test, 64-byte aligned and filled with 0xA5. NULL when there is none. The
 * frame gives all of it back when the test ends. */
void *test_memory(size_t bytes);

/* The runner supplies these: tests/desk_suite.h on the desk, the page allocator in the kernel. */
void *test_env_alloc(size_t bytes);
void test_env_free(void *memory, size_t bytes);

/* True when hal_phys_to_virt() reaches fake RAM at physical 0 to 8 GiB that tests may overwrite
 * (desk). False in the kernel, where those addresses are real memory with real owners. */
bool test_env_has_fake_ram(void);

/* Whether a test that passed gets a line, "ok: NAME". True at first. */
extern bool test_tells_passed;

/* NULL, or called before each test. */
extern void (*test_on_case)(void);

bool test_check(struct test_state *t, bool ok, const char *text, const char *file, int line);
bool test_check_eq(struct test_state *t, uint64_t actual, uint64_t expected, const char *text,
                   const char *file, int line);
bool test_check_str(struct test_state *t, const char *actual, const char *expected,
                    const char *text, const char *file, int line);

/* A test goes on after a failure. Write `if (!CHECK(p)) return;` where that makes no sense. */
#define CHECK(cond) test_check(t, (cond), #cond, __FILE__, __LINE__)
#define CHECK_EQ(actual, expected) \
    test_check_eq(t, (uint64_t)(actual), (uint64_t)(expected), #actual, __FILE__, __LINE__)
#define CHECK_STR(actual, expected) \
    test_check_str(t, (actual), (expected), #actual, __FILE__, __LINE__)

/* How TEST and TEST_SUITE work together: the compiler numbers the tests of a file in their order,
 * each test defines test_case_NUMBER, and the suite's table names every number that a file may
 * have. C lets a file declare test_case_7 again after it has been defined. A number that no test
 * has is only declared, so it is a case of zeroes; it lies beyond the suite's count. */
#define TEST(name)               TEST_NUMBERED(__COUNTER__, name)
#define TEST_NUMBERED(n, name)   TEST_DEFINE(n, name)
#define TEST_DEFINE(n, name_)                                                                      \
    static void test_body_##n(struct test_state *t);                                               \
    static const struct test_case test_case_##n = {name_, test_body_##n};               \
    static void test_body_##n(struct test_state *t)

#define TEST_SUITE(suite)                                                                          \
    enum { test_count = __COUNTER__ };                                                             \
    _Static_assert(test_count <= TEST_MOST, "too many tests: split them by what they speak of");   \
    TEST_EACH(TEST_DECLARE)                                                                        \
    static const struct test_case *const test_table[] = {TEST_EACH(TEST_ADDRESS)};                 \
    const struct test_suite suite##_suite = {#suite, test_table, test_count}
#define TEST_DECLARE(n) static const struct test_case test_case_##n;
#define TEST_ADDRESS(n) &test_case_##n,

/* X(0) to X(39). */
#define TEST_MOST 40
#define TEST_EACH(X) TEST_TEN(X, ) TEST_TEN(X, 1) TEST_TEN(X, 2) TEST_TEN(X, 3)
#define TEST_TEN(X, tens)                                                                          \
    X(tens##0) X(tens##1) X(tens##2) X(tens##3) X(tens##4)                                         \
    X(tens##5) X(tens##6) X(tens##7) X(tens##8) X(tens##9)

#define SKIP(reason) do { t->skipped = (reason); return; } while (0)
#define TEST_END     (t->ended = true)

#endif
