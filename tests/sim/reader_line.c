/* One line of a log: which style it is in, and what it says. Contract: reader.h. */
#include "tests/sim/reader.h"

#include <string.h>

/* What the parsers of one style share: where they are, and why they gave up. */
struct scan {
    const char *at;
    const char *why;
};

enum range_end { END_EXCLUSIVE, END_INCLUSIVE };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_name_char(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

static const char *skip_blanks(const char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

static bool give_up(struct scan *s, const char *why)
{
    s->why = why;
    return false;
}

static bool take_text(struct scan *s, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(s->at, text, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool has_hex_prefix(const char *p)
{
    return p[0] == '0' && lower(p[1]) == 'x';
}

static bool take_hex(struct scan *s, uint64_t *out)
{
    if (has_hex_prefix(s->at))
        s->at += 2;
    if (hex_value(*s->at) < 0)
        return give_up(s, "a hexadecimal number is missing");
    uint64_t v = 0;
    for (; hex_value(*s->at) >= 0; s->at++) {
        if (v >> 60 != 0)
            return give_up(s, "a number has more than 64 bits");
        v = v << 4 | (uint64_t)hex_value(*s->at);
    }
    *out = v;
    return true;
}

static bool take_decimal(struct scan *s, uint64_t *out)
{
    if (!is_digit(*s->at))
        return give_up(s, "a decimal number is missing");
    uint64_t v = 0;
    for (; is_digit(*s->at); s->at++) {
        uint64_t digit = (uint64_t)(*s->at - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return give_up(s, "a number has more than 64 bits");
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

static bool take_type_number(struct scan *s, uint32_t *type)
{
    uint64_t v = 0;
    if (!take_decimal(s, &v))
        return false;
    if (v > UINT32_MAX)
        return give_up(s, "the type has more than 32 bits");
    *type = (uint32_t)v;
    return true;
}

/* The last number of a line must not run into something else: a torn line looks like that. */
static bool number_ends(struct scan *s)
{
    return !is_name_char(*s->at) || give_up(s, "a number runs into other text");
}

static const struct {
    const char *name; /* lower case letters and digits only */
    uint32_t type;
} type_names[] = {
    {"reserved", 0},
    {"loadercode", 1},
    {"loaderdata", 2},
    {"bootcode", 3},
    {"bscode", 3},
    {"bootservicescode", 3},
    {"bootdata", 4},
    {"bsdata", 4},
    {"bootservicesdata", 4},
    {"runtimecode", 5},
    {"rtcode", 5},
    {"runtimeservicescode", 5},
    {"runtimedata", 6},
    {"rtdata", 6},
    {"runtimeservicesdata", 6},
    {"conventionalmemory", 7},
    {"conventional", 7},
    {"available", 7},
    {"unusablememory", 8},
    {"unusable", 8},
    {"acpireclaimmemory", 9},
    {"acpireclaim", 9},
    {"acpirecl", 9},
    {"acpimemorynvs", 10},
    {"acpimemnvs", 10},
    {"acpinvs", 10},
    {"memorymappedio", 11},
    {"mmio", 11},
    {"memmapio", 11},
    {"memorymappedioportspace", 12},
    {"mmioportspace", 12},
    {"mmioport", 12},
    {"memportio", 12},
    {"palcode", 13},
    {"persistentmemory", 14},
    {"persistent", 14},
    {"unacceptedmemory", 15},
    {"unaccepted", 15},
};

/* The letters and digits of [from, to), in lower case. */
static void squeeze(const char *from, const char *to, char *out, size_t size)
{
    size_t n = 0;
    for (; from < to && n + 1 < size; from++)
        if (is_name_char(*from))
            out[n++] = lower(*from);
    out[n] = '\0';
}

static bool named_type(const char *from, const char *to, uint32_t *type)
{
    char name[40];
    squeeze(from, to, name, sizeof name);
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        if (strcmp(name, type_names[i].name) == 0) {
            *type = type_names[i].type;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *name;
    uint64_t bit;
} flag_names[] = {
    {"uc", 1},
    {"wc", 2},
    {"wt", 4},
    {"wb", 8},
    {"uce", 0x10},
    {"wp", 0x1000},
    {"rp", 0x2000},
    {"xp", 0x4000},
    {"nv", 0x8000},
    {"mr", 0x10000},
    {"ro", 0x20000},
    {"sp", 0x40000},
    {"cc", 0x80000},
    {"run", (uint64_t)1 << 63},
    {"rt", (uint64_t)1 << 63},
};

static uint64_t flag_bit(const char *from, const char *to)
{
    char name[8];
    squeeze(from, to, name, sizeof name);
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
        if (strcmp(name, flag_names[i].name) == 0)
            return flag_names[i].bit;
    return 0;
}

/* See reader.h: a page-aligned start makes an end in 000 or fff speak for itself. */
static enum range_end end_of(uint64_t start, uint64_t end, enum range_end style)
{
    uint64_t low = end & (PAGE_SIZE - 1);
    if ((start & (PAGE_SIZE - 1)) != 0 || (low != 0 && low != PAGE_SIZE - 1))
        return style;
    return low == 0 ? END_EXCLUSIVE : END_INCLUSIVE;
}

static void set_range(struct reader_line *out, uint64_t start, uint64_t end, enum range_end style)
{
    enum range_end found = end_of(start, end, style);
    if (found != style)
        out->remark = found == END_INCLUSIVE ? "its end was taken as inclusive"
                                             : "its end was taken as exclusive";
    out->entry.base = start;
    out->entry.size = end - start + (found == END_INCLUSIVE ? 1 : 0);
    if (found == END_INCLUSIVE && start == 0 && end == UINT64_MAX)
        out->entry.size = UINT64_MAX;
}

/* A second witness of the size stands on the line (a length or a page count). */
static bool set_range_with_size(struct scan *s, struct reader_line *out, uint64_t start,
                                uint64_t end, uint64_t size)
{
    if (size == end - start + 1 || size == end - start) {
        out->entry.base = start;
        out->entry.size = size;
        if (size == end - start)
            out->remark = "its end was taken as exclusive";
        return true;
    }
    return give_up(s, "its length does not agree with its addresses");
}

static bool take_range(struct scan *s, uint64_t *start, uint64_t *end)
{
    if (!take_hex(s, start))
        return false;
    s->at = skip_blanks(s->at);
    if (*s->at != '-')
        return give_up(s, "the range has no '-'");
    s->at = skip_blanks(s->at + 1);
    return take_hex(s, end);
}

/* ---- map and serial: TYPE START END ATTR ---- */

static bool take_attribute_column(struct scan *s, struct reader_line *out)
{
    s->at = skip_blanks(s->at);
    out->entry.attributes = READER_ATTR_WB;
    if (*s->at == '-')
        s->at++;
    else if (!take_hex(s, &out->entry.attributes))
        return give_up(s, *s->at == '\0' ? "the attributes are missing" : s->why);
    if (!number_ends(s))
        return false;
    s->at = skip_blanks(s->at);
    return *s->at == '\0' || *s->at == '#' || give_up(s, "there is more than four columns");
}

static bool take_columns(struct scan *s, struct reader_line *out)
{
    uint64_t start = 0, end = 0;
    if (!take_type_number(s, &out->entry.type))
        return give_up(s, "the type is not a decimal number");
    if (!is_blank(*s->at))
        return give_up(s, "the type is not a decimal number");
    s->at = skip_blanks(s->at);
    if (!take_hex(s, &start) || !number_ends(s))
        return give_up(s, "the start is not a hexadecimal number of 64 bits");
    s->at = skip_blanks(s->at);
    if (!take_hex(s, &end) || !number_ends(s))
        return give_up(s, "the end is not a hexadecimal number of 64 bits");
    set_range(out, start, end, END_EXCLUSIVE);
    return take_attribute_column(s, out);
}

/* The words of a line that could be columns: how many begin with 0x, or have 8 digits or more. */
static unsigned address_words(const char *p)
{
    unsigned found = 0, words = 0;
    for (p = skip_blanks(p); *p != '\0' && *p != '#'; p = skip_blanks(p)) {
        size_t n = strcspn(p, " \t"), digits = 0;
        while (hex_value(p[digits]) >= 0)
            digits++;
        if (words++ > 0 && words <= 4 && (has_hex_prefix(p) || (digits >= 8 && digits == n)))
            found++;
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

static enum reader_verdict verdict(bool ok, const struct scan *s, struct reader_line *out)
{
    out->why = ok ? NULL : s->why;
    return ok ? LINE_ENTRY : LINE_BROKEN;
}

static enum reader_verdict columns_line(const char *p, enum reader_style style,
                                        struct reader_line *out)
{
    p = skip_blanks(p);
    if (!looks_like_columns(p))
        return LINE_OTHER;
    struct scan s = {p, NULL};
    out->style = style;
    return verdict(take_columns(&s, out), &s, out);
}

static enum reader_verdict map_line(const char *text, struct reader_line *out)
{
    return columns_line(text, STYLE_MAP, out);
}

static enum reader_verdict serial_line(const char *text, struct reader_line *out)
{
    const char *p = strstr(text, "map: ");
    while (p != NULL && p != text && !is_blank(p[-1]) && p[-1] != ']')
        p = strstr(p + 1, "map: ");
    return p == NULL ? LINE_OTHER : columns_line(p + strlen("map: "), STYLE_SERIAL, out);
}

/* ---- Linux: the bracket [Type|flags] or [Type|attr=X] ---- */

static void take_flag(const char *from, const char *to, struct reader_line *out)
{
    while (from < to && is_blank(*from))
        from++;
    if (from == to)
        return;
    struct scan attr = {from, NULL};
    uint64_t bits = 0;
    if (take_text(&attr, "attr=") && take_hex(&attr, &bits)) {
        out->entry.attributes |= bits;
        return;
    }
    bits = flag_bit(from, to);
    out->entry.attributes |= bits;
    if (bits == 0)
        out->remark = "it has a flag that this tool does not know";
}

static bool take_bracket_type(const char *from, const char *to, struct reader_line *out)
{
    struct scan s = {from, NULL};
    if (take_text(&s, "type="))
        return take_type_number(&s, &out->entry.type);
    if (named_type(from, to, &out->entry.type))
        return true;
    out->entry.type = READER_TYPE_UNKNOWN;
    out->remark = "its type has a name that this tool does not know: taken as reserved";
    return true;
}

static bool take_bracket(struct scan *s, struct reader_line *out)
{
    const char *from = s->at + 1;
    size_t length = strcspn(from, "]");
    if (*s->at != '[' || from[length] == '\0')
        return give_up(s, "the [type|flags] is not complete");
    const char *close = from + length;
    size_t word = strcspn(from, "|]");
    if (!take_bracket_type(from, from + word, out))
        return give_up(s, "the type number is broken");
    out->entry.attributes = from[word] == '|' ? 0 : READER_ATTR_WB;
    for (const char *p = from + word; p < close;) {
        const char *flag = p + 1;
        p = flag + strcspn(flag, "|]");
        take_flag(flag, p, out);
    }
    s->at = close + 1;
    return true;
}

/* "type=N, attr=X," of the oldest kernels, and of MMap. */
static bool take_type_and_attr(struct scan *s, struct reader_line *out)
{
    if (!take_text(s, "type=") || !take_type_number(s, &out->entry.type))
        return give_up(s, "the type is broken");
    s->at += *s->at == ',' ? 1 : 0;
    s->at = skip_blanks(s->at);
    if (!take_text(s, "attr=") || !take_hex(s, &out->entry.attributes))
        return give_up(s, "the attributes are broken");
    return number_ends(s);
}

static bool take_linux(struct scan *s, struct reader_line *out)
{
    uint64_t start = 0, end = 0;
    s->at = skip_blanks(s->at);
    if (!(*s->at == '[' ? take_bracket(s, out) : take_type_and_attr(s, out)))
        return false;
    s->at += *s->at == ',' ? 1 : 0;
    s->at = skip_blanks(s->at);
    if (!take_text(s, "range=["))
        return give_up(s, "the range=[..] is missing");
    if (!take_range(s, &start, &end))
        return false;
    if (*s->at != ')' && *s->at != ']')
        return give_up(s, "the range does not end in ) or ]");
    set_range(out, start, end, *s->at == ')' ? END_EXCLUSIVE : END_INCLUSIVE);
    return true;
}

/* Find `word` followed by a decimal number and `after`. */
static const char *find_indexed(const char *text, const char *word, const char *after,
                                uint64_t *index)
{
    for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word)) {
        struct scan s = {p + strlen(word), NULL};
        if ((p == text || !is_name_char(p[-1])) && take_decimal(&s, index) && take_text(&s, after))
            return s.at;
    }
    return NULL;
}

static enum reader_verdict linux_line(const char *text, struct reader_line *out)
{
    struct scan s = {find_indexed(text, "mem", ":", &out->index), NULL};
    if (s.at == NULL)
        return LINE_OTHER;
    const char *p = skip_blanks(s.at);
    if (*p != '[' && strncmp(p, "type=", 5) != 0 && strstr(p, "range=") == NULL)
        return LINE_OTHER;
    out->style = STYLE_LINUX;
    return verdict(take_linux(&s, out), &s, out);
}

static bool take_arm64(struct scan *s, struct reader_line *out)
{
    uint64_t start = 0, end = 0;
    if (!take_range(s, &start, &end))
        return false;
    s->at = skip_blanks(s->at);
    if (!take_bracket(s, out))
        return false;
    set_range(out, start, end, END_INCLUSIVE);
    return true;
}

static enum reader_verdict arm64_line(const char *text, struct reader_line *out)
{
    const char *p = strstr(text, "efi:");
    p = p == NULL ? strstr(text, "EFI:") : p;
    if (p == NULL)
        return LINE_OTHER;
    struct scan s = {skip_blanks(p + 4), NULL};
    size_t digits = has_hex_prefix(s.at) ? strspn(s.at + 2, "0123456789abcdefABCDEF") : 0;
    if (digits == 0 || (s.at[2 + digits] != '-' && s.at[2 + digits] != '\0'))
        return LINE_OTHER;
    out->style = STYLE_ARM64;
    return verdict(take_arm64(&s, out), &s, out);
}

/* ---- Xen, MMap, shell ---- */

static bool is_word_start(const char *text, const char *p)
{
    return p == text || is_blank(p[-1]);
}

/* The first word that begins like "hex-hex", at least `digits` digits before the '-'. */
static const char *find_hex_range(const char *text, size_t digits)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!is_word_start(text, p))
            continue;
        const char *q = has_hex_prefix(p) ? p + 2 : p;
        size_t n = strspn(q, "0123456789abcdefABCDEF");
        if (n >= digits && q[n] == '-' && hex_value(q[n + 1]) >= 0)
            return p;
    }
    return NULL;
}

static bool take_xen(struct scan *s, struct reader_line *out)
{
    uint64_t start = 0, end = 0;
    if (!take_range(s, &start, &end))
        return false;
    s->at = skip_blanks(s->at);
    if (!take_type_and_attr(s, out))
        return false;
    set_range(out, start, end, END_INCLUSIVE);
    return true;
}

static enum reader_verdict xen_line(const char *text, struct reader_line *out)
{
    if (strstr(text, " type=") == NULL)
        return LINE_OTHER;
    struct scan s = {find_hex_range(text, 8), NULL};
    if (s.at == NULL)
        return LINE_OTHER;
    out->style = STYLE_XEN;
    return verdict(take_xen(&s, out), &s, out);
}

static bool take_mmap(struct scan *s, struct reader_line *out)
{
    uint64_t start = 0, end = 0, size = 0;
    s->at = skip_blanks(s->at);
    if (!take_range(s, &start, &end))
        return false;
    s->at = skip_blanks(s->at);
    if (!take_text(s, "len=") || !take_decimal(s, &size))
        return give_up(s, "the length is broken");
    s->at += *s->at == ',' ? 1 : 0;
    s->at = skip_blanks(s->at);
    return take_type_and_attr(s, out) && set_range_with_size(s, out, start, end, size);
}

static enum reader_verdict mmap_line(const char *text, struct reader_line *out)
{
    struct scan s = {find_indexed(text, "MMap[", "]:", &out->index), NULL};
    if (s.at == NULL)
        return LINE_OTHER;
    out->style = STYLE_MMAP;
    return verdict(take_mmap(&s, out), &s, out);
}

/* The word that ends right before `p`: a name of the shell, or its 8 hex digits of an OEM type. */
static bool shell_type(const char *text, const char *p, uint32_t *type)
{
    while (p > text && is_blank(p[-1]))
        p--;
    const char *from = p;
    while (from > text && !is_blank(from[-1]))
        from--;
    if (named_type(from, p, type))
        return true;
    struct scan s = {from, NULL};
    uint64_t number = 0;
    bool oem = p - from == 8 && take_hex(&s, &number) && s.at == p;
    *type = oem ? (uint32_t)number : READER_TYPE_UNKNOWN;
    return oem;
}

static bool take_shell(struct scan *s, struct reader_line *out)
{
    uint64_t start = 0, end = 0, pages = 0;
    if (!take_range(s, &start, &end))
        return false;
    s->at = skip_blanks(s->at);
    if (!take_hex(s, &pages))
        return give_up(s, "the number of pages is broken");
    s->at = skip_blanks(s->at);
    if (!take_hex(s, &out->entry.attributes))
        return give_up(s, "the attributes are broken");
    if (!number_ends(s))
        return false;
    if (pages >> (64 - PAGE_SHIFT) != 0)
        return give_up(s, "its number of pages does not fit in 64 bits of address");
    return set_range_with_size(s, out, start, end, pages << PAGE_SHIFT);
}

/* A name that nobody knows makes a line of the table only when all four columns are there. */
static enum reader_verdict shell_line(const char *text, struct reader_line *out)
{
    struct scan s = {find_hex_range(text, 8), NULL};
    if (s.at == NULL || s.at == text)
        return LINE_OTHER;
    bool known = shell_type(text, s.at, &out->entry.type);
    bool ok = take_shell(&s, out);
    if (!known && !ok)
        return LINE_OTHER;
    if (!known)
        out->remark = "its type has a name that this tool does not know: taken as reserved";
    out->style = STYLE_SHELL;
    return verdict(ok, &s, out);
}

enum reader_verdict reader_line(const char *text, struct reader_line *out)
{
    static enum reader_verdict (*const styles[])(const char *, struct reader_line *) = {
        linux_line, mmap_line, serial_line, xen_line, arm64_line, shell_line, map_line,
    };
    for (size_t i = 0; i < ARRAY_LEN(styles); i++) {
        *out = (struct reader_line){.index = UINT64_MAX};
        enum reader_verdict v = styles[i](text, out);
        if (v != LINE_OTHER)
            return v;
    }
    return LINE_OTHER;
}
