#ifndef TESTS_PAGE_MMAN_H
#define TESTS_PAGE_MMAN_H
#include <stddef.h>
#define PROT_READ     1
#define PROT_WRITE    2
#define MAP_PRIVATE   2
#define MAP_ANONYMOUS 4
#define MAP_NORESERVE 8
#define MAP_FAILED    ((void *)-1)
void *mmap(void *at, size_t, int protection, int flags, int file, int offset);
int munmap(void *, size_t);
#endif
