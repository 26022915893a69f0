/* The PL011 (Arm DDI 0183) and what the Server Base System Architecture keeps of it, the generic UART (SBSA
 * 7.2): data and flags are the same. Its rate stays as the firmware has set it. */
#include "hal/any/uart.h"

/* In words. */
enum { DATA = 0x00 / 4, FLAGS = 0x18 / 4, CONTROL = 0x30 / 4, MASK = 0x38 / 4 };

#define DATA_BAD   0xF00u /* overrun, break, parity, framing: of the byte that is read */
#define FLAG_EMPTY (1u << 4)
#define FLAG_FULL  (1u << 5)
#define FLAG_BITS  0x1FFu /* all others read as 0 */
#define CONTROL_ON 0x301u /* UARTEN, TXE, RXE */

static volatile uint32_t *uart;

bool pl011_open(struct serial_port p)
{
    volatile uint32_t *at = p.first.at;
    if (at == NULL || (at[FLAGS] & ~FLAG_BITS) != 0)
        return false;
    uart = at;
    at[MASK] = 0; /* no interrupts */
    if (p.kind == SERIAL_PL011)
        at[CONTROL] = CONTROL_ON;
    return true;
}

void pl011_move(volatile void *at)
{
    uart = at;
}

struct uart_line pl011_look(void)
{
    uint32_t flags = uart[FLAGS];
    struct uart_line l = {(flags & FLAG_FULL) == 0, -1};
    if ((flags & FLAG_EMPTY) != 0)
        return l;
    uint32_t data = uart[DATA];
    l.byte = (data & DATA_BAD) != 0 ? SERIAL_LOST : (uint8_t)data;
    return l;
}

void pl011_send(uint8_t byte)
{
    uart[DATA] = byte;
}
