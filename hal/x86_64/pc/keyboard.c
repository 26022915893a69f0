/* The i8042, polled: the keyboard port alone, its codes translated to set 1 (IBM, "PS/2 Hardware
 * Interface Technical Reference", Keyboard and Auxiliary Device Controller). */
#include "hal/machine.h"
#include "hal/x86_64/asm.h"

/* Ports, status bits, commands. */
enum { DATA = 0x60, CONTROL = 0x64 };
enum { FULL = 1, BUSY = 2, FROM_MOUSE = 0x20, GONE = 0xFF };
enum { READ_MODE = 0x20, WRITE_MODE = 0x60, MOUSE_OFF = 0xA7, KEYS_OFF = 0xAD, KEYS_ON = 0xAE };
enum { MODE_IRQS = 3, MODE_KEYS_OFF = 0x10, MODE_TRANSLATE = 0x40 };

#define ENABLE_SCANNING 0xF4u

/* A read of a port takes 100 ns at the least, so this is 10 ms or more. */
#define WAIT_READS 100000u
#define FLUSH_MAX  64u

static bool there;

/* Wait until bit `bit` of the status is `set`. */
static bool wait_for(uint8_t bit, bool set)
{
    for (unsigned i = 0; i < WAIT_READS; i++) {
        uint8_t s = asm_in8(CONTROL);
        if (s == GONE)
            return false;
        if (((s & bit) != 0) == set)
            return true;
    }
    return false;
}

static bool send(uint16_t port, uint8_t byte)
{
    if (!wait_for(BUSY, false))
        return false;
    asm_out8(port, byte);
    return true;
}

static void flush(void)
{
    for (unsigned i = 0; i < FLUSH_MAX && (asm_in8(CONTROL) & FULL) != 0; i++)
        (void)asm_in8(DATA);
}

/* Both ports off, so that the answer is the controller's; then the keyboard alone, without
 * interrupts, translated to set 1. */
static bool open_controller(void)
{
    if (!send(CONTROL, KEYS_OFF) || !send(CONTROL, MOUSE_OFF))
        return false;
    flush();
    if (!send(CONTROL, READ_MODE) || !wait_for(FULL, true))
        return false;
    uint8_t mode = asm_in8(DATA);
    mode = (uint8_t)((mode | MODE_TRANSLATE) & ~(MODE_IRQS | MODE_KEYS_OFF));
    if (!send(CONTROL, WRITE_MODE) || !send(DATA, mode) || !send(CONTROL, KEYS_ON) ||
        !send(DATA, ENABLE_SCANNING))
        return false;
    (void)wait_for(FULL, true); /* its answer; without a keyboard there is none */
    flush();
    return true;
}

bool machine_open_keyboard(void)
{
    there = open_controller();
    return there;
}

int machine_scan_code(void)
{
    uint8_t s = there ? asm_in8(CONTROL) : 0;
    if (s == GONE)
        there = false;
    if (s == GONE || (s & FULL) == 0)
        return -1;
    uint8_t code = asm_in8(DATA);
    return (s & FROM_MOUSE) != 0 ? -1 : code;
}
