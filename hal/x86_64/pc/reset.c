/* Ways to reset a PC that no table names: port CF9h, the reset control register of Intel's
 * chipsets, and the keyboard controller, which byte FEh to port 64h makes pulse the CPU's reset
 * line. */
#include "hal/machine.h"
#include "hal/short.h"
#include "hal/x86_64/asm.h"

#define RESET_CONTROL    0xCF9u
#define KEYBOARD_CONTROL 0x64u

static void by_chipset(void)
{
    asm_out8(RESET_CONTROL, 0x02); /* a hard reset it shall be */
    asm_out8(RESET_CONTROL, 0x06); /* now */
}

static void by_keyboard(void)
{
    for (unsigned i = 0; i < 10000 && (asm_in8(KEYBOARD_CONTROL) & 2u) != 0; i++)
        continue;
    asm_out8(KEYBOARD_CONTROL, 0xFE);
}

bool machine_reset(unsigned which)
{
    static void (*const ways[])(void) = {by_chipset, by_keyboard};
    if (which >= ARRAY_LEN(ways))
        return false;
    ways[which]();
    return true;
}

/* What a PC has to switch itself off stands in its tables. */
bool machine_off(unsigned which)
{
    UNUSED(which);
    return false;
}
