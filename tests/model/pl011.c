/* The driver of an Arm board's UART (hal/any/pl011.c) with its registers in memory, which keeps what
 * is written: a UART whose transmitter always has room, or never, and whose one byte comes again and again. */
#include "hal/any/pl011.c"
#include "hal/any/serial.c"

#include "hal/short.h"
#include "tests/model/expect.h"

#include <string.h>

static uint32_t registers[SERIAL_PL011_SIZE / 4];

/* By the manual's offsets: DDI 0183, table 3-1. */
#define DR    registers[0x00 / 4]
#define FR    registers[0x18 / 4]
#define CR    registers[0x30 / 4]
#define IMSC  registers[0x38 / 4]
#define EMPTY 0x90u /* RXFE and TXFE */
#define FULL  0x30u /* RXFE and TXFF */

/* No port here is a 16550. */
bool ns16550_open(struct serial_port p)
{
    UNUSED(p);
    return false;
}

void ns16550_move(volatile void *at)
{
    UNUSED(at);
}

struct uart_line ns16550_look(void)
{
    return (struct uart_line){false, -1};
}

void ns16550_send(uint8_t byte)
{
    UNUSED(byte);
}

static bool open_as(enum serial_kind kind)
{
    return serial_init((struct serial_port){.first.at = registers, .bits = 8, .kind = kind});
}

static void what_is_believed(void)
{
    FR = EMPTY;
    EXPECT(!open_as(SERIAL_16550) && !serial_works());
    EXPECT(!serial_init((struct serial_port){.kind = SERIAL_PL011}));
    FR = 0xFFFFFFFFu; /* nothing answers there */
    EXPECT(!open_as(SERIAL_PL011) && !serial_works());
    serial_put('x');
    EXPECT(serial_get() == -1 && DR == 0);
}

static void how_it_is_set(void)
{
    FR = EMPTY;
    CR = 0xABC;
    IMSC = 0x7FF;
    EXPECT(open_as(SERIAL_SBSA) && serial_works());
    EXPECT(CR == 0xABC && IMSC == 0); /* the generic UART has no such register */
    EXPECT(open_as(SERIAL_PL011) && CR == 0x301 && IMSC == 0);
    for (size_t i = 0; i < ARRAY_LEN(registers); i++) /* the rate stays, and all else */
        EXPECT(registers[i] == 0 || i == 0x18 / 4 || i == 0x30 / 4);
}

static void bytes_go_out(void)
{
    FR = EMPTY;
    EXPECT(open_as(SERIAL_PL011));
    serial_put('m');
    EXPECT(DR == 'm' && serial_works() && serial_get() == -1);
    serial_put((char)0xE4);
    EXPECT(DR == 0xE4);
    FR = FULL;
    serial_put('n');
    EXPECT(DR == 0xE4 && !serial_works()); /* given up */
    serial_put('o');
    FR = EMPTY;
    EXPECT(DR == 0xE4 && !serial_works());
    FR = 0; /* until something comes in */
    EXPECT(serial_get() == 0xE4 && serial_works());
}

static void it_moves(void)
{
    static uint32_t other[SERIAL_PL011_SIZE / 4];
    FR = EMPTY;
    EXPECT(open_as(SERIAL_PL011) && serial_registers() == registers);
    other[0x18 / 4] = EMPTY;
    serial_move(other);
    DR = 0;
    serial_put('s');
    EXPECT(other[0] == 's' && DR == 0);
    serial_move(NULL);
    EXPECT(!serial_works() && serial_get() == -1);
}

/* More than can be kept: what does not fit is said by the last one. */
static void bytes_come_in(void)
{
    FR = EMPTY;
    EXPECT(open_as(SERIAL_PL011));
    while (serial_get() >= 0)
        continue;
    FR = FULL & ~0x10u; /* a byte is there, and no room: each look takes one */
    DR = 'a';
    serial_put('x');
    FR = EMPTY;
    unsigned count = 0, lost = 0;
    for (int c; (c = serial_get()) >= 0; count++) {
        lost += c == SERIAL_LOST;
        EXPECT(c == (count < 511 ? 'a' : SERIAL_LOST));
    }
    EXPECT(count == 512 && lost == 1);
    for (uint32_t bad = 0x100; bad <= 0x800; bad <<= 1) { /* framing, parity, break, overrun */
        FR = 0;
        DR = bad | 'b';
        EXPECT(serial_get() == SERIAL_LOST);
        FR = EMPTY;
        while (serial_get() >= 0)
            continue;
    }
}

int main(void)
{
    expect_run("only what behaves like a PL011 is believed", what_is_believed);
    expect_run("a generic UART has no control register, and the rate stays", how_it_is_set);
    expect_run("bytes go out while there is room, and later again", bytes_go_out);
    expect_run("a PL011 is followed to where it is mapped", it_moves);
    expect_run("bytes come in while output waits, and damage is said", bytes_come_in);
    return expect_total();
}
