/* The PL011 (Arm DDI 0183) and what the Server Base System Architecture keeps of it, the generic UART (SBSA
 * 7.2): data and flags are the same. Its rate stays as the firmware has set it. */
#include "hal/machine.h"

/* In words. */
enum { DATA = 0x00 / 4, FLAGS = 0x18 / 4, CONTROL = 0x30 / 4, MASK = 0x38 / 4 };

#define DATA_BAD   0xF00u /* overrun, break, parity, framing: of the byte that is read */
#define FLAG_EMPTY (1u << 4)
#define FLAG_FULL  (1u << 5)
#define FLAG_BITS  0x1FFu /* all others read as 0 */
#define CONTROL_ON 0x301u /* UARTEN, TXE, RXE */

#define WAIT_READS 100000u
#define QUEUE      512u

static volatile uint32_t *uart;
static bool stuck; /* given up, until something comes in */
static uint8_t queue[QUEUE];
static uint32_t queue_in, queue_out;

bool serial_init(struct serial_port p)
{
    volatile uint32_t *at = p.first.at;
    uart = NULL;
    stuck = false;
    if (p.kind == SERIAL_16550 || at == NULL || (at[FLAGS] & ~FLAG_BITS) != 0)
        return false;
    uart = at;
    at[MASK] = 0; /* no interrupts */
    if (p.kind == SERIAL_PL011)
        at[CONTROL] = CONTROL_ON;
    return true;
}

/* The flags, after taking a byte in when there is one. */
static uint32_t flags(void)
{
    uint32_t f = uart[FLAGS];
    if ((f & FLAG_EMPTY) != 0)
        return f;
    uint32_t data = uart[DATA];
    stuck = false;
    if (queue_in - queue_out < QUEUE)
        queue[queue_in++ % QUEUE] = (data & DATA_BAD) != 0 ? SERIAL_LOST : (uint8_t)data;
    else
        queue[(queue_in - 1) % QUEUE] = SERIAL_LOST;
    return f;
}

int serial_get(void)
{
    if (uart != NULL)
        flags();
    return queue_in != queue_out ? queue[queue_out++ % QUEUE] : -1;
}

void serial_put(char c)
{
    if (!serial_works())
        return;
    for (unsigned reads = 0; (flags() & FLAG_FULL) != 0; reads++) {
        if (reads == WAIT_READS) {
            stuck = true;
            return;
        }
    }
    uart[DATA] = (uint8_t)c;
}

bool serial_works(void)
{
    return uart != NULL && !stuck;
}
