/* As much of C's library as tests/sim needs, for WebAssembly: no system stands behind it. Memory grows, is zero
 * when it is first had, and is never given back, for the page makes a new machine for each text. A file is a
 * text in memory: one to read, and two to write.
 */
#include "tests/page/libc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WASM_PAGE   65536u
#define SYSTEM_PAGE 4096u
#define ALIGN       16u

int errno;

/* ---- memory ---- */

extern unsigned char __heap_base; /* the linker's */
static size_t heap_next;

/* Before each block stands its size. */
void *malloc(size_t size)
{
    if (heap_next == 0)
        heap_next = ((size_t)&__heap_base + ALIGN - 1) / ALIGN * ALIGN;
    size_t at = heap_next + ALIGN, most = SIZE_MAX - WASM_PAGE - ALIGN;
    if (size > most - at)
        return NULL;
    size_t end = (at + size + ALIGN - 1) / ALIGN * ALIGN;
    size_t have = __builtin_wasm_memory_size(0) * WASM_PAGE;
    if (end > have &&
        __builtin_wasm_memory_grow(0, (end - have + WASM_PAGE - 1) / WASM_PAGE) == SIZE_MAX)
        return NULL;
    *(size_t *)(at - ALIGN) = size;
    heap_next = end;
    return (void *)at;
}

void *calloc(size_t count, size_t size)
{
    return size != 0 && count > SIZE_MAX / size ? NULL : malloc(count * size);
}

void *realloc(void *old, size_t size)
{
    void *made = malloc(size);
    if (old != NULL && made != NULL) {
        size_t had = *(size_t *)((size_t)old - ALIGN);
        memcpy(made, old, had < size ? had : size);
    }
    return made;
}

void free(void *block)
{
    (void)block;
}

void *mmap(void *at, size_t size, int protection, int flags, int file, int offset)
{
    (void)at, (void)protection, (void)flags, (void)file, (void)offset;
    void *made = size > SIZE_MAX - SYSTEM_PAGE ? NULL : malloc(size + SYSTEM_PAGE);
    return made == NULL ? MAP_FAILED
                        : (void *)(((size_t)made + SYSTEM_PAGE - 1) / SYSTEM_PAGE * SYSTEM_PAGE);
}

int munmap(void *at, size_t size)
{
    (void)at, (void)size;
    return 0;
}

void *memcpy(void *to, const void *from, size_t size)
{
    return memmove(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    for (size_t i = 0; t <= f && i < size; i++)
        t[i] = f[i];
    for (size_t i = size; t > f && i-- > 0;)
        t[i] = f[i];
    return to;
}

void *memset(void *at, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)at)[i] = (unsigned char)byte;
    return at;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* ---- text ---- */

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0')
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (size_t i = 0; i < most; i++)
        if (a[i] != b[i] || a[i] == '\0')
            return (unsigned char)a[i] - (unsigned char)b[i];
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (*s == '\0')
            return NULL;
    return (char *)(size_t)s;
}

char *strstr(const char *s, const char *what)
{
    size_t n = strlen(what);
    for (; *s != '\0' || n == 0; s++)
        if (strncmp(s, what, n) == 0)
            return (char *)(size_t)s;
    return NULL;
}

static size_t span(const char *s, const char *set, bool inside)
{
    size_t n = 0;
    while (s[n] != '\0' && (strchr(set, s[n]) != NULL) == inside)
        n++;
    return n;
}

size_t strspn(const char *s, const char *set)
{
    return span(s, set, true);
}

size_t strcspn(const char *s, const char *set)
{
    return span(s, set, false);
}

const char *strerror(int number)
{
    (void)number;
    return "it cannot be read";
}

/* ---- numbers ---- */

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10 : 16;
}

