/* The targets: what was asked of this allocator, what this run has reached, PASS or MISS. Nothing
 * is rounded in our favour. */
#include "hal/short.h"
#include "tests/bench/figures.h"

#include <string.h>

enum rule {
    RATIO_AT_MOST, /* mortise / buddy */
    VALUE_AT_MOST,
    VALUE_AT_LEAST,
    NOT_ABOVE_BUDDY,
    NOT_BELOW_BUDDY,
    RATIO_TO_WALK,     /* mortise / the mapper of single pages */
    RATIO_OF_PAIRS,    /* mortise, two threads / one thread */
    RATIO_OF_THREADS,  /* the same where all pages are taken and given back */
    RATIO_TO_FREE_LIST /* mortise / the free list that checks nothing */
};

struct target {
    const char *text, *workload, *metric;
    enum rule rule;
    double bound;
};

static const struct target targets[] = {
    {"hot pair, one page", "hot", "pair", RATIO_AT_MOST, 0.42},
    {"hot pair, beside a free list", "hot", "pair", RATIO_TO_FREE_LIST, 1.15},
    {"bulk alloc then free, one page", "bulk", "alloc+free", RATIO_AT_MOST, 0.2},
    {"free in random order, one page", "random-free", "free", RATIO_AT_MOST, 0.11},
    {"churn 50 %: time", "churn-50", "op", RATIO_AT_MOST, 1.0},
    {"churn 75 %: time", "churn-75", "op", RATIO_AT_MOST, 1.0},
    {"churn 90 %: time", "churn-90", "op", RATIO_AT_MOST, 1.0},
    {"churn 95 %: time", "churn-95", "op", RATIO_AT_MOST, 1.0},
    {"filling to 75 %: time", "filling", "op", RATIO_AT_MOST, 0.45},
    {"128 MiB, churn 50 %: time", "small-50", "op", RATIO_AT_MOST, 1.5},
    {"128 MiB, churn 75 %: time", "small-75", "op", RATIO_AT_MOST, 1.5},
    {"128 MiB, churn 90 %: time", "small-90", "op", RATIO_AT_MOST, 1.5},
    {"128 MiB, churn 75 %: in 2 MiB blocks", "small-75", "whole-2m", VALUE_AT_LEAST, 55},
    {"128 MiB, churn 90 %: in 2 MiB blocks", "small-90", "whole-2m", VALUE_AT_LEAST, 15},
    {"churn 50 %: failed requests", "churn-50", "failed", VALUE_AT_MOST, 0},
    {"churn 75 %: failed requests", "churn-75", "failed", VALUE_AT_MOST, 0},
    {"churn 90 %: failed requests", "churn-90", "failed", VALUE_AT_MOST, 0},
    {"churn 95 %: failed requests, %", "churn-95", "failed", VALUE_AT_MOST, 0.01},
    {"churn 50 %: free memory in 2 MiB blocks", "churn-50", "whole-2m", VALUE_AT_LEAST, 97},
    {"churn 75 %: free memory in 2 MiB blocks", "churn-75", "whole-2m", VALUE_AT_LEAST, 91.4},
    {"churn 90 %: free memory in 2 MiB blocks", "churn-90", "whole-2m", VALUE_AT_LEAST, 79.1},
    {"churn 95 %: free memory in 2 MiB blocks", "churn-95", "whole-2m", VALUE_AT_LEAST, 55.5},
    {"alloc latency at 90 %, p99.9", "latency-90", "p99.9", RATIO_AT_MOST, 0.15},
    {"LLFree's fragmentation test, % of ideal", "llfree-frag", "of-ideal", VALUE_AT_LEAST, 98},
    {"redis-build +2 %: time", "redis-build+2", "op", RATIO_AT_MOST, 0.45},
    {"redis-build +10 %: time", "redis-build+10", "op", RATIO_AT_MOST, 0.45},
    {"redis-serve +2 %: time", "redis-serve+2", "op", RATIO_AT_MOST, 0.7},
    {"redis-serve +10 %: time", "redis-serve+10", "op", RATIO_AT_MOST, 0.7},
    {"redis-build +2 %: failures", "redis-build+2", "failures", NOT_ABOVE_BUDDY, 0},
    {"redis-build +10 %: failures", "redis-build+10", "failures", NOT_ABOVE_BUDDY, 0},
    {"redis-serve +2 %: failures", "redis-serve+2", "failures", NOT_ABOVE_BUDDY, 0},
    {"redis-serve +10 %: failures", "redis-serve+10", "failures", NOT_ABOVE_BUDDY, 0},
    {"redis-build +2 %: whole 2 MiB", "redis-build+2", "whole-2m", NOT_BELOW_BUDDY, 0},
    {"redis-build +10 %: whole 2 MiB", "redis-build+10", "whole-2m", NOT_BELOW_BUDDY, 0},
    {"redis-serve +2 %: whole 2 MiB", "redis-serve+2", "whole-2m", NOT_BELOW_BUDDY, 0},
    {"redis-serve +10 %: whole 2 MiB", "redis-serve+10", "whole-2m", NOT_BELOW_BUDDY, 0},
    {"internal waste, churn 75 %", "churn-75", "taken/asked", VALUE_AT_MOST, 1.0},
    {"internal waste, churn 95 %", "churn-95", "taken/asked", VALUE_AT_MOST, 1.0},
    {"internal waste, redis-build +2 %", "redis-build+2", "taken/asked", VALUE_AT_MOST, 1.0},
    {"internal waste, redis-serve +2 %", "redis-serve+2", "taken/asked", VALUE_AT_MOST, 1.0},
    {"hot pair, two threads / one thread", "pairs-2", "pair", RATIO_OF_PAIRS, 1.1},
    {"pairs of 2, two threads / one thread", "pairs-2", "of-2", RATIO_OF_PAIRS, 1.2},
    {"pairs of 64, two threads / one thread", "pairs-2", "of-64", RATIO_OF_PAIRS, 1.2},
    {"pairs of 512, two threads / one thread", "pairs-2", "of-512", RATIO_OF_PAIRS, 1.2},
    {"pairs of 2", "pairs-1", "of-2", VALUE_AT_MOST, 45},
    {"pairs of 4", "pairs-1", "of-4", VALUE_AT_MOST, 45},
    {"pairs of 8", "pairs-1", "of-8", VALUE_AT_MOST, 45},
    {"pairs of 16", "pairs-1", "of-16", VALUE_AT_MOST, 45},
    {"pairs of 64", "pairs-1", "of-64", VALUE_AT_MOST, 45},
    {"pairs of 512", "pairs-1", "of-512", VALUE_AT_MOST, 45},
    {"bulk alloc, two threads / one thread", "threads-2", "bulk-alloc", RATIO_OF_THREADS, 1.1},
    {"bulk free, two threads / one thread", "threads-2", "bulk-free", RATIO_OF_THREADS, 1.1},
    {"random free, half remote, two threads", "threads-2", "random-free", RATIO_AT_MOST, 0.12},
    {"init, 12 TiB map, microseconds", "init-12T", "us", VALUE_AT_MOST, 200},
    {"init, 12 TiB map, KiB of metadata touched", "init-12T", "KiB", VALUE_AT_MOST, 128},
    {"map and unmap 1 GiB as 4 KiB pages", "spaces-1G-of-4K", "map+unmap", RATIO_TO_WALK, 0.15},
    {"map 1 TiB as 1 GiB pages, microseconds", "spaces-1T-of-1G", "map", VALUE_AT_MOST, 20},
    {"query, ns", "spaces-query", "query", VALUE_AT_MOST, 15},
};

