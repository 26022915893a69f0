/* The I/O APIC and the timer, as a firmware leaves them that is still listening (Intel, "82093AA I/O
 * Advanced Programmable Interrupt Controller", 3.2; "8254 Programmable Interval Timer"). */
#include "hal/x86_64/asm.h"
#include "tests/boot/shim/shim.h"
#include "tests/boot/shim/x86_64/pc.h"

#define IO_APIC 0xFEC00000u
#define ENTRIES 0x10u
#define VECTOR  0x60u /* fixed delivery to CPU 0, open */

#define TIMER_COMMAND 0x43u
#define TIMER_0       0x40u
#define PERIODIC      0x34u /* counter 0, both bytes, mode 2 */
#define MILLISECOND   1193u /* ticks */

static void open_line(uint32_t line)
{
    volatile uint32_t *select = (volatile uint32_t *)(uintptr_t)IO_APIC, *window = select + 4;
    *select = ENTRIES + 2 * line + 1;
    *window = 0;
    *select = ENTRIES + 2 * line;
    *window = VECTOR + line;
}

/* The timer is at line 2, the real-time clock at line 8. */
void lines_open(void)
{
    if (config.lines == 0)
        return;
    open_line(2);
    open_line(8);
    asm_out8(TIMER_COMMAND, PERIODIC);
    asm_out8(TIMER_0, MILLISECOND & 0xFF);
    asm_out8(TIMER_0, MILLISECOND >> 8);
}
