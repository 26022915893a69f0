#include "kernel/monitor/console.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/serial.h"
#include "kernel/screen/display.h"
#include "kernel/monitor/keyboard.h"
#include "kernel/monitor/line.h"
#include "kernel/log/log.h"

/* The i8042: ports, status bits, commands. */
enum { DATA = 0x60, CONTROL = 0x64 };
enum { FULL = 1, BUSY = 2, FROM_MOUSE = 0x20, GONE = 0xFF };
enum { READ_MODE = 0x20, WRITE_MODE = 0x60, MOUSE_OFF = 0xA7, KEYS_OFF = 0xAD, KEYS_ON = 0xAE };
enum { MODE_IRQS = 3, MODE_KEYS_OFF = 0x10, MODE_TRANSLATE = 0x40 };

#define ENABLE_SCANNING 0xF4u

_Static_assert(LINE_LOST == SERIAL_LOST, "what the port lost must be lost to the editor");

/* A read of a port takes 100 ns at the least, so this is 10 ms or more. */
#define WAIT_READS 100000u
#define FLUSH_MAX  64u
#define BROKEN_MAX 1024u /* a device that sends without end must not hold us */

static bool started, keyboard_there;
static struct keyboard keyboard;
static struct line line;
static char typed[KEYBOARD_BYTES]; /* of the last key, those not taken yet */
static unsigned typed_count, typed_at;

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
static bool open_keyboard(void)
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

void console_start(void)
{
    if (started)
        return;
    keyboard_there = open_keyboard();
    started = true;
    LOG("console", "serial %s, keyboard controller %s", S(serial_works() ? "yes" : "no"),
        S(keyboard_there ? "yes" : "no"));
}

static void read_keyboard(void)
{
    uint8_t s = keyboard_there ? asm_in8(CONTROL) : 0;
    if (s == GONE)
        keyboard_there = false;
    if (s == GONE || (s & FULL) == 0)
        return;
    uint8_t code = asm_in8(DATA);
    typed_at = 0;
    typed_count = (s & FROM_MOUSE) != 0 ? 0 : keyboard_decode(&keyboard, code, typed);
}

/* The next byte from either, or -1. */
static int get(void)
{
    if (typed_at == typed_count)
        read_keyboard();
    return typed_at < typed_count ? (unsigned char)typed[typed_at++] : serial_get();
}

bool console_broken(void)
{
    bool broken = false;
    for (unsigned i = 0; started && i < BROKEN_MAX; i++) {
        int byte = get();
        if (byte < 0)
            break;
        broken |= byte == 3;
    }
    return broken;
}

/* What a terminal shows of the line: its text, and where its cursor stands. The log's screen knows
 * no cursor, so all that goes there begins and ends at the end of the text. */
static struct {
    char text[LINE_MAX];
    uint32_t length, cursor;
} shown;

static void put(const char *text, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        log_put(text[i]);
}

static void show(void)
{
    uint32_t same = 0;
    while (same < shown.length && same < line.length && shown.text[same] == line.text[same])
        same++;
    for (; shown.cursor < shown.length; shown.cursor++)
        serial_put(shown.text[shown.cursor]);
    for (; shown.length > same; shown.length--)
        put("\b \b", 0, 3);
    put(line.text, same, line.length);
    __builtin_memcpy(shown.text, line.text, line.length);
    shown.length = line.length;
    for (shown.cursor = line.length; shown.cursor > line.cursor; shown.cursor--)
        serial_put('\b');
    display_update();
}

/* Feed until a line ends; shown when nothing more has come in. */
static enum line_event edit(void)
{
    for (bool stale = false;;) {
        int byte = get();
        if (byte < 0) {
            if (stale)
                show();
            stale = false;
            __builtin_ia32_pause();
            continue;
        }
        enum line_event event = line_feed(&line, (unsigned char)byte);
        stale |= event == LINE_CHANGED;
        if (event > LINE_CHANGED)
            return event;
    }
}

const char *console_line(const char *prompt)
{
    static char text[LINE_MAX + 1];
    for (const char *p = prompt; *p != '\0'; p++)
        log_put(*p);
    shown.length = shown.cursor = 0;
    display_update();
    enum line_event event = edit();
    show();
    put(event == LINE_BROKEN ? "^C\r\n" : "\r\n", 0, event == LINE_BROKEN ? 4 : 2);
    if (event == LINE_REFUSED)
        LOG("monitor", "more was typed than a line of %u characters holds; nothing was done",
            U(LINE_MAX));
    __builtin_memcpy(text, line.text, line.length);
    text[event == LINE_DONE ? line.length : 0] = '\0';
    line_next(&line);
    return text;
}
