/* What a person types: the line editor, the reader of commands, the keyboard's scan codes.
 *
 * needs: kernel/monitor/line.c kernel/monitor/command.c kernel/monitor/keyboard.c kernel/log/format.c
 */
#include "hal/short.h"
#include "kernel/monitor/command.h"
#include "kernel/monitor/keyboard.h"
#include "kernel/monitor/line.h"
#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

static struct line line;

static void fresh(void)
{
    memset(&line, 0, sizeof line);
}

/* Feed text; what the last byte of it did. */
static enum line_event feed(const char *text)
{
    enum line_event event = LINE_NOTHING;
    for (const char *p = text; *p != '\0'; p++)
        event = line_feed(&line, (unsigned char)*p);
    return event;
}

/* Typed into an empty line and ended, this comes out. */
static bool gives(const char *typed, const char *text)
{
    bool good = feed(typed) < LINE_DONE && feed("\r") == LINE_DONE && strcmp(line.text, text) == 0 &&
                line.length == strlen(text);
    if (!good)
        printf("  \"%s\" and not \"%s\"\n", line.text, text);
    line_next(&line);
    return good;
}

#define UP    "\033[A"
#define DOWN  "\033[B"
#define RIGHT "\033[C"
#define LEFT  "\033[D"

static void editing(void)
{
    fresh();
    EXPECT(gives("help", "help"));
    EXPECT(gives("ab" LEFT "X", "aXb"));
    EXPECT(gives("ab" LEFT LEFT LEFT "X" RIGHT RIGHT RIGHT RIGHT "Y", "XabY"));
    EXPECT(gives("ab\x02X\x06Y", "aXbY"));
    EXPECT(gives("abc\x7F\b", "a"));
    EXPECT(gives("\x7F\b\x04\x15\x0B\x17", ""));
    EXPECT(gives("bc\x01" "a\x05" "d", "abcd"));
    EXPECT(gives("bc\033[Ha\033[Fd", "abcd"));
    EXPECT(gives("bc\033[1~a\033[4~d", "abcd"));
    EXPECT(gives("bc\033[7~a\033[8~d", "abcd"));
    EXPECT(gives("bc\033OHa\033OFd", "abcd"));
    EXPECT(gives("abc\x01\x04\033[3~", "c"));
    EXPECT(gives("abcd" LEFT LEFT "\x0B", "ab"));
    EXPECT(gives("abcd" LEFT LEFT "\x15", "cd"));
    EXPECT(gives("one two  \x17three", "one three"));
    EXPECT(gives("one two" LEFT "\x17", "one o"));
    EXPECT(gives("  \x17", ""));
}

static void passed_over(void)
{
    fresh();
    EXPECT(gives("a\x01\x1C\x1D\x1E\x1F\x05\t\x0C" "b", "ab"));
    EXPECT(gives("a\x80\xFE\xFF" "b", "ab"));
    EXPECT(line_feed(&line, 0) == LINE_CHANGED && line.length == 0);
    EXPECT(gives("a\033" "b" "c", "ac"));        /* Alt-b */
    EXPECT(gives("a\033[15~" "c", "ac"));        /* F5 */
    EXPECT(gives("a\033[1;5D" "b", "ba"));       /* Ctrl-Left */
    EXPECT(gives("a\033[33333333333333333333~b", "ab")); /* no number of ours, however large */
    EXPECT(gives("a\033[259~b", "ab"));          /* 3 modulo 256 */
    EXPECT(gives("a\033[263~b", "ab"));          /* 7 modulo 256 */
    EXPECT(gives("a\033[?25hb\033[@c", "abc"));
    EXPECT(gives("a\033\033[Db", "ba"));
}

