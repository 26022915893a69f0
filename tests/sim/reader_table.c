/* Tables in markdown. A head names the columns, in any order: a row under it is written anew in the
 * order of a format that is known (type, start, end, attributes), and read as that. What has no head
 * is read as if the bars were blanks. Contract: reader_line.h. */
#include "hal/short.h"
#include "tests/sim/reader_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum role { ROLE_NONE, ROLE_TYPE, ROLE_START, ROLE_END, ROLE_RANGE, ROLE_PAGES, ROLE_ATTRIBUTES };
#define ROLES 7

struct cell {
    const char *from, *to; /* without the blanks around */
};

static struct cell next_cell(const char **p)
{
    struct cell c = {skip_blanks(*p), *p + strcspn(*p, "|")};
    *p = *c.to == '|' ? c.to + 1 : c.to;
    while (c.to > c.from && is_blank(c.to[-1]))
        c.to--;
    if (c.from > c.to)
        c.from = c.to;
    return c;
}

/* The first cell of a table's line; NULL when it is none. */
static const char *first_cell(const char *line)
{
    const char *p = line + strspn(line, "> \t");
    return *p == '|' && strchr(p + 1, '|') != NULL ? p + 1 : NULL;
}

/* ---- the head ---- */

static enum role role_of(struct cell c)
{
    static const struct {
        const char *begins;
        enum role role;
    } names[] = {
        {"range", ROLE_RANGE},
        {"start - end", ROLE_RANGE},
        {"start-end", ROLE_RANGE},
        {"address range", ROLE_RANGE},
        {"physical range", ROLE_RANGE},
        {"physical start - end", ROLE_RANGE},
        {"physical end", ROLE_END},
        {"end", ROLE_END},
        {"to", ROLE_END},
        {"start", ROLE_START},
        {"phys", ROLE_START},
        {"base", ROLE_START},
        {"from", ROLE_START},
        {"address", ROLE_START},
        {"type", ROLE_TYPE},
        {"memory type", ROLE_TYPE},
        {"kind", ROLE_TYPE},
        {"pages", ROLE_PAGES},
        {"#pages", ROLE_PAGES},
        {"# pages", ROLE_PAGES},
        {"number of pages", ROLE_PAGES},
        {"numberofpages", ROLE_PAGES},
        {"page", ROLE_PAGES},
        {"att", ROLE_ATTRIBUTES},
        {"flags", ROLE_ATTRIBUTES},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct scan s = {.at = c.from};
        if (take_text(&s, names[i].begins) && s.at <= c.to)
            return names[i].role;
    }
    return ROLE_NONE;
}

/* A head has the type, and says where memory begins and ends. */
static bool read_head(struct reader *r, const char *p)
{
    unsigned char roles[sizeof r->column_roles] = {0};
    unsigned count = 0;
    bool has[ROLES] = {false};
    for (; *p != '\0' && count < sizeof roles; count++) {
        enum role role = role_of(next_cell(&p));
        has[role] = true;
        roles[count] = (unsigned char)role;
    }
    bool place = has[ROLE_RANGE] || (has[ROLE_START] && (has[ROLE_END] || has[ROLE_PAGES]));
    if (!has[ROLE_TYPE] || !place)
        return false;
    r->columns = count;
    memcpy(r->column_roles, roles, sizeof roles);
    return true;
}

/* "|---|:--:|" */
static bool is_rule(const char *p)
{
    return p[strspn(p, "|-: \t+=")] == '\0';
}

/* ---- a row ---- */

/* Where the row ends, without its last bar. */
static const char *last_bar(const char *p, const char *to)
{
    for (; *p != '\0'; p++)
        to = *p == '|' || is_blank(*p) ? to : p + 1;
    return to;
}

/* Flags are the last column of most tables, and some print a bar between two of them. */
static struct cell cell_of(const struct reader *r, const char *p, enum role role)
{
    for (unsigned i = 0; i < r->columns && *p != '\0'; i++) {
        struct cell c = next_cell(&p);
        if (r->column_roles[i] == role && role == ROLE_ATTRIBUTES && i + 1 == r->columns)
            c.to = last_bar(p, c.to);
        if (r->column_roles[i] == role)
            return c;
    }
    return (struct cell){p, p};
}

static bool is_empty(struct cell c)
{
    return c.from == c.to;
}

struct writer {
    char text[READER_LINE + 64];
    size_t length;
};

