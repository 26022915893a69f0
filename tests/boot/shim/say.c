/* What the shim tells, past the firmware. */
#include "arch.h"
#include "shim.h"

void say(const char *text)
{
    while (*text != '\0')
        arch_put(*text++);
}

void say_hex(uint64_t number)
{
    unsigned shift = 60;
    say(" 0x");
    while (shift > 0 && number >> shift == 0)
        shift -= 4;
    for (;; shift -= 4) {
        arch_put("0123456789abcdef"[number >> shift & 15]);
        if (shift == 0)
            break;
    }
}

void say_end(void)
{
    say("\r\n");
}

void say_seconds(void)
{
    say("shim: seconds");
    say_hex(arch_seconds());
    say_end();
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
