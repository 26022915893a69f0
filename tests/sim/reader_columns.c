/* TYPE START END ATTR: `.map` files, and our own log's lines `map: TYPE ...`. The columns alone say
 * what the line is, so it is taken for one when it looks as if it was meant to be. Contract:
 * reader_line.h. */
#include "tests/sim/reader_line.h"

#include <string.h>

static bool take_attribute_column(struct scan *s)
{
    s->at = skip_blanks(s->at);
    s->out->entry.attributes = READER_ATTR_WB;
    if (*s->at == '\0')
        return give_up(s, "the attributes are missing");
    if (*s->at == '-' && !is_name_char(s->at[1]))
        s->at++;
    else if (!take_hex(s, &s->out->entry.attributes))
        return false;
    s->at = skip_blanks(s->at);
    return *s->at == '\0' || *s->at == '#' || give_up(s, "there is more than four columns");
}

static bool take_columns(struct scan *s)
{
    if (!take_type_number(s))
        return false;
    if (!is_blank(*s->at))
        return give_up(s, "the type is not a decimal number");
    s->at = skip_blanks(s->at);
    if (!take_hex(s, &s->start))
        return give_up(s, "the start is not a hexadecimal number of 64 bits");
    s->at = skip_blanks(s->at);
    if (!take_hex(s, &s->end))
        return give_up(s, "the end is not a hexadecimal number of 64 bits");
    s->has_end = true;
    return take_attribute_column(s) && settle_range(s);
}

/* The words of a line that could be columns: how many begin with 0x, or have 8 digits or more. */
static unsigned address_words(const char *p)
{
    unsigned found = 0, words = 0;
    for (p = skip_blanks(p); *p != '\0' && *p != '#'; p = skip_blanks(p)) {
        size_t n = strcspn(p, " \t"), digits = strspn(p, "0123456789abcdefABCDEF");
        bool address = has_hex_prefix(p) || (digits == n && n >= 8);
        if (words > 0 && words <= 4 && address)
            found++;
        words++;
        p += n;
    }
    return words <= 6 ? found : 0;
}

/* Whether the line was meant to be columns: "0x0 0x1000 usable" (an e820 map) was not. */
static bool looks_like_columns(const char *p)
{
    unsigned addresses = address_words(p);
    if (has_hex_prefix(p))
        return false;
    size_t digits = strspn(p, "0123456789");
    return (digits > 0 && digits <= 10 && is_blank(p[digits]) && addresses >= 1) || addresses >= 2;
}

/* After "map: " of our own log; NULL when it is another's. */
static const char *after_topic(const char *text)
{
    const char *p = strstr(text, "map: ");
    while (p != NULL && p != text && !is_blank(p[-1]) && p[-1] != ']')
        p = strstr(p + 1, "map: ");
    return p == NULL ? NULL : p + strlen("map: ");
}

enum reader_verdict reader_columns(const char *text, struct reader_line *out)
{
    const char *serial = after_topic(text);
    bool ours = serial != NULL && looks_like_columns(skip_blanks(serial));
    struct scan s = {.at = skip_blanks(ours ? serial : text), .out = out};
    *out = (struct reader_line){.style = ours ? STYLE_SERIAL : STYLE_MAP,
                                .entry.index = READER_NO_INDEX};
    if (!looks_like_columns(s.at))
        return LINE_OTHER;
    bool ok = take_columns(&s);
    out->why = s.why;
    out->ends_early = *skip_blanks(s.at) == '\0';
    return ok ? LINE_ENTRY : LINE_BROKEN;
}
