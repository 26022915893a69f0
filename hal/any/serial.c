#include "hal/any/uart.h"

/* A read of a register takes about a microsecond on a PC, and never less than 100 ns; a character takes 87
 * microseconds at 115200 baud. So this is 10 ms or more, and always comes to an end. */
#define WAIT_READS 100000u
#define QUEUE      512u

static enum serial_kind uart_kind;
static volatile void *lies_at; /* NULL: at I/O ports, or there is none */
static bool there;
static bool stuck; /* given up, until something comes in */

static uint8_t queue[QUEUE];
static uint32_t queue_in, queue_out;

bool serial_init(struct serial_port p)
{
    uart_kind = p.kind;
    stuck = false;
    there = uart_kind == SERIAL_16550 ? ns16550_open(p) : pl011_open(p);
    lies_at = there ? p.first.at : NULL;
    return there;
}

volatile void *serial_registers(void)
{
    return lies_at;
}

void serial_move(volatile void *at)
{
    lies_at = at;
    there = there && at != NULL;
    if (uart_kind == SERIAL_16550)
        ns16550_move(at);
    else
        pl011_move(at);
}

static struct uart_line look(void)
{
    struct uart_line l = uart_kind == SERIAL_16550 ? ns16550_look() : pl011_look();
    if (l.byte < 0)
        return l;
    stuck = false;
    if (queue_in - queue_out < QUEUE)
        queue[queue_in++ % QUEUE] = (uint8_t)l.byte;
    else
        queue[(queue_in - 1) % QUEUE] = SERIAL_LOST;
    return l;
}

int serial_get(void)
{
    if (there)
        look();
    return queue_in != queue_out ? queue[queue_out++ % QUEUE] : -1;
}

void serial_put(char c)
{
    if (!serial_works())
        return;
    for (unsigned reads = 0; !look().room; reads++) {
        if (reads == WAIT_READS) {
            stuck = true;
            return;
        }
    }
    if (uart_kind == SERIAL_16550)
        ns16550_send((uint8_t)c);
    else
        pl011_send((uint8_t)c);
}

bool serial_works(void)
{
    return there && !stuck;
}
