#ifndef TESTS_PAGE_STDLIB_H
#define TESTS_PAGE_STDLIB_H
#include <stddef.h>
#include <stdint.h>
void *malloc(size_t);
void *calloc(size_t count, size_t size);
void *realloc(void *, size_t);
void free(void *);
void qsort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *));
uint64_t strtoull(const char *, char **end, int base); /* base 10 or 16 */
double strtod(const char *, char **end);               /* digits and a point */
#endif
