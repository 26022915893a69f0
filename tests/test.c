#include "tests/test.h"

#define LINE_SIZE 256

void (*test_on_case)(void);
bool test_tells_passed = true;

static test_print_fn *print_line;

struct line {
    char text[LINE_SIZE];
    size_t used;
};

static void put_text(struct line *l, const char *s)
{
    for (; s != NULL && *s != '\0' && l->used < LINE_SIZE - 1; s++)
        l->text[l->used++] = *s;
    l->text[l->used] = '\0';
}

static void put_number(struct line *l, uint64_t value)
{
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put_text(l, digits + at);
}

static struct line start_line(const char *text)
{
    struct line l = {.used = 0};
    put_text(&l, text);
    return l;
}

static void report(const char *text, const char *file, int line, const char *more)
{
    struct line l = start_line("  not true: ");
    put_text(&l, text);
    put_text(&l, more);
    put_text(&l, " at ");
    put_text(&l, file);
    put_text(&l, ":");
    put_number(&l, (uint64_t)line);
    print_line(l.text);
}

bool test_check(struct test_state *t, bool ok, const char *text, const char *file, int line)
{
    t->checks++;
    if (ok)
        return true;
    t->failures++;
    report(text, file, line, "");
    return false;
}

bool test_check_eq(struct test_state *t, uint64_t actual, uint64_t expected, const char *text,
                   const char *file, int line)
{
    t->checks++;
    if (actual == expected)
        return true;
    t->failures++;
    struct line more = start_line(" is ");
    put_number(&more, actual);
    put_text(&more, ", expected ");
    put_number(&more, expected);
    report(text, file, line, more.text);
    return false;
}

static bool same_text(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* No text at all (NULL) equals only itself. */
bool test_check_str(struct test_state *t, const char *actual, const char *expected,
                    const char *text, const char *file, int line)
{
    t->checks++;
    if (actual == expected || (actual != NULL && expected != NULL && same_text(actual, expected)))
        return true;
    t->failures++;
    struct line more = start_line(" is \"");
    put_text(&more, actual != NULL ? actual : "(null)");
    put_text(&more, "\", expected \"");
    put_text(&more, expected != NULL ? expected : "(null)");
    put_text(&more, "\"");
    report(text, file, line, more.text);
    return false;
}

#define MEMORY_SLOTS 64

static struct {
    void *memory;
    size_t bytes;
} scratch[MEMORY_SLOTS];
static size_t scratch_used;

void *test_memory(size_t bytes)
{
    if (scratch_used == MEMORY_SLOTS)
        return NULL;
    unsigned char *p = test_env_alloc(bytes);
    if (p == NULL)
        return NULL;
    for (size_t i = 0; i < bytes; i++)
        p[i] = 0xA5;
    scratch[scratch_used].memory = p;
    scratch[scratch_used++].bytes = bytes;
    return p;
}

static void give_back(void)
{
    while (scratch_used > 0) {
        scratch_used--;
        test_env_free(scratch[scratch_used].memory, scratch[scratch_used].bytes);
    }
}

static void tell(const char *what, const char *name)
{
    struct line l = start_line(what);
    put_text(&l, name);
    print_line(l.text);
}

static void run_case(const struct test_case *c, struct test_totals *totals)
{
    struct test_state t = {.checks = 0};
    if (test_on_case != NULL)
        test_on_case();
    c->run(&t);
    give_back();
    if (t.skipped != NULL) {
        totals->skipped++;
        struct line l = start_line("skip ");
        put_text(&l, c->name);
        put_text(&l, ": ");
        put_text(&l, t.skipped);
        print_line(l.text);
        return;
    }
    bool passed = t.failures == 0 && t.checks > 0 && t.ended;
    if (t.checks == 0)
        print_line("  the test checked nothing");
    else if (t.failures == 0 && !t.ended)
        print_line("  the test returned before its end");
    if (passed) {
        totals->passed++;
        if (test_tells_passed)
            tell("ok: ", c->name);
        return;
    }
    totals->failed++;
    tell("FAIL ", c->name);
}

void test_run(const struct test_suite *const *suites, size_t count, const char *only,
              test_print_fn *print, struct test_totals *totals)
{
    print_line = print;
    *totals = (struct test_totals){.passed = 0};
    for (size_t s = 0; s < count; s++) {
        if (only != NULL && !same_text(only, suites[s]->name))
            continue;
        for (size_t i = 0; i < suites[s]->count; i++)
            run_case(suites[s]->cases[i], totals);
    }
}
