/* tests/page/libc.h: what goes into the machine that the page makes for a text, and what comes out. */
#ifndef TESTS_PAGE_LIBC_H
#define TESTS_PAGE_LIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the text that standard input and every file have; NULL when it does not fit in memory. */
char *page_input(size_t size);

/* What was written to standard output, or to standard error. */
const char *page_output(bool errors, size_t *size);

#endif