/* A sequence that breaks off eats no more than what belongs to it, and never the end of a line. */
static void cut_short(void)
{
    static const char *const starts[] = {"\033", "\033[", "\033[3", "\033[1;", "\033O", "\033\033"};
    for (unsigned i = 0; i < ARRAY_LEN(starts); i++) {
        fresh();
        EXPECT(feed("ab") == LINE_CHANGED);
        EXPECT(feed(starts[i]) == LINE_NOTHING);
        EXPECT(feed("\r") == LINE_DONE && strcmp(line.text, "ab") == 0);
        line_next(&line);
        EXPECT(gives("help", "help"));
        EXPECT(feed("ab") == LINE_CHANGED && feed(starts[i]) == LINE_NOTHING);
        EXPECT(feed("\x03") == LINE_BROKEN);
        line_next(&line);
        EXPECT(gives("help", "help"));
    }
}

static void ends(void)
{
    fresh();
    EXPECT(feed("one\r") == LINE_DONE);
    line_next(&line);
    EXPECT(feed("\n") == LINE_NOTHING); /* of the "\r\n" */
    EXPECT(feed("\n") == LINE_DONE && line.length == 0);
    line_next(&line);
    EXPECT(feed("two\n") == LINE_DONE && strcmp(line.text, "two") == 0);
    line_next(&line);
    EXPECT(feed("\r") == LINE_DONE);
    line_next(&line);
    EXPECT(feed("\r") == LINE_DONE);
}

static void too_long(void)
{
    char full[LINE_MAX + 1] = {0};
    memset(full, 'x', LINE_MAX);
    fresh();
    EXPECT(gives(full, full));
    EXPECT(feed(full) == LINE_CHANGED && feed("y") == LINE_CHANGED && line.length == LINE_MAX);
    EXPECT(feed("\x15help") == LINE_CHANGED && feed("\r") == LINE_REFUSED);
    line_next(&line);
    EXPECT(gives("help", "help"));
    EXPECT(feed("poweroff") == LINE_CHANGED && line_feed(&line, LINE_LOST) == LINE_CHANGED);
    EXPECT(feed("\r") == LINE_REFUSED);
    line_next(&line);
    EXPECT(gives("\x10", "help")); /* what was refused is not remembered */
    EXPECT(feed("poweroff\x03") == LINE_BROKEN);
    line_next(&line);
    EXPECT(gives(UP, "help")); /* nor is what was broken off */
}

static void history(void)
{
    fresh();
    EXPECT(gives(UP DOWN UP UP, ""));
    EXPECT(gives("first", "first"));
    EXPECT(gives("second", "second"));
    EXPECT(gives(UP, "second"));
    EXPECT(gives(UP UP, "first")); /* the same line twice is remembered once */
    EXPECT(gives("", ""));
    EXPECT(gives(UP, "first"));
    EXPECT(gives("mine" UP UP DOWN DOWN, "mine"));
    EXPECT(gives("mine" UP DOWN DOWN "!", "mine!"));
    EXPECT(gives(UP "?", "mine!?"));
    EXPECT(gives(UP UP UP "\x15" "changed" DOWN UP, "mine"));
}

static void history_is_a_ring(void)
{
    char text[8];
    fresh();
    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "n%u", i);
        EXPECT(gives(text, text));
        char ups[3 * (LINE_HISTORY + 4) + 1] = "";
        unsigned kept = i + 1 < LINE_HISTORY ? i + 1 : LINE_HISTORY;
        for (unsigned back = 1; back <= LINE_HISTORY + 3; back++) {
            strcat(ups, UP);
            unsigned which = back < kept ? back : kept;
            snprintf(text, sizeof text, "n%u", i + 1 - which);
            feed(ups);
            EXPECT(strcmp(line.text, text) == 0);
            feed("\x03");
            line_next(&line);
        }
    }
}

/* ---- commands ---- */

static unsigned ran;

static void run(const struct command_call *call)
{
    UNUSED(call);
    ran++;
}

static const struct command commands[] = {
    {"plain", run},
    {"alloc PAGES [dma|dma32|zero] - take pages", run},
    {"allot FIRST SECOND THIRD", run},
    {"maybe [ONE] [TWO] - or not", run},
};

