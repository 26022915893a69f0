/* The I/O APIC: an index register, and a window on the register that it names (Intel, "82093AA I/O Advanced
 * Programmable Interrupt Controller", 3.1 and 3.2). */
#include "hal/machine.h"

enum { SELECT = 0x00 / 4, WINDOW = 0x10 / 4 };
enum { VERSION = 1, ENTRIES = 0x10 };

#define MASKED 0x10000u

/* Delivery modes 0 and 1, fixed and lowest priority; the others are SMI, NMI, INIT and ExtINT. */
static bool is_device(uint32_t entry)
{
    return (entry >> 8 & 7u) <= 1;
}

unsigned machine_mask_lines(volatile void *mapped)
{
    volatile uint32_t *registers = mapped;
    unsigned masked = 0;
    registers[SELECT] = VERSION;
    uint32_t last = registers[WINDOW] >> 16 & 0xFFu;
    for (uint32_t line = 0; line <= last; line++) {
        registers[SELECT] = ENTRIES + 2 * line;
        uint32_t entry = registers[WINDOW];
        if (!is_device(entry) || (entry & MASKED) != 0)
            continue;
        registers[WINDOW] = entry | MASKED;
        masked++;
    }
    return masked;
}
