/* tests/bench/figures.h: keeps every sample of the bench and makes medians, the table, the targets
 * and the CSV of them. Workload and metric name a figure; each round adds one sample to it. */
#ifndef TESTS_BENCH_FIGURES_H
#define TESTS_BENCH_FIGURES_H

#include "hal/base.h"

#include <stdio.h>

#define FIGURE_NONE (-1.0) /* not measured */

/* Add one sample. `unit`: "ns", "us", "KiB", "%", "count", "ratio". Names are kept by pointer. */
void figure_add(const char *workload, const char *metric, const char *allocator, const char *unit,
                double value);

/* The allocator cannot do this work, or is not asked to: it shows as "-", with the reason. */
void figure_absent(const char *workload, const char *allocator, const char *reason);

/* The median, or FIGURE_NONE. */
double figure_median(const char *workload, const char *metric, const char *allocator);

/* Print a row for each figure. Its first column is the ratio to `buddy`; for address spaces, to
 * `walk`. */
void figures_print(FILE *out);

/* Print a row for each target that was measured: what is asked for, what was reached, PASS or MISS.
 * Returns the number of misses. */
unsigned figures_print_targets(FILE *out);

/* Write a line "workload,metric,unit,allocator,rounds,median,min,max" for each figure. False when
 * the file cannot be written. */
bool figures_write_csv(const char *path);

#endif