static struct command_call call;
static struct format_line wrong;

/* Which command a line is, by its row; -1: none. */
static int find(const char *text)
{
    const struct command *c = command_find(commands, ARRAY_LEN(commands), text, &call, &wrong);
    return c != NULL ? (int)(c - commands) : -1;
}

static bool said(const char *text)
{
    return strlen(text) == wrong.used && memcmp(text, wrong.text, wrong.used) == 0;
}

static void commands_found(void)
{
    EXPECT(find("plain") == 0 && call.given == 0);
    EXPECT(find("   plain   ") == 0 && call.given == 0);
    EXPECT(find("alloc 7") == 1 && call.given == 1 && call.value[0] == 7 && call.value[1] == 0);
    EXPECT(find("alloc 7 dma") == 1 && call.given == 2 && call.value[1] == 1);
    EXPECT(find("alloc 7 dma32") == 1 && call.value[1] == 2);
    EXPECT(find(" alloc  0x10   zero ") == 1 && call.value[0] == 16 && call.value[1] == 3);
    EXPECT(find("allot 1 2 3") == 2 && call.given == 3 && call.value[2] == 3);
    EXPECT(find("maybe") == 3 && call.given == 0);
    EXPECT(find("maybe 5") == 3 && call.given == 1 && call.value[0] == 5);
    EXPECT(find("maybe 5 6") == 3 && call.given == 2 && call.value[1] == 6);
    EXPECT(ran == 0);
}

static void numbers(void)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},
                {"00000000000000000000000000000012", 12},
                {"18446744073709551615", UINT64_MAX},
                {"0xffffffffffffffff", UINT64_MAX},
                {"0XFFFFFFFFFFFFFFFF", UINT64_MAX},
                {"0x00000000000000000000deadBEEF", 0xDEADBEEFu},
                {"0x8000000000000000", (uint64_t)1 << 63}};
    static const char *const bad[] = {
        "18446744073709551616", "18446744073709551620", "99999999999999999999", "184467440737095516150",
        "0x10000000000000000",  "-1",  "+1", "1.5", "0x", "x", "0xg", "1e3", "12a", "a", "0x-1",
        "dma", "'1'", "1,", "0b1", "1:", "1/", "@", "0x1@", "0x1:", "0x1G", "0x1`"};
    for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
        char text[80];
        snprintf(text, sizeof text, "alloc %s", good[i].text);
        EXPECT(find(text) == 1 && call.given == 1 && call.value[0] == good[i].value);
    }
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        char text[80], answer[200];
        snprintf(text, sizeof text, "alloc %s", bad[i]);
        snprintf(answer, sizeof answer,
                 "\"%s\" does not fit (numbers are decimal, or 0x and hexadecimal); usage: %s", bad[i],
                 commands[1].usage);
        EXPECT(find(text) == -1 && said(answer));
    }
}

