#include "kernel/monitor/console.h"
#include "hal/cpu.h"
#include "hal/machine.h"
#include "kernel/screen/display.h"
#include "kernel/monitor/keyboard.h"
#include "kernel/monitor/line.h"
#include "kernel/log/log.h"

_Static_assert(LINE_LOST == SERIAL_LOST, "what the port lost must be lost to the editor");

#define BROKEN_MAX 1024u /* a device that sends without end must not hold us */

static bool started;
static struct keyboard keyboard;
static struct line line;
static char typed[KEYBOARD_BYTES]; /* of the last key, those not taken yet */
static unsigned typed_count, typed_at;

void console_start(void)
{
    if (started)
        return;
    bool keys = machine_open_keyboard();
    started = true;
    LOG("console", "serial %s, keyboard controller %s", S(serial_works() ? "yes" : "no"),
        S(keys ? "yes" : "no"));
}

static void read_keyboard(void)
{
    int code = machine_scan_code();
    typed_at = 0;
    typed_count = code < 0 ? 0 : keyboard_decode(&keyboard, (uint8_t)code, typed);
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

/* What a terminal shows of the line: its text, and where the cursor stands. The log on the screen
 * knows no cursor, so whatever goes there begins and ends at the end of the text. */
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

/* Feed the editor until a line ends. The line is shown whenever no more bytes are waiting. */
static enum line_event edit(void)
{
    for (bool stale = false;;) {
        int byte = get();
        if (byte < 0) {
            if (stale)
                show();
            stale = false;
            cpu_relax();
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
