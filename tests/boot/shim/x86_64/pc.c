/* The first serial port, the real-time clock (an MC146818), and when a PC's tricks are played. */
#include "hal/x86_64/asm.h"
#include "tests/boot/shim/arch.h"
#include "tests/boot/shim/shim.h"
#include "tests/boot/shim/x86_64/pc.h"

#define PORT     0x3f8
#define EFER     0xc0000080u
#define EFER_NXE 0x800u

void arch_put(char c)
{
    for (unsigned i = 0; i < 100000 && (asm_in8(PORT + 5) & 0x20) == 0; i++)
        continue;
    asm_out8(PORT, (uint8_t)c);
}

static uint8_t read_clock(uint8_t index)
{
    asm_out8(0x70, index);
    return asm_in8(0x71);
}

/* In BCD and 24 hours, as QEMU has it. */
static uint64_t clock_number(uint8_t index)
{
    uint8_t value = read_clock(index);
    return (uint64_t)(value >> 4) * 10 + (value & 15);
}

uint64_t arch_seconds(void)
{
    uint64_t before, now = UINT64_MAX;
    do { /* until no second passes while it is read */
        before = now;
        now = clock_number(4) * 3600 + clock_number(2) * 60 + clock_number(0);
    } while (now != before);
    return now;
}

void arch_begin(void)
{
    if (config.gicc != 0)
        stop("an Arm board's trick is asked for, and this is none", 0);
    caching_change();
    gdt_move();
    if (config.protect != 0)
        asm_wrmsr(EFER, asm_rdmsr(EFER) | EFER_NXE);
}

void arch_after_exit(void)
{
    lines_open();
}
