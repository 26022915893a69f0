/* Bytes of a line to plain text. A log comes to us through mails, web pages and word processors;
 * each leaves its marks, and none of them is longer than what it stands for, so the line shrinks in
 * place. Contract: reader_line.h. */
#include "hal/short.h"
#include "tests/sim/reader_line.h"

#include <string.h>

/* What stands for a character. UTF-8 is compared byte by byte. */
static const struct {
    const char *mark, *text;
} marks[] = {
    {"&lt;", "<"},
    {"&gt;", ">"},
    {"&amp;", "&"},
    {"&quot;", "\""},
    {"&apos;", "'"},
    {"&nbsp;", " "},
    {"&ndash;", "-"},
    {"&mdash;", "-"},
    {"&minus;", "-"},
    {"&vert;", "|"},
    {"&lowbar;", "_"},
    {"&lsqb;", "["},
    {"&rsqb;", "]"},
    {"=3D", "="}, /* quoted-printable */
    {"\\|", "|"}, /* markdown */
    {"`", ""},
    {"**", ""},
    {"\xc2\xa0", " "},     /* no-break space */
    {"\xc2\xad", ""},      /* soft hyphen */
    {"\xe2\x80\x8b", ""},  /* zero-width space */
    {"\xe2\x80\x90", "-"}, /* hyphens and dashes */
    {"\xe2\x80\x91", "-"},
    {"\xe2\x80\x92", "-"},
    {"\xe2\x80\x93", "-"},
    {"\xe2\x80\x94", "-"},
    {"\xe2\x88\x92", "-"},
    {"\xe2\x80\xaf", " "}, /* narrow no-break space */
    {"\xe2\x94\x82", "|"}, /* a table's bars */
    {"\xe2\x94\x83", "|"},
    {"\xef\xbb\xbf", ""}, /* byte order mark */
};

/* Bytes that a mark takes at p, and what it stands for; 0: there is none. */
static size_t known_mark(const char *p, const char **text)
{
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (*p != *marks[i].mark || strncmp(p, marks[i].mark, strlen(marks[i].mark)) != 0)
            continue;
        *text = marks[i].text;
        return strlen(marks[i].mark);
    }
    return 0;
}

/* "&#45;", "&#x2d;": what is not ASCII becomes a blank. */
static size_t numeric_mark(const char *p, char *out)
{
    struct scan s = {.at = p};
    uint64_t code = 0;
    if (!take_text(&s, "&#"))
        return 0;
    bool hex = to_lower(*s.at) == 'x';
    s.at += hex;
    if (!(hex ? take_hex(&s, &code) : take_decimal(&s, &code)) || *s.at != ';')
        return 0;
    *out = (char)(code > ' ' && code <= '~' ? code : ' ');
    return (size_t)(s.at + 1 - p);
}

/* A tag of HTML. Others in <> are text: "<6>" of syslog, "<INVALID>" of FreeBSD. */
static size_t html_tag(const char *p)
{
    static const char *const names[] = {"br",    "p",  "pre", "code", "tt", "span", "div",  "table",
                                        "tbody", "tr", "td",  "th",   "a",  "b",    "font", "li"};
    size_t length = strcspn(p, ">");
    if (*p != '<' || p[length] == '\0')
        return 0;
    const char *name = p + 1 + (p[1] == '/');
    size_t n = 0;
    while (is_name_char(name[n]))
        n++;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct scan s = {.at = name};
        if (n == strlen(names[i]) && take_text(&s, names[i]))
            return length + 1;
    }
    return 0;
}

static void replace_marks(char *line)
{
    char *to = line;
    for (const char *p = line; *p != '\0';) {
        const char *text = NULL;
        char one[2] = {*p, '\0'};
        size_t used = known_mark(p, &text);
        if (used == 0)
            used = numeric_mark(p, one);
        if (used == 0 && (used = html_tag(p)) != 0)
            one[0] = ' ';
        for (text = text != NULL ? text : one; *text != '\0'; text++)
            *to++ = *text;
        p += used != 0 ? used : 1;
    }
    *to = '\0';
}

static bool drop_ending(char *line, const char *ending)
{
    size_t length = strlen(line), n = strlen(ending);
    if (length < n || strcmp(line + length - n, ending) != 0)
        return false;
    line[length - n] = '\0';
    return true;
}

bool reader_clean(char *line)
{
    size_t length = strlen(line);
    bool soft =
        length > 1 && line[length - 1] == '=' && line[length - 2] != '=' && drop_ending(line, "=");
    replace_marks(line);
    while (drop_ending(line, " ") || drop_ending(line, "\t") || drop_ending(line, "=20"))
        ;
    return soft;
}