static void nonsense(void)
{
    EXPECT(find("") == -1 && said(""));
    EXPECT(find("      ") == -1 && said(""));
    EXPECT(find("x") == -1 && said("\"x\" is not a command; help lists the commands"));
    EXPECT(find("%s%n") == -1 && said("\"%s%n\" is not a command; help lists the commands"));
    EXPECT(find("plai") == -1 && find("plainx") == -1 && find("PLAIN") == -1 && find("-") == -1);
    EXPECT(find("abcdefghijabcdefghijabcdefghijab") == -1 &&
           said("\"abcdefghijabcdefghijabcdefghija...\" is not a command; help lists the commands"));
    EXPECT(find("plain 1") == -1 && said("too many arguments; usage: plain"));
    EXPECT(find("plain -") == -1 && said("too many arguments; usage: plain"));
    EXPECT(find("alloc") == -1 &&
           said("an argument is missing; usage: alloc PAGES [dma|dma32|zero] - take pages"));
    EXPECT(find("alloc 1 dma 2") == -1 &&
           said("too many arguments; usage: alloc PAGES [dma|dma32|zero] - take pages"));
    EXPECT(find("allot 1 2") == -1 && said("an argument is missing; usage: allot FIRST SECOND THIRD"));
    EXPECT(find("allot 1 2 3 4") == -1 && said("too many arguments; usage: allot FIRST SECOND THIRD"));
    EXPECT(find("maybe 1 2 3") == -1);
    static const char *const none[] = {"alloc 1 dm", "alloc 1 dma3", "alloc 1 |", "alloc 1 dma|dma32",
                                       "alloc 1 [dma", "alloc 1 zero]", "alloc 1 DMA", "alloc 1 1",
                                       "alloc dma 1"};
    for (unsigned i = 0; i < ARRAY_LEN(none); i++)
        EXPECT(find(none[i]) == -1 && wrong.used > 0);
}

/* ---- keys ---- */

static struct keyboard keyboard;

/* Scan codes, and what they type. */
static bool types(const uint8_t *codes, size_t count, const char *text)
{
    char all[200];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        char out[KEYBOARD_BYTES];
        unsigned n = keyboard_decode(&keyboard, codes[i], out);
        memcpy(all + used, out, n);
        used += n;
    }
    bool good = used == strlen(text) && memcmp(all, text, used) == 0;
    if (!good)
        printf("  \"%.*s\" and not \"%s\"\n", (int)used, all, text);
    return good;
}

#define TYPES(text, ...)                                                                           \
    types((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), text)

/* The rows of a US keyboard, left to right, and the scan code of their first key: from the table of
 * scan codes of the IBM PC/AT. */
