#include "kernel/log/log.h"
#include "hal/hal.h"
#include "kernel/log/keep.h"

#define RING_SIZE 65536u /* a power of two */

static char ring[RING_SIZE];
static uint64_t ring_written;
static uint64_t clock_start;
static uint64_t clock_hz = 1000000000u;
static uint64_t ticks_writing;
static void (*listener)(void);

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

void log_put(char c)
{
    ring[ring_written++ % RING_SIZE] = c;
    keep_put(c);
    serial_put(c);
}

/* Held while a line is written, so that lines stay whole. A function that another CPU calls here
 * (kernel/cpus/calls.h) must not log. */
static struct hal_lock lock;

void log_line(const char *topic, const char *format, const union log_arg *args, size_t count)
{
    hal_irq_t irq = hal_irq_save();
    hal_lock(&lock);
    uint64_t begun = hal_cycles();
    uint64_t micros = log_micros();
    struct format_line l;
    l.used = 0;
    l.cut = false;
    FORMAT(&l, "[%u.", U(micros / 1000000u));
    format_number(&l, micros % 1000000u, 10, 6);
    FORMAT(&l, "] %s: ", S(topic));
    format_add(&l, format, args, count);
    for (size_t i = 0; i < l.used; i++)
        log_put(l.cut && i + 3 >= l.used ? '.' : l.text[i]);
    log_put('\r');
    log_put('\n');
    keep_line();
    ticks_writing += hal_cycles() - begun;
    if (listener != NULL)
        listener();
    hal_unlock(&lock);
    hal_irq_restore(irq);
}

void log_on_line(void (*told)(void))
{
    listener = told;
}

uint64_t log_written(void)
{
    return ring_written;
}

uint64_t log_oldest(void)
{
    return ring_written > RING_SIZE ? ring_written - RING_SIZE : 0;
}

char log_char(uint64_t position)
{
    return ring[position % RING_SIZE];
}

void log_open_serial(struct serial_port port)
{
    if (!serial_init(port))
        return;
    for (uint64_t i = log_oldest(); i < ring_written; i++)
        serial_put(log_char(i));
}
