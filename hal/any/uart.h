/* hal/any/uart.h: the two UARTs that hal/any/serial.c drives. Each knows one port, opened last. Context: as
 * hal/machine.h. */
#ifndef HAL_ANY_UART_H
#define HAL_ANY_UART_H

#include "hal/machine.h"

struct uart_line {
    bool room; /* for a byte to be sent */
    int byte;  /* that has come in, and is taken now; SERIAL_LOST: damaged; -1: none */
};

/* As serial_init(); the port must be of this kind. False: the others must not be called. */
bool ns16550_open(struct serial_port);
bool pl011_open(struct serial_port);

/* Its registers lie there now. */
void ns16550_move(volatile void *);
void pl011_move(volatile void *);

struct uart_line ns16550_look(void);
struct uart_line pl011_look(void);

void ns16550_send(uint8_t byte);
void pl011_send(uint8_t byte);

#endif