uint64_t strtoull(const char *s, char **end, int base)
{
    const char *p = s + strspn(s, " \t");
    uint64_t value = 0, unit = (uint64_t)base;
    bool over = false;
    if (base == 16 && p[0] == '0' && (p[1] | 0x20) == 'x' && digit_of(p[2]) < 16)
        p += 2;
    const char *first = p;
    for (; digit_of(*p) < unit; p++) {
        over = over || value > (UINT64_MAX - digit_of(*p)) / unit;
        value = value * unit + digit_of(*p);
    }
    if (end != NULL)
        *end = (char *)(size_t)(p == first ? s : p);
    return over ? UINT64_MAX : value;
}

double strtod(const char *s, char **end)
{
    char *at;
    double value = (double)strtoull(s, &at, 10), unit = 1;
    if (*at == '.')
        for (at++; digit_of(*at) < 10; at++)
            value += (unit /= 10) * digit_of(*at);
    *end = at;
    return value;
}

/* Heapsort. */
static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = a[i];
        a[i] = b[i];
        b[i] = c;
    }
}

void qsort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    unsigned char *p = items;
    for (size_t end = count, start = count / 2; end > 1;) {
        if (start > 0)
            start--;
        else
            swap(p, p + --end * size, size);
        for (size_t at = start, child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && compare(p + child * size, p + (child + 1) * size) < 0)
                child++;
            if (compare(p + at * size, p + child * size) >= 0)
                break;
            swap(p + at * size, p + child * size, size);
        }
    }
}

/* ---- files ---- */

struct page_file {
    char *text;
    size_t size, capacity, at;
};

static struct page_file in, out, err;
FILE *const stdin = &in, *const stdout = &out, *const stderr = &err;

char *page_input(size_t size)
{
    in = (struct page_file){.text = malloc(size), .size = size};
    return in.text;
}

const char *page_output(bool errors, size_t *size)
{
    struct page_file *f = errors ? &err : &out;
    *size = f->size;
    return f->text;
}

FILE *fopen(const char *path, const char *mode)
{
    (void)path, (void)mode;
    return &in;
}

int fclose(FILE *f)
{
    (void)f;
    return 0;
}

int ferror(FILE *f)
{
    (void)f;
    return 0;
}

size_t fread(void *to, size_t size, size_t count, FILE *f)
{
    size_t left = f->size - f->at, bytes = size * count < left ? size * count : left;
    memcpy(to, f->text + f->at, bytes);
    f->at += bytes;
    return bytes / size;
}

int fputc(int c, FILE *f)
{
    if (f->size == f->capacity) {
        size_t larger = f->capacity == 0 ? 65536 : 2 * f->capacity;
        char *text = realloc(f->text, larger);
        if (text == NULL)
            return -1;
        f->text = text;
        f->capacity = larger;
    }
    f->text[f->size++] = (char)c;
    return c;
}

int fputs(const char *text, FILE *f)
{
    while (*text != '\0')
        fputc(*text++, f);
    return 0;
}

/* ---- printf: flags - and 0, width, precision, d u x s c f z l ---- */

/* Where it goes: into a file, or into `size` bytes. */
struct sink {
    FILE *file;
    char *text;
    size_t size, used;
};

static void put(struct sink *s, char c)
{
    if (s->file != NULL)
        fputc(c, s->file);
    else if (s->used + 1 < s->size)
        s->text[s->used] = c;
    s->used++;
}

struct field {
    bool left, zeros;
    int width, precision; /* precision -1: none */
    unsigned wide;        /* how many l */
};

static void put_field(struct sink *s, const struct field *f, const char *text, size_t length)
{
    size_t width = f->width > 0 ? (size_t)f->width : 0;
    for (size_t i = length; !f->left && i < width; i++)
        put(s, f->zeros ? '0' : ' ');
    for (size_t i = 0; i < length; i++)
        put(s, text[i]);
    for (size_t i = length; f->left && i < width; i++)
        put(s, ' ');
}

static size_t digits_of(char *text, uint64_t value, unsigned base)
{
    char turned[24];
    size_t n = 0;
    do
        turned[n++] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    for (size_t i = 0; i < n; i++)
        text[i] = turned[n - 1 - i];
    return n;
}

