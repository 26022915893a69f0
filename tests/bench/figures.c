#include "tests/bench/figures.h"
#include "hal/short.h"
#include "tests/bench/harness.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROUNDS  64
#define MAX_FIGURES 1024
#define MAX_ABSENT  128

static const char *const columns[] = {"mortise",  "buddy", "buddy-exact", "bitmap",
                                      "freelist", "idle",  "walk"};

struct figure {
    const char *workload, *metric, *allocator, *unit;
    unsigned count;
    double samples[MAX_ROUNDS];
};

struct absence {
    const char *workload, *allocator, *reason;
};

static struct figure figures[MAX_FIGURES];
static unsigned figure_count;
static struct absence absences[MAX_ABSENT];
static unsigned absence_count;

static struct figure *find(const char *workload, const char *metric, const char *allocator)
{
    for (unsigned i = 0; i < figure_count; i++)
        if (strcmp(figures[i].workload, workload) == 0 && strcmp(figures[i].metric, metric) == 0 &&
            strcmp(figures[i].allocator, allocator) == 0)
            return &figures[i];
    return NULL;
}

void figure_add(const char *workload, const char *metric, const char *allocator, const char *unit,
                double value)
{
    struct figure *f = find(workload, metric, allocator);
    if (f == NULL) {
        if (figure_count == MAX_FIGURES)
            bench_fail("more than %d figures; raise MAX_FIGURES", MAX_FIGURES);
        f = &figures[figure_count++];
        *f = (struct figure){workload, metric, allocator, unit, 0, {0}};
    }
    if (f->count == MAX_ROUNDS)
        bench_fail("more than %d rounds; raise MAX_ROUNDS", MAX_ROUNDS);
    f->samples[f->count++] = value;
}

void figure_absent(const char *workload, const char *allocator, const char *reason)
{
    for (unsigned i = 0; i < absence_count; i++)
        if (strcmp(absences[i].workload, workload) == 0 &&
            strcmp(absences[i].allocator, allocator) == 0)
            return;
    if (absence_count == MAX_ABSENT)
        bench_fail("more than %d absent figures; raise MAX_ABSENT", MAX_ABSENT);
    absences[absence_count++] = (struct absence){workload, allocator, reason};
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sorted(const struct figure *f, double *out)
{
    memcpy(out, f->samples, f->count * sizeof *out);
    qsort(out, f->count, sizeof *out, compare_double);
}

static double median(const struct figure *f)
{
    double s[MAX_ROUNDS];
    sorted(f, s);
    return (s[(f->count - 1) / 2] + s[f->count / 2]) / 2;
}

double figure_median(const char *workload, const char *metric, const char *allocator)
{
    const struct figure *f = find(workload, metric, allocator);
    return f == NULL ? FIGURE_NONE : median(f);
}

/* --- the table -------------------------------------------------------------------------------- */

static void print_value(FILE *out, const char *unit, double value)
{
    if (value < 0)
        fprintf(out, " %12s", "-");
    else if (strcmp(unit, "count") == 0 || value >= 100000)
        fprintf(out, " %12.0f", value);
    else
        fprintf(out, " %12.*f", value < 1 ? 4 : 2, value);
}

static void print_ratio(FILE *out, const char *unit, double ours, double theirs)
{
    bool comparable =
        strcmp(unit, "ns") == 0 || strcmp(unit, "us") == 0 || strcmp(unit, "KiB") == 0;
    if (comparable && ours >= 0 && theirs > 0)
        fprintf(out, " %7.3f", ours / theirs);
    else
        fprintf(out, " %7s", "");
}

/* `metric` NULL: the first figure of its workload; else the first of its row. */
static bool first_of_its(const char *workload, const char *metric, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (strcmp(figures[i].workload, workload) == 0 &&
            (metric == NULL || strcmp(figures[i].metric, metric) == 0))
            return false;
    return true;
}

static void print_row(FILE *out, const struct figure *f)
{
    double ours = figure_median(f->workload, f->metric, "mortise");
    fprintf(out, "%-16s %-26s %-6s", f->workload, f->metric, f->unit);
    double buddy = figure_median(f->workload, f->metric, "buddy");
    double walk = figure_median(f->workload, f->metric, "walk");
    print_ratio(out, f->unit, ours, buddy < 0 ? walk : buddy);
    for (unsigned i = 0; i < ARRAY_LEN(columns); i++)
        print_value(out, f->unit, figure_median(f->workload, f->metric, columns[i]));
    fputc('\n', out);
}

static void print_workload(FILE *out, const char *workload)
{
    for (unsigned i = 0; i < figure_count; i++)
        if (strcmp(figures[i].workload, workload) == 0 &&
            first_of_its(workload, figures[i].metric, i))
            print_row(out, &figures[i]);
}

static void print_absences(FILE *out)
{
    if (absence_count > 0)
        fprintf(out, "\nNot measured (-):\n");
    for (unsigned i = 0; i < absence_count; i++)
        fprintf(out, "  %-16s %-12s %s\n", absences[i].workload, absences[i].allocator,
                absences[i].reason);
}

void figures_print(FILE *out)
{
    fprintf(out,
            "Medians. ratio: mortise / buddy (spaces: / walk), for times and metadata; below 1 "
            "is better.\n");
    fprintf(out, "idle: no allocator at all, the harness's own share of each time.\n\n");
    fprintf(out, "%-16s %-26s %-6s %7s", "workload", "metric", "unit", "ratio");
    for (unsigned i = 0; i < ARRAY_LEN(columns); i++)
        fprintf(out, " %12s", columns[i]);
    fputc('\n', out);
    for (unsigned i = 0; i < figure_count; i++)
        if (first_of_its(figures[i].workload, NULL, i))
            print_workload(out, figures[i].workload);
    print_absences(out);
}

bool figures_write_csv(const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return false;
    fprintf(out, "workload,metric,unit,allocator,rounds,median,min,max\n");
    for (unsigned i = 0; i < figure_count; i++) {
        const struct figure *f = &figures[i];
        double s[MAX_ROUNDS];
        sorted(f, s);
        fprintf(out, "%s,%s,%s,%s,%u,%.6g,%.6g,%.6g\n", f->workload, f->metric, f->unit,
                f->allocator, f->count, median(f), s[0], s[f->count - 1]);
    }
    return fclose(out) == 0;
}
