/* tests/page/libc: as much of C's library as tests/sim needs, for WebAssembly. See libc.c. */
#ifndef TESTS_PAGE_INTTYPES_H
#define TESTS_PAGE_INTTYPES_H
#include <stdint.h>
#define PRIu32 "u"
#define PRIu64 "llu"
#define PRIx64 "llx"
#endif
