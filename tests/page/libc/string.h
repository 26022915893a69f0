#ifndef TESTS_PAGE_STRING_H
#define TESTS_PAGE_STRING_H
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *);
int strcmp(const char *, const char *);
int strncmp(const char *, const char *, size_t);
char *strchr(const char *, int);
char *strstr(const char *, const char *);
size_t strspn(const char *, const char *set);
size_t strcspn(const char *, const char *set);
const char *strerror(int);
#endif
