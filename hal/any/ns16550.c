/* The 16550 (National Semiconductor, PC16550D), at I/O ports or in memory. */
#include "hal/any/uart.h"

/* Registers of a 16550, from its first on. */
enum { DATA = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCRATCH = 7 };

#define LSR_DATA 0x01u /* a byte has come in */
#define LSR_BAD  0x1Eu /* it is damaged, or one after it was lost */
#define LSR_ROOM 0x20u /* transmitter holding register is empty */
#define LSR_GONE 0xFFu /* nothing answers at that port any more */

static struct serial_port uart;

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

bool ns16550_open(struct serial_port p)
{
    uart = p;
    if (!machine_reached(p.first))
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
    return true;
}

void ns16550_move(volatile void *at)
{
    uart.first.at = at;
}

struct uart_line ns16550_look(void)
{
    uint8_t s = get(LSR);
    struct uart_line l = {(s & LSR_ROOM) != 0, -1};
    if ((s & LSR_DATA) == 0 || s == LSR_GONE)
        return l;
    uint8_t byte = get(DATA);
    l.byte = (s & LSR_BAD) != 0 ? SERIAL_LOST : byte;
    return l;
}

void ns16550_send(uint8_t byte)
{
    set(DATA, byte);
}
