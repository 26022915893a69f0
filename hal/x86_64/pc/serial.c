#include "hal/machine.h"

/* Registers of a 16550, from its first on. */
enum { DATA = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCRATCH = 7 };

#define LSR_DATA 0x01u /* a byte has come in */
#define LSR_BAD  0x1Eu /* it is damaged, or one after it was lost */
#define LSR_ROOM 0x20u /* transmitter holding register is empty */
#define LSR_GONE 0xFFu /* nothing answers at that port any more */

/* A read of an I/O port takes about a microsecond on a PC, and never less than 100 ns; a character
 * takes 87 microseconds at 115200 baud. So this is 10 ms or more, and always comes to an end. */
#define WAIT_READS 100000u

static struct serial_port uart;
static bool there;
static bool stuck; /* given up, until something comes in */

static struct machine_register nth(unsigned which)
{
    struct machine_register r = uart.first;
    if (r.at != NULL)
        r.at = (volatile uint8_t *)r.at + which * (uart.bits / 8u);
    else
        r.port = (uint16_t)(r.port + which);
    return r;
}

static uint8_t get(unsigned which)
{
    return (uint8_t)machine_read(nth(which), uart.bits);
}

static void set(unsigned which, uint8_t value)
{
    machine_write(nth(which), uart.bits, value);
}

static bool keeps(unsigned which, uint8_t value)
{
    set(which, value);
    return get(which) == value;
}

static bool probe(void)
{
    return keeps(SCRATCH, 0x5A) && keeps(SCRATCH, 0xA5) && keeps(IER, 0x0F) && keeps(IER, 0x00);
}

bool serial_init(struct serial_port p)
{
    uart = p;
    there = stuck = false;
    if (p.kind != SERIAL_16550 || !machine_reached(p.first))
        return false;
    set(LCR, 0x03); /* divisor latch closed: the second register is IER */
    if (!probe())
        return false;
    if (p.divisor != 0) {
        set(LCR, 0x80);
        set(DATA, p.divisor);
        set(IER, 0);
    }
    set(LCR, 0x03); /* 8N1 */
    set(FCR, 0x07); /* queues on and empty */
    set(MCR, 0x03);
    there = true;
    return true;
}

#define QUEUE 512u

static uint8_t queue[QUEUE];
static uint32_t queue_in, queue_out;

/* The line status, after taking a byte in when there is one. */
static uint8_t status(void)
{
    uint8_t s = get(LSR);
    if ((s & LSR_DATA) == 0 || s == LSR_GONE)
        return s;
    uint8_t byte = get(DATA);
    stuck = false;
    if (queue_in - queue_out < QUEUE)
        queue[queue_in++ % QUEUE] = (s & LSR_BAD) != 0 ? SERIAL_LOST : byte;
    else
        queue[(queue_in - 1) % QUEUE] = SERIAL_LOST;
    return s;
}

int serial_get(void)
{
    if (there)
        status();
    return queue_in != queue_out ? queue[queue_out++ % QUEUE] : -1;
}

void serial_put(char c)
{
    if (!serial_works())
        return;
    for (unsigned reads = 0; (status() & LSR_ROOM) == 0; reads++) {
        if (reads == WAIT_READS) {
            stuck = true;
            return;
        }
    }
    set(DATA, (uint8_t)c);
}

bool serial_works(void)
{
    return there && !stuck;
}
