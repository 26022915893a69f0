#include "kernel/log.h"
#include "hal/hal.h"
#include "hal/x86_64/serial.h"

#define RING_SIZE 65536u /* a power of two */

struct line {
    char text[LOG_LINE];
    size_t used;
    bool cut;
};

static char ring[RING_SIZE];
static uint64_t ring_written;
static uint64_t clock_start;
static uint64_t clock_hz = 1000000000u;
static uint64_t ticks_writing;

static uint64_t to_micros(uint64_t ticks)
{
    return ticks / clock_hz * 1000000u + ticks % clock_hz * 1000000u / clock_hz;
}

uint64_t log_micros(void)
{
    return to_micros(hal_cycles() - clock_start);
}

uint64_t log_micros_writing(void)
{
    return to_micros(ticks_writing);
}

void log_set_clock(uint64_t start, uint64_t hz)
{
    clock_start = start;
    clock_hz = hz != 0 ? hz : 1000000000u;
}

static void put_char(struct line *l, char c)
{
    if (l->used < sizeof l->text)
        l->text[l->used++] = (c < ' ' || c > '~') ? '?' : c;
    else
        l->cut = true;
}

static void put_text(struct line *l, const char *s)
{
    for (const char *p = s != NULL ? s : "(none)"; *p != '\0'; p++)
        put_char(l, *p);
}

static void put_number(struct line *l, uint64_t value, unsigned base, unsigned width)
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

static void put_size(struct line *l, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;
    uint64_t scale = 1;
    while (unit + 1 < ARRAY_LEN(units) && bytes / scale >= KIB) {
        scale *= KIB;
        unit++;
    }
    put_number(l, bytes / scale, 10, 1);
    if (unit > 0) {
        put_char(l, '.');
        put_number(l, bytes % scale / (scale / KIB) * 10 / KIB, 10, 1);
    }
    put_char(l, ' ');
    put_text(l, units[unit]);
}

static void put_arg(struct line *l, char kind, const union log_arg *arg)
{
    switch (kind) {
    case 'u':
        put_number(l, arg->u, 10, 1);
        break;
    case 'x':
        put_text(l, "0x");
        put_number(l, arg->u, 16, 1);
        break;
    case 'X':
        put_text(l, "0x");
        put_number(l, arg->u, 16, 16);
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

static void put_format(struct line *l, const char *format, const union log_arg *args, size_t count)
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

static void emit(char c)
{
    ring[ring_written++ % RING_SIZE] = c;
    serial_put(c);
}

void log_line(const char *topic, const char *format, const union log_arg *args, size_t count)
{
    uint64_t begun = hal_cycles();
    uint64_t micros = log_micros();
    struct line l;
    l.used = 0;
    l.cut = false;
    put_char(&l, '[');
    put_number(&l, micros / 1000000u, 10, 1);
    put_char(&l, '.');
    put_number(&l, micros % 1000000u, 10, 6);
    put_text(&l, "] ");
    put_text(&l, topic);
    put_text(&l, ": ");
    put_format(&l, format, args, count);
    for (size_t i = 0; i < l.used; i++)
        emit(l.cut && i + 3 >= l.used ? '.' : l.text[i]);
    emit('\r');
    emit('\n');
    ticks_writing += hal_cycles() - begun;
}

void log_open_serial(uint16_t port)
{
    if (port == 0 || !serial_init(port))
        return;
    uint64_t from = ring_written > RING_SIZE ? ring_written - RING_SIZE : 0;
    for (uint64_t i = from; i < ring_written; i++)
        serial_put(ring[i % RING_SIZE]);
}
