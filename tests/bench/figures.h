/* tests/bench/figures.h: every sample of the bench, and what becomes of it: medians, the table, the
 * targets, the CSV. A figure is named by workload and metric; its samples come one a round. */
#ifndef TESTS_BENCH_FIGURES_H
#define TESTS_BENCH_FIGURES_H

#include "hal/base.h"

#include <stdio.h>

#define FIGURE_NONE (-1.0) /* not measured */

/* Add one sample. `unit`: "ns", "us", "KiB", "%", "count", "ratio". Names are kept by pointer. */
void figure_add(const char *workload, const char *metric, const char *allocator, const char *unit,
                double value);

/* The allocator cannot do this work, or is not asked to; shown as "-" with the reason. */
void figure_absent(const char *workload, const char *allocator, const char *reason);

/* The median, or FIGURE_NONE. */
double figure_median(const char *workload, const char *metric, const char *allocator);

/* One row a figure, ratios to `buddy` (of address spaces: to `walk`) first. */
void figures_print(FILE *out);

/* The rows of the table: target, reached, PASS or MISS, for what was measured. Returns the
 * misses. */
unsigned figures_print_targets(FILE *out);

/* "workload,metric,unit,allocator,rounds,median,min,max" */
bool figures_write_csv(const char *path);

#endif
