#include "hal/machine.h"
#include "hal/x86_64/asm.h"

/* Registers of a 16550, from its base port. */
enum { DATA = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCRATCH = 7 };

#define LSR_DATA 0x01u /* a byte has come in */
#define LSR_BAD  0x1Eu /* it is damaged, or one after it was lost */
#define LSR_ROOM 0x20u /* transmitter holding register is empty */
#define LSR_GONE 0xFFu /* nothing answers at that port any more */

/* A read of an I/O port takes about a microsecond on a PC, and never less than 100 ns; a character
 * takes 87 microseconds at 115200 baud. So this is 10 ms or more, and always comes to an end. */
#define WAIT_READS 100000u

static uint16_t base; /* 0: none */
static bool stuck;    /* given up, until something comes in */
static uint8_t divisor = 1;

static bool keeps(uint16_t port, uint8_t value)
{
    asm_out8(port, value);
    return asm_in8(port) == value;
}

static bool probe(uint16_t port)
{
    return keeps((uint16_t)(port + SCRATCH), 0x5A) && keeps((uint16_t)(port + SCRATCH), 0xA5) &&
           keeps((uint16_t)(port + IER), 0x0F) && keeps((uint16_t)(port + IER), 0x00);
}

void serial_set_divisor(uint8_t of_115200)
{
    divisor = of_115200;
}

bool serial_init(uint16_t port)
{
    base = 0;
    stuck = false;
    asm_out8((uint16_t)(port + LCR), 0x03); /* divisor latch closed: port + 1 is IER */
    if (!probe(port))
        return false;
    if (divisor != 0) {
        asm_out8((uint16_t)(port + LCR), 0x80);
        asm_out8((uint16_t)(port + DATA), divisor);
        asm_out8((uint16_t)(port + IER), 0);
    }
    asm_out8((uint16_t)(port + LCR), 0x03); /* 8N1 */
    asm_out8((uint16_t)(port + FCR), 0x07); /* queues on and empty */
    asm_out8((uint16_t)(port + MCR), 0x03);
    base = port;
    return true;
}

#define QUEUE 512u

static uint8_t queue[QUEUE];
static uint32_t queue_in, queue_out;

/* The line status, after taking a byte in when there is one. */
static uint8_t status(void)
{
    uint8_t s = asm_in8((uint16_t)(base + LSR));
    if ((s & LSR_DATA) == 0 || s == LSR_GONE)
        return s;
    uint8_t byte = asm_in8((uint16_t)(base + DATA));
    stuck = false;
    if (queue_in - queue_out < QUEUE)
        queue[queue_in++ % QUEUE] = (s & LSR_BAD) != 0 ? SERIAL_LOST : byte;
    else
        queue[(queue_in - 1) % QUEUE] = SERIAL_LOST;
    return s;
}

int serial_get(void)
{
    if (base != 0)
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
    asm_out8((uint16_t)(base + DATA), (uint8_t)c);
}

bool serial_works(void)
{
    return base != 0 && !stuck;
}
