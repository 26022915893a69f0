/* make bench: Mortise and its baselines side by side, in one run, alternating.
 *
 * For each workload, for each round, for each allocator (the first one changes every round): run it
 * once. Medians over the rounds, the table, the targets, and the CSV that plot.py draws.
 *
 * needs: tests/bench/ tests/sim/trace.c -lz -lm
 */
#include "hal/short.h"
#include "tests/bench/figures.h"
#include "tests/bench/harness.h"
#include "tests/bench/workload.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_ROUNDS 5u
#define MAX_NUMBER     64u

struct workload {
    const char *name;
    workload_fn *run;
};

static const struct workload workloads[] = {
    {"hot", run_hot},         {"bulk", run_bulk},       {"random-free", run_random_free},
    {"churn", run_churn},     {"filling", run_filling}, {"small", run_small},
    {"latency", run_latency}, {"pairs", run_pairs},     {"threads", run_threads},
    {"traces", run_traces},   {"init", run_init},       {"llfree-frag", run_fragmentation},
    {"spaces", run_spaces},
};

static const struct bench_allocator *const allocators[] = {
    &bench_mortise, &bench_buddy, &bench_buddy_exact, &bench_bitmap, &bench_freelist, &bench_idle};

struct arguments {
    struct bench_options options;
    unsigned rounds;
    const char *only, *csv;
    bool alone;
};

static const char usage[] =
    "usage: bench [--quick] [--alone] [--rounds N] [--only WORKLOAD] [--gib N] [--csv FILE]\n"
    "             [--data DIR]\n"
    "  --quick          one small round: does everything work? Its figures mean nothing\n"
    "  --alone          without the baselines, which take hours for a churn of 64 GiB\n"
    "  --rounds N       1 to 64 alternating rounds, 5 when not given\n"
    "  --only WORKLOAD  hot bulk random-free churn filling small latency pairs threads traces "
    "init\n"
    "                   llfree-frag spaces\n"
    "  --gib N          1 to 64 GiB of memory in place of 4, where a workload has no size of its "
    "own\n"
    "  --csv FILE       write every median with its least and largest sample\n"
    "  --data DIR       where traces/ and maps/ are, tests/data when not given\n"
    "Exit status: 0 measured (targets missed are shown, and are no error), 1 an allocator handed "
    "a\n"
    "page out twice, lost one, or a file is missing, 2 wrong usage.\n";

static _Noreturn void wrong_usage(const char *what, const char *word)
{
    fprintf(stderr, "bench: %s: %s\n%s", what, word, usage);
    exit(2);
}

static bool known_workload(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(workloads); i++)
        if (strcmp(workloads[i].name, name) == 0)
            return true;
    return false;
}

/* Of rounds or GiB, both with the same limit. */
static unsigned parse_number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > MAX_NUMBER)
        wrong_usage("--rounds and --gib take a number from 1 to 64", text);
    return (unsigned)value;
}

/* An option that takes a value. */
static void parse_value(struct arguments *a, const char *name, const char *value)
{
    if (strcmp(name, "--rounds") == 0)
        a->rounds = parse_number(value);
    else if (strcmp(name, "--gib") == 0)
        a->options.pool = parse_number(value) * (GIB / HAL_PAGE_SIZE);
    else if (strcmp(name, "--only") == 0 && known_workload(value))
        a->only = value;
    else if (strcmp(name, "--only") == 0)
        wrong_usage("there is no such workload", value);
    else if (strcmp(name, "--csv") == 0)
        a->csv = value;
    else if (strcmp(name, "--data") == 0)
        a->options.data = value;
    else
        wrong_usage("there is no such option", name);
}

static struct arguments parse(int argc, char **argv)
{
    struct arguments a = {.options = {.data = "tests/data", .pool = 4 * (GIB / HAL_PAGE_SIZE)},
                          .rounds = DEFAULT_ROUNDS};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (strcmp(argv[i], "--quick") == 0) {
            a.options.quick = true;
            a.options.pool /= 32;
            a.rounds = 1;
        } else if (strcmp(argv[i], "--alone") == 0) {
            a.alone = true;
        } else if (i + 1 == argc) {
            wrong_usage("there is no such option, or its value is missing", argv[i]);
        } else {
            parse_value(&a, argv[i], argv[i + 1]);
            i++;
        }
    }
    return a;
}

/* The two buddies differ only where lengths that are no powers of two are asked for. */
static bool takes_part(const struct workload *w, const struct bench_allocator *a)
{
    return a != &bench_buddy_exact || w->run == run_churn;
}

static void measure(const struct workload *w, const struct arguments *a)
{
    const unsigned count = a->alone ? 1 : ARRAY_LEN(allocators);
    struct bench_options options = a->options;
    uint64_t start = bench_wall_ns();
    for (options.round = 0; options.round < a->rounds; options.round++)
        for (unsigned i = 0; i < count; i++)
            if (takes_part(w, allocators[(i + options.round) % count]))
                w->run(allocators[(i + options.round) % count], &options);
    fprintf(stderr, "bench: %-12s %u rounds in %.1f s\n", w->name, a->rounds,
            (double)(bench_wall_ns() - start) / 1e9);
}

int main(int argc, char **argv)
{
    struct arguments a = parse(argc, argv);
    for (unsigned i = 0; i < ARRAY_LEN(workloads); i++)
        if (a.only == NULL || strcmp(a.only, workloads[i].name) == 0)
            measure(&workloads[i], &a);
    figures_print(stdout);
    unsigned misses = figures_print_targets(stdout);
    if (a.options.quick)
        printf("\nThis was --quick: a smoke run, not a measurement.\n");
    else
        printf("\n%u targets missed.\n", misses);
    if (a.csv != NULL && !figures_write_csv(a.csv))
        bench_fail("cannot write %s; does its folder exist?", a.csv);
    return 0;
}
