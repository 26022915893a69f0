#include "kernel/log/format.h"
#include "hal/short.h"

static void put_char(struct format_line *l, char c)
{
    if (l->used < sizeof l->text)
        l->text[l->used++] = (c < ' ' || c > '~') ? '?' : c;
    else
        l->cut = true;
}

static void put_text(struct format_line *l, const char *s)
{
    for (const char *p = s != NULL ? s : "(none)"; *p != '\0'; p++)
        put_char(l, *p);
}

void format_number(struct format_line *l, uint64_t value, unsigned base, unsigned width)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (n < width)
        digits[n++] = '0';
    while (n > 0)
        put_char(l, digits[--n]);
}

static void put_size(struct format_line *l, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;
    uint64_t scale = 1;
    while (unit + 1 < ARRAY_LEN(units) && bytes / scale >= KIB) {
        scale *= KIB;
        unit++;
    }
    format_number(l, bytes / scale, 10, 1);
    if (unit > 0) {
        put_char(l, '.');
        format_number(l, bytes % scale * 10 / scale, 10, 1); /* below 2^54 */
    }
    put_char(l, ' ');
    put_text(l, units[unit]);
}

static void put_arg(struct format_line *l, char kind, const union log_arg *arg)
{
    switch (kind) {
    case 'u':
        format_number(l, arg->u, 10, 1);
        break;
    case 'x':
        put_text(l, "0x");
        format_number(l, arg->u, 16, 1);
        break;
    case 'X':
        put_text(l, "0x");
        format_number(l, arg->u, 16, 16);
        break;
    case 'h':
        put_size(l, arg->u);
        break;
    case 's':
        put_text(l, arg->s);
        break;
    default:
        put_char(l, kind);
    }
}

void format_add(struct format_line *l, const char *format, const union log_arg *args, size_t count)
{
    size_t next = 0;
    for (const char *p = format; *p != '\0'; p++) {
        if (*p != '%' || p[1] == '\0') {
            put_char(l, *p);
            continue;
        }
        p++;
        if (*p == '%')
            put_char(l, '%');
        else if (next < count)
            put_arg(l, *p, &args[next++]);
        else
            put_text(l, "(missing)");
    }
}