static const char *const bound_format[] = {
    [RATIO_AT_MOST] = "<= %.2f of buddy",
    [RATIO_TO_WALK] = "<= %.2f of walk",
    [VALUE_AT_MOST] = "<= %.4g",
    [VALUE_AT_LEAST] = ">= %.4g",
    [NOT_ABOVE_BUDDY] = "<= buddy %.4g",
    [NOT_BELOW_BUDDY] = ">= buddy %.4g",
    [RATIO_OF_PAIRS] = "<= %.2f",
    [RATIO_OF_THREADS] = "<= %.2f",
    [RATIO_TO_FREE_LIST] = "<= %.2f of list",
};

/* What is compared, and the bound it is compared with; false when a part was not measured. */
static bool reach(const struct target *t, double *reached, double *bound)
{
    double buddy = figure_median(t->workload, t->metric, "buddy");
    double walk = figure_median(t->workload, t->metric, "walk");
    double pairs = figure_median("pairs-1", t->metric, "mortise");
    double one = figure_median("threads-1", t->metric, "mortise");
    double list = figure_median(t->workload, t->metric, "freelist");
    *reached = figure_median(t->workload, t->metric, "mortise");
    *bound = t->bound;
    if (*reached < 0)
        return false;
    switch (t->rule) {
    case RATIO_AT_MOST:
        *reached /= buddy;
        return buddy > 0;
    case RATIO_TO_WALK:
        *reached /= walk;
        return walk > 0;
    case RATIO_OF_PAIRS:
        *reached /= pairs;
        return pairs > 0;
    case RATIO_OF_THREADS:
        *reached /= one;
        return one > 0;
    case RATIO_TO_FREE_LIST:
        *reached /= list;
        return list > 0;
    case NOT_ABOVE_BUDDY:
    case NOT_BELOW_BUDDY:
        *bound = buddy;
        return buddy >= 0;
    case VALUE_AT_MOST:
    case VALUE_AT_LEAST:
        break;
    }
    return true;
}

static bool at_least(enum rule rule)
{
    return rule == VALUE_AT_LEAST || rule == NOT_BELOW_BUDDY;
}

/* 1 for a miss. */
static unsigned print_target(FILE *out, const struct target *t)
{
    double reached, bound;
    char bound_text[40];
    if (!reach(t, &reached, &bound))
        return 0;
    bool pass = at_least(t->rule) ? reached >= bound : reached <= bound;
    snprintf(bound_text, sizeof bound_text, bound_format[t->rule], bound);
    fprintf(out, "%-44s %-18s %10.4g   %s\n", t->text, bound_text, reached, pass ? "PASS" : "MISS");
    return !pass;
}

unsigned figures_print_targets(FILE *out)
{
    unsigned misses = 0;
    fprintf(out, "\n%-44s %-18s %10s\n", "figure", "target", "reached");
    for (unsigned i = 0; i < ARRAY_LEN(targets); i++)
        misses += print_target(out, &targets[i]);
    return misses;
}