static void put(struct writer *w, const char *before, struct cell c)
{
    int n = snprintf(w->text + w->length, sizeof w->text - w->length, "%s%.*s", before,
                     (int)(c.to - c.from), c.from);
    w->length = hal_min_u64(w->length + (size_t)(n > 0 ? n : 0), sizeof w->text - 1);
}

/* A type in numbers is one without a name (reader_fields.c). */
static void put_type(struct writer *w, struct cell c)
{
    struct scan s = {.at = c.from};
    uint64_t number = 0;
    if (!is_digit(*c.from) || !take_decimal(&s, &number) || s.at != c.to) {
        put(w, "", c);
        return;
    }
    w->length = (size_t)snprintf(w->text, sizeof w->text, "Unk %" PRIx64, number);
}

static void put_address(struct writer *w, struct cell c)
{
    put(w, has_hex_prefix(c.from) ? " " : " 0x", c);
}

/* "0x1000-0x1fff", "[0x1000, 0x2000)" as two. */
static void put_range(struct writer *w, struct cell c)
{
    const char *from = c.from + strspn(c.from, "[(");
    const char *middle = from + strspn(from, "0123456789abcdefxABCDEFX");
    const char *end = middle + strspn(middle, " \t-,.");
    const char *to = end + strspn(end, "0123456789abcdefxABCDEFX");
    put_address(w, (struct cell){from, middle < c.to ? middle : c.to});
    put_address(w, (struct cell){end < c.to ? end : c.to, to < c.to ? to : c.to});
}

/* Pages in decimal, unless they look hexadecimal: the column before them is FreeBSD's. */
static void put_pages(struct writer *w, struct cell c)
{
    struct scan s = {.at = c.from};
    uint64_t pages = 0;
    bool padded = *c.from == '0' && c.to - c.from >= 8;
    put(w, " 0 ", (struct cell){c.to, c.to});
    if (padded || !take_decimal(&s, &pages) || s.at != c.to) {
        put(w, "", c);
        return;
    }
    w->length +=
        (size_t)snprintf(w->text + w->length, sizeof w->text - w->length, "%" PRIx64, pages);
}

/* Where memory ends is said once: an end is better than a number of pages in an unknown notation. */
static void write_row(const struct reader *r, const char *p, struct writer *w)
{
    struct cell range = cell_of(r, p, ROLE_RANGE), end = cell_of(r, p, ROLE_END);
    struct cell attributes = cell_of(r, p, ROLE_ATTRIBUTES);
    put_type(w, cell_of(r, p, ROLE_TYPE));
    if (!is_empty(range))
        put_range(w, range);
    else
        put_address(w, cell_of(r, p, ROLE_START));
    if (is_empty(range) && !is_empty(end))
        put_address(w, end);
    else if (is_empty(range))
        put_pages(w, cell_of(r, p, ROLE_PAGES));
    bool none = is_empty(attributes) || *attributes.from == '-';
    put(w, none ? " WB" : " ", none ? (struct cell){p, p} : attributes);
}

static enum reader_verdict read_row(const struct reader *r, const char *p, struct reader_line *out)
{
    struct writer w = {.length = 0};
    write_row(r, p, &w);
    enum reader_verdict v = reader_line(w.text, out);
    out->style = STYLE_TABLE;
    out->ends_early = out->open_flags = false;
    if (v == LINE_OTHER)
        out->why = "its cells are not what the table's head says";
    return v == LINE_OTHER ? LINE_BROKEN : v;
}

static enum reader_verdict read_without_bars(const char *p, struct reader_line *out)
{
    char text[READER_LINE];
    size_t n = 0;
    for (; *p != '\0' && n + 1 < sizeof text; p++)
        text[n++] = *p == '|' ? ' ' : *p;
    text[n] = '\0';
    return reader_line(text, out);
}

enum reader_verdict reader_table_line(struct reader *r, const char *text, struct reader_line *out)
{
    enum reader_verdict plain = reader_line(text, out);
    const char *p = first_cell(text);
    if (p == NULL)
        r->columns = 0;
    if (plain > LINE_BROKEN || p == NULL)
        return plain;
    *out = (struct reader_line){.entry.index = READER_NO_INDEX};
    if (read_head(r, p) || is_rule(p))
        return LINE_OTHER;
    return r->columns > 0 ? read_row(r, p, out) : read_without_bars(p, out);
}
