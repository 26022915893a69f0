#include "kernel/monitor/line.h"

enum { PLAIN, AFTER_CR, ESCAPE, SEQUENCE };

#define CTRL(letter) ((unsigned char)(letter) & 0x1Fu)
#define NO_KEY       0u

static void copy_text(char *to, const char *from)
{
    __builtin_memcpy(to, from, LINE_MAX + 1);
}

static uint32_t length_of(const char *text)
{
    uint32_t n = 0;
    while (text[n] != '\0')
        n++;
    return n;
}

static bool same(const char *a, const char *b)
{
    uint32_t n = length_of(a);
    return n == length_of(b) && __builtin_memcmp(a, b, n) == 0;
}

/* Remove the characters [from, to). */
static void cut(struct line *l, uint32_t from, uint32_t to)
{
    for (uint32_t i = to; i <= l->length; i++)
        l->text[from + i - to] = l->text[i];
    l->length -= to - from;
    l->cursor = from;
}

static void insert(struct line *l, char c)
{
    if (l->length == LINE_MAX) {
        l->lost = true;
        return;
    }
    for (uint32_t i = ++l->length; i > l->cursor; i--)
        l->text[i] = l->text[i - 1];
    l->text[l->cursor++] = c;
}

static uint32_t word_start(const struct line *l)
{
    uint32_t at = l->cursor;
    while (at > 0 && l->text[at - 1] == ' ')
        at--;
    while (at > 0 && l->text[at - 1] != ' ')
        at--;
    return at;
}

/* Put the line that was kept `back` lines ago into `text`; 0 is the line that was begun. */
static void look(struct line *l, uint32_t back)
{
    uint32_t kept = l->entered < LINE_HISTORY ? l->entered : LINE_HISTORY;
    if (back > kept)
        return;
    if (l->back == 0)
        copy_text(l->kept[LINE_HISTORY], l->text);
    l->back = back;
    copy_text(l->text, l->kept[back == 0 ? LINE_HISTORY : (l->entered - back) % LINE_HISTORY]);
    l->length = length_of(l->text);
    l->cursor = l->length;
}

/* The control character that does what an escape sequence asks for. */
static unsigned char key_of(unsigned char last, uint8_t parameter)
{
    static const char from[] = "ABCDHF";
    static const char to[] = "PNFBAE";
    for (unsigned i = 0; from[i] != '\0'; i++)
        if ((unsigned char)from[i] == last)
            return CTRL(to[i]);
    if (last != '~')
        return NO_KEY;
    return parameter == 3                     ? CTRL('D')
           : parameter == 1 || parameter == 7 ? CTRL('A')
           : parameter == 4 || parameter == 8 ? CTRL('E')
                                              : NO_KEY;
}

static void edit(struct line *l, unsigned char key)
{
    if (key == CTRL('A'))
        l->cursor = 0;
    else if (key == CTRL('E'))
        l->cursor = l->length;
    else if (key == CTRL('U'))
        cut(l, 0, l->cursor);
    else if (key == CTRL('W'))
        cut(l, word_start(l), l->cursor);
    else if (key == CTRL('K'))
        cut(l, l->cursor, l->length);
    else if (key == CTRL('P'))
        look(l, l->back + 1);
    else if (key == CTRL('N') && l->back > 0)
        look(l, l->back - 1);
}

static void step(struct line *l, unsigned char key)
{
    if (key == CTRL('B') && l->cursor > 0)
        l->cursor--;
    else if (key == CTRL('F') && l->cursor < l->length)
        l->cursor++;
    else if (key == CTRL('D') && l->cursor < l->length)
        cut(l, l->cursor, l->cursor + 1);
    else if (key == CTRL('H') && l->cursor > 0)
        cut(l, l->cursor - 1, l->cursor);
    else
        edit(l, key);
}

static enum line_event finish(struct line *l, unsigned char byte)
{
    l->state = byte == '\r' ? AFTER_CR : PLAIN;
    return l->lost ? LINE_REFUSED : LINE_DONE;
}

static enum line_event press(struct line *l, unsigned char byte)
{
    l->state = PLAIN;
    if (byte == '\r' || byte == '\n')
        return finish(l, byte);
    if (byte == CTRL('C')) {
        l->lost = true;
        return LINE_BROKEN;
    }
    if (byte == 0x1B) {
        l->state = ESCAPE;
        return LINE_NOTHING;
    }
    if (byte == LINE_LOST)
        l->lost = true;
    if (byte >= ' ' && byte <= '~')
        insert(l, (char)byte);
    else
        step(l, byte == 127 ? CTRL('H') : byte);
    return LINE_CHANGED;
}

/* In an escape sequence: bytes below '@' belong to it, and any other byte ends it. */
static enum line_event in_sequence(struct line *l, unsigned char byte)
{
    if (byte >= '0' && byte <= '9')
        l->parameter = (uint8_t)(l->parameter < 20 ? l->parameter * 10 + (byte - '0') : 200);
    if (byte < '@')
        return LINE_NOTHING;
    l->state = PLAIN;
    step(l, key_of(byte, l->parameter));
    return LINE_CHANGED;
}

static enum line_event after_escape(struct line *l, unsigned char byte)
{
    l->state = byte == '[' || byte == 'O' ? SEQUENCE : PLAIN;
    l->parameter = 0;
    return LINE_NOTHING;
}

enum line_event line_feed(struct line *l, unsigned char byte)
{
    bool printable = byte >= ' ' && byte <= '~';
    if (l->state == AFTER_CR && byte == '\n') {
        l->state = PLAIN;
        return LINE_NOTHING;
    }
    if (l->state < ESCAPE || !printable)
        return press(l, byte);
    return l->state == ESCAPE ? after_escape(l, byte) : in_sequence(l, byte);
}

void line_next(struct line *l)
{
    const char *last = l->kept[(l->entered + LINE_HISTORY - 1) % LINE_HISTORY];
    if (l->length > 0 && !l->lost && (l->entered == 0 || !same(last, l->text)))
        copy_text(l->kept[l->entered++ % LINE_HISTORY], l->text);
    l->length = l->cursor = l->back = 0;
    l->text[0] = '\0';
    l->lost = false;
}
