/* tests/test.h: the test frame, the same on the desk and in the kernel.
 *
 * A test is its name and its body. A suite is all tests of one file, in the order of the file:
 *
 *     TEST("pmm.free of a parked page is STATUS_PARKED")
 *     {
 *         struct rig r;
 *         if (!RIG_MAKE(&r, high256))
 *             return;
 *         paddr_t page = pmm_alloc(r.pmm, 1, 0);
 *         CHECK_EQ(pmm_free(r.pmm, page, 1), STATUS_OK);
 *         CHECK_EQ(pmm_free(r.pmm, page, 1), STATUS_PARKED);
 *         TEST_END;
 *     }
 *
 *     TEST_SUITE(pmm_free);
 *
 * The last line makes pmm_free_suite. No list repeats the tests; the suites themselves are listed
 * where they are run: those of mm/ in tests/unit/suites.h, those of the kernel in its self-test.
 *
 * A name is what it speaks of, a dot and a sentence. It stands on one line, for other programs read
 * it out of the source. A test that runs no CHECK has failed, and so has one that does not reach
 * TEST_END: a stray early return cannot pass. A test that cannot run here calls SKIP with the
 * reason and is counted as skipped.
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

/* The frame's mouth: a whole line without newline. Desk: standard output; kernel: the log. */
typedef void test_print_fn(const char *line);

/* Run every suite (those whose name is `only`, when not NULL). */
void test_run(const struct test_suite *const *suites, size_t count, const char *only,
              test_print_fn *print, struct test_totals *totals);

/* Scratch memory for a test, 64-byte aligned, filled with 0xA5; NULL when there is none. All of it
 * is given back when the test ends. */
void *test_memory(size_t bytes);

/* The runner's environment supplies this (desk: tests/desk_suite.h; kernel: the page allocator). */
void *test_env_alloc(size_t bytes);
void test_env_free(void *memory, size_t bytes);

/* True when hal_phys_to_virt() reaches fake RAM at physical 0 to 8 GiB that tests may overwrite
 * (desk). False in the kernel, where those addresses are real memory with real owners. */
bool test_env_has_fake_ram(void);

/* Is a test that passed told in a line ("ok: NAME")? At first it is. */
extern bool test_tells_passed;

/* NULL, or called before each test. */
extern void (*test_on_case)(void);

bool test_check(struct test_state *t, bool ok, const char *text, const char *file, int line);
bool test_check_eq(struct test_state *t, uint64_t actual, uint64_t expected, const char *text,
                   const char *file, int line);
bool test_check_str(struct test_state *t, const char *actual, const char *expected,
                    const char *text, const char *file, int line);

/* Each continues after a failure; write `if (!CHECK(p)) return;` where going on makes no sense. */
#define CHECK(cond) test_check(t, (cond), #cond, __FILE__, __LINE__)
#define CHECK_EQ(actual, expected) \
    test_check_eq(t, (uint64_t)(actual), (uint64_t)(expected), #actual, __FILE__, __LINE__)
#define CHECK_STR(actual, expected) \
    test_check_str(t, (actual), (expected), #actual, __FILE__, __LINE__)

/* How TEST and TEST_SUITE come together: the tests of a file are numbered as the compiler meets
 * them, each one defines test_case_NUMBER, and the suite's table names all numbers that a file may
 * have. C lets a file declare test_case_7 once more behind its definition; a number that no test
 * has is thereby a case of zeroes behind the suite's count. */
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

/* X of 0 to 39. */
#define TEST_MOST 40
#define TEST_EACH(X) TEST_TEN(X, ) TEST_TEN(X, 1) TEST_TEN(X, 2) TEST_TEN(X, 3)
#define TEST_TEN(X, tens)                                                                          \
    X(tens##0) X(tens##1) X(tens##2) X(tens##3) X(tens##4)                                         \
    X(tens##5) X(tens##6) X(tens##7) X(tens##8) X(tens##9)

#define SKIP(reason) do { t->skipped = (reason); return; } while (0)
#define TEST_END     (t->ended = true)

#endif