/* Not negative, below 2^64; rounded to the nearest, as the sizes for people are. */
static void put_double(struct sink *s, const struct field *f, double value)
{
    char text[48];
    uint64_t scale = 1;
    int decimals = f->precision < 0 ? 6 : f->precision;
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    uint64_t whole = (uint64_t)value;
    uint64_t part = (uint64_t)((value - (double)whole) * (double)scale + 0.5);
    whole += part / scale;
    part %= scale;
    size_t n = digits_of(text, whole, 10);
    if (decimals > 0)
        text[n++] = '.';
    for (uint64_t unit = scale / 10; unit > 0; unit /= 10)
        text[n++] = (char)('0' + part / unit % 10);
    put_field(s, f, text, n);
}

static void put_text(struct sink *s, const struct field *f, const char *text)
{
    size_t n = 0;
    while (text[n] != '\0' && (f->precision < 0 || n < (size_t)f->precision))
        n++;
    put_field(s, f, text, n);
}

static int number_or_star(const char **p, va_list *args)
{
    int value = 0;
    if (**p == '*') {
        ++*p;
        return va_arg(*args, int);
    }
    for (; **p >= '0' && **p <= '9'; ++*p)
        value = value * 10 + (**p - '0');
    return value;
}

static struct field read_field(const char **p, va_list *args)
{
    struct field f = {.precision = -1};
    for (; **p == '-' || **p == '0'; ++*p) {
        f.left |= **p == '-';
        f.zeros |= **p == '0';
    }
    f.width = number_or_star(p, args);
    if (**p == '.') {
        ++*p;
        f.precision = number_or_star(p, args);
    }
    for (; **p == 'l' || **p == 'z'; ++*p)
        f.wide += **p == 'l';
    return f;
}

static void put_number(struct sink *s, const struct field *f, char kind, va_list *args)
{
    char text[32];
    size_t n = 0;
    uint64_t value = f->wide > 1 ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
    if (kind == 'd' && (int)value < 0) {
        text[n++] = '-';
        value = 0u - (unsigned)value;
    }
    n += digits_of(text + n, value, kind == 'x' ? 16 : 10);
    put_field(s, f, text, n);
}

static void format(struct sink *s, const char *p, va_list *args)
{
    for (; *p != '\0'; p++) {
        if (*p != '%') {
            put(s, *p);
            continue;
        }
        p++;
        struct field f = read_field(&p, args);
        if (*p == 's')
            put_text(s, &f, va_arg(*args, const char *));
        else if (*p == 'f')
            put_double(s, &f, va_arg(*args, double));
        else if (*p == 'c')
            put(s, (char)va_arg(*args, int));
        else if (*p == 'u' || *p == 'x' || *p == 'd')
            put_number(s, &f, *p, args);
        else
            put(s, *p);
    }
}

int vfprintf(FILE *f, const char *text, va_list args)
{
    struct sink s = {.file = f};
    va_list copy;
    va_copy(copy, args);
    format(&s, text, &copy);
    va_end(copy);
    return (int)s.used;
}

int vsnprintf(char *to, size_t size, const char *text, va_list args)
{
    struct sink s = {.text = to, .size = size};
    va_list copy;
    va_copy(copy, args);
    format(&s, text, &copy);
    va_end(copy);
    if (size > 0)
        to[s.used < size ? s.used : size - 1] = '\0';
    return (int)s.used;
}

int printf(const char *text, ...)
{
    va_list args;
    va_start(args, text);
    int n = vfprintf(stdout, text, args);
    va_end(args);
    return n;
}

int fprintf(FILE *f, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    int n = vfprintf(f, text, args);
    va_end(args);
    return n;
}

int snprintf(char *to, size_t size, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    int n = vsnprintf(to, size, text, args);
    va_end(args);
    return n;
}
