/* The first serial port, as the firmware has set it up, and the real-time clock (an MC146818). */
#include "shim.h"

#include "hal/x86_64/asm.h"

#define PORT 0x3f8

static void put(char c)
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

uint64_t seconds_of_day(void)
{
    uint64_t before, now = UINT64_MAX;
    do { /* until no second passes while it is read */
        before = now;
        now = clock_number(4) * 3600 + clock_number(2) * 60 + clock_number(0);
    } while (now != before);
    return now;
}

void say(const char *text)
{
    while (*text != '\0')
        put(*text++);
}

void say_hex(uint64_t number)
{
    unsigned shift = 60;
    say(" 0x");
    while (shift > 0 && number >> shift == 0)
        shift -= 4;
    for (;; shift -= 4) {
        put("0123456789abcdef"[number >> shift & 15]);
        if (shift == 0)
            break;
    }
}

void say_end(void)
{
    say("\r\n");
}

void stop(const char *sentence, uint64_t number)
{
    say("\r\nshim: stopped: ");
    say(sentence);
    say_hex(number);
    say_end();
    st->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_ABORTED, 0, NULL);
    for (;;)
        continue;
}
