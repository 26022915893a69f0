#include "kernel/monitor/keyboard.h"

#define SHIFTS 3u
#define CTRL   4u

#define KEYS 0x3Au /* scan codes of the tables below */

static const char plain[KEYS + 1] =
    "\0\0331234567890-=\b\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[KEYS + 1] =
    "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static uint8_t shift_of(uint8_t key)
{
    return key == 0x2A ? 1 : key == 0x36 ? 2 : key == 0x1D ? CTRL : 0;
}

/* The escape sequence of a key of the keypad (with Num Lock off), or of those beside it. */
static unsigned sequence(uint8_t key, char out[KEYBOARD_BYTES])
{
    static const char keys[] = "\x48" "A\x50" "B\x4D" "C\x4B" "D\x47" "H\x4F" "F\x53" "3";
    for (unsigned i = 0; i + 1 < sizeof keys; i += 2) {
        if ((uint8_t)keys[i] != key)
            continue;
        out[0] = '\033';
        out[1] = '[';
        out[2] = keys[i + 1];
        out[3] = '~';
        return key == 0x53 ? 4 : 3;
    }
    return 0;
}

static unsigned one(char c, char out[KEYBOARD_BYTES])
{
    out[0] = c;
    return c != '\0' ? 1 : 0;
}

static unsigned letter(const struct keyboard *k, uint8_t key, char out[KEYBOARD_BYTES])
{
    char c = plain[key];
    bool capital = (k->shifts & SHIFTS) != 0;
    if (c >= 'a' && c <= 'z' && (k->shifts & CTRL) != 0)
        return one((char)(c & 0x1F), out);
    if (c >= 'a' && c <= 'z' && k->caps)
        capital = !capital;
    return one(capital ? shifted[key] : c, out);
}

static unsigned pressed(struct keyboard *k, uint8_t key, bool extended, char out[KEYBOARD_BYTES])
{
    if (key == 0x3A)
        k->caps = !k->caps;
    if (extended)
        return key == 0x1C ? one('\r', out) : key == 0x35 ? one('/', out) : sequence(key, out);
    if (key < KEYS)
        return letter(k, key, out);
    return key == 0x4A ? one('-', out) : key == 0x4E ? one('+', out) : sequence(key, out);
}

unsigned keyboard_decode(struct keyboard *k, uint8_t code, char out[KEYBOARD_BYTES])
{
    bool extended = k->extended;
    uint8_t key = code & 0x7Fu;
    k->extended = code == 0xE0;
    if (code == 0xE1)
        k->skip = 2;
    else if (k->skip > 0)
        k->skip--;
    else if (code != 0xE0 && shift_of(key) != 0) {
        if (!extended || key == 0x1D) /* E0 2A and E0 36 stand for no key */
            k->shifts = (uint8_t)(code < 0x80 ? k->shifts | shift_of(key) : k->shifts & ~shift_of(key));
    } else if (code < 0x80)
        return pressed(k, key, extended, out);
    return 0;
}
