#ifndef TESTS_PAGE_STDIO_H
#define TESTS_PAGE_STDIO_H
#include <stdarg.h>
#include <stddef.h>
struct page_file;
typedef struct page_file FILE;
extern FILE *const stdin, *const stdout, *const stderr;
FILE *fopen(const char *path, const char *mode); /* any path: the text that the page was given */
int fclose(FILE *);
int ferror(FILE *);
size_t fread(void *to, size_t size, size_t count, FILE *);
int fputc(int, FILE *);
int fputs(const char *, FILE *);
int printf(const char *, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *, const char *, ...) __attribute__((format(printf, 2, 3)));
int vfprintf(FILE *, const char *, va_list);
int snprintf(char *, size_t, const char *, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *, size_t, const char *, va_list);
#endif