static void rows_of_keys(void)
{
    static const struct {
        uint8_t first;
        const char *plain, *shifted;
    } rows[] = {{0x02, "1234567890-=", "!@#$%^&*()_+"},
                {0x10, "qwertyuiop[]", "QWERTYUIOP{}"},
                {0x1E, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
                {0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
                {0x37, "*", "*"},
                {0x39, " ", " "}};
    for (unsigned r = 0; r < ARRAY_LEN(rows); r++) {
        for (unsigned i = 0; rows[r].plain[i] != '\0'; i++) {
            uint8_t code = (uint8_t)(rows[r].first + i);
            char plain[2] = {rows[r].plain[i], 0}, shifted[2] = {rows[r].shifted[i], 0};
            keyboard = (struct keyboard){.shifts = 0};
            EXPECT(TYPES(plain, code, code | 0x80));
            EXPECT(TYPES(shifted, 0x2A, code, code | 0x80, 0xAA));
            EXPECT(TYPES(shifted, 0x36, code, code | 0x80, 0xB6));
            EXPECT(TYPES(plain, code));
        }
    }
    EXPECT(TYPES("\033\b\t\r", 0x01, 0x0E, 0x0F, 0x1C));
}

static void shifts(void)
{
    keyboard = (struct keyboard){.shifts = 0};
    EXPECT(TYPES("aA1a!", 0x1E, 0x3A, 0xBA, 0x1E, 0x02, 0x2A, 0x1E, 0x02, 0xAA));
    EXPECT(TYPES("a", 0x3A, 0xBA, 0x1E));
    EXPECT(TYPES("AAa", 0x2A, 0x36, 0x1E, 0xAA, 0x1E, 0xB6, 0x1E)); /* both, then one, then none */
    EXPECT(TYPES("\x03\x15\x1A\x01", 0x1D, 0x2E, 0x16, 0x2C, 0x1E, 0x9D)); /* Ctrl-C, -U, -Z, -A */
    EXPECT(TYPES("\x03" "c", 0xE0, 0x1D, 0x2E, 0xE0, 0x9D, 0x2E));   /* the right Ctrl */
    EXPECT(TYPES("\x03", 0x1D, 0x2A, 0x2E, 0xAA, 0x9D));
    EXPECT(TYPES("c", 0x38, 0xB8, 0xE0, 0x38, 0xE0, 0xB8, 0x2E)); /* Alt is nothing */
}

static void other_keys(void)
{
    keyboard = (struct keyboard){.shifts = 0};
    EXPECT(TYPES("\033[A\033[B\033[C\033[D", 0xE0, 0x48, 0xE0, 0xC8, 0xE0, 0x50, 0xE0, 0xD0, 0xE0,
                 0x4D, 0xE0, 0xCD, 0xE0, 0x4B, 0xE0, 0xCB));
    EXPECT(TYPES("\033[H\033[F\033[3~", 0xE0, 0x47, 0xE0, 0x4F, 0xE0, 0x53));
    EXPECT(TYPES("\033[A\033[3~", 0x48, 0x53)); /* the keypad's */
    EXPECT(TYPES("\r/-+*", 0xE0, 0x1C, 0xE0, 0x35, 0x4A, 0x4E, 0x37));
    /* With Num Lock the grey keys come in false shifts. */
    EXPECT(TYPES("\033[Aa", 0xE0, 0x2A, 0xE0, 0x48, 0xE0, 0xC8, 0xE0, 0xAA, 0x1E));
    EXPECT(TYPES("aa", 0xE0, 0x2A, 0x1E, 0xE0, 0xB6, 0xE0, 0x36, 0x1E, 0xE0, 0xB6));
    EXPECT(TYPES("", 0xE0, 0x2A, 0xE0, 0x37, 0xE0, 0xB7, 0xE0, 0xAA)); /* Print Screen */
    /* Pause: its 1D is no Ctrl. */
    EXPECT(TYPES("c", 0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5, 0x2E));
    EXPECT(TYPES("c", 0xE1, 0x1D, 0x45, 0x2E));
    EXPECT(TYPES("", 0x3B, 0x44, 0x57, 0x58, 0x45, 0x46, 0xE0, 0x5B, 0xE0, 0x5D, 0x4C));
}

/* Nothing typed by what is no key; and after whatever nonsense, all keys up, it types as before. */
static void rubbish(void)
{
    keyboard = (struct keyboard){.shifts = 0};
    EXPECT(TYPES("", 0x00, 0xFF, 0xFA, 0xFE, 0xEE, 0xFC, 0xAA, 0x7F, 0x60, 0xF0, 0xF1, 0xE2));
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        char out[KEYBOARD_BYTES];
        unsigned n = keyboard_decode(&keyboard, (uint8_t)(rand() >> 5), out);
        EXPECT(n <= KEYBOARD_BYTES);
        for (unsigned j = 0; j < n; j++)
            EXPECT(out[j] > 0);
    }
    keyboard.caps = false;
    EXPECT(TYPES("a", 0x80, 0x80, 0x80, 0xAA, 0xB6, 0x9D, 0x1E));
}

int main(void)
{
    expect_run("a line is edited by the keys of a terminal", editing);
    expect_run("bytes that mean nothing are passed over", passed_over);
    expect_run("a sequence cut short does no harm", cut_short);
    expect_run("CR, LF and CR LF end one line", ends);
    expect_run("a line of which something was lost is refused, and forgotten", too_long);
    expect_run("lines are remembered, and the one begun comes back", history);
    expect_run("the last lines are kept, and no more", history_is_a_ring);
    expect_run("commands are found with their arguments", commands_found);
    expect_run("numbers are decimal or hexadecimal, below 2^64", numbers);
    expect_run("nonsense gets a sentence", nonsense);
    expect_run("each key types what stands on it", rows_of_keys);
    expect_run("Shift, Ctrl and Caps Lock do what they do", shifts);
    expect_run("the other keys type what a terminal sends", other_keys);
    expect_run("rubbish does no harm", rubbish);
    return expect_total();
}
