/* Numbers and words of a line, and the range that they make. Contract: reader_line.h. */
#include "tests/sim/reader_line.h"

#include <string.h>

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool is_name_char(char c)
{
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z');
}

const char *skip_blanks(const char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

bool has_hex_prefix(const char *p)
{
    return p[0] == '0' && to_lower(p[1]) == 'x';
}

bool is_address(const char *p)
{
    size_t digits = 0;
    const char *from = has_hex_prefix(p) ? p + 2 : p;
    while (hex_value(from[digits]) >= 0)
        digits++;
    return digits >= (from == p ? 8 : 1) && !is_name_char(from[digits]);
}

bool give_up(struct scan *s, const char *why)
{
    s->why = why;
    return false;
}

bool take_text(struct scan *s, const char *text)
{
    const char *p = s->at;
    for (; *text != '\0'; p++, text++)
        if (to_lower(*p) != to_lower(*text))
            return false;
    s->at = p;
    return true;
}

/* A number that runs into something else is a line that was torn. */
static bool number_ends(struct scan *s)
{
    return !is_name_char(*s->at) || give_up(s, "a number runs into other text");
}

bool take_hex(struct scan *s, uint64_t *out)
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
    return number_ends(s);
}

bool take_decimal(struct scan *s, uint64_t *out)
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
    return number_ends(s);
}

bool take_number(struct scan *s, uint64_t *out)
{
    return has_hex_prefix(s->at) ? take_hex(s, out) : take_decimal(s, out);
}

bool take_type_number(struct scan *s)
{
    uint64_t v = 0;
    if (!take_decimal(s, &v))
        return give_up(s, "the type is not a decimal number");
    if (v > UINT32_MAX)
        return give_up(s, "the type has more than 32 bits");
    s->out->entry.type = (uint32_t)v;
    return true;
}

/* ---- ranges ---- */

/* A page-aligned start makes an end in 000 or fff speak for itself. */
static bool ends_inclusive(const struct scan *s)
{
    uint64_t low = s->end & (HAL_PAGE_SIZE - 1);
    if ((s->start & (HAL_PAGE_SIZE - 1)) != 0 || (low != 0 && low != HAL_PAGE_SIZE - 1))
        return s->inclusive;
    return low != 0;
}

static void settle_by_ends(struct scan *s)
{
    bool inclusive = ends_inclusive(s);
    if (inclusive != s->inclusive)
        s->out->remark =
            inclusive ? "its end was taken as inclusive" : "its end was taken as exclusive";
    s->size = s->end - s->start + inclusive;
    if (inclusive && s->start == 0 && s->end == UINT64_MAX)
        s->size = UINT64_MAX;
}

/* A second witness of the size stands on the line (a length or a page count). */
static bool settle_by_size(struct scan *s)
{
    if (s->size == s->end - s->start + 1)
        return true;
    if (s->size != s->end - s->start)
        return give_up(s, "its length does not agree with its addresses");
    if (s->inclusive)
        s->out->remark = "its end was taken as exclusive";
    return true;
}

bool settle_range(struct scan *s)
{
    if (s->has_end && s->has_size && !settle_by_size(s))
        return false;
    if (s->has_end && !s->has_size)
        settle_by_ends(s);
    s->out->entry.base = s->start;
    s->out->entry.size = s->size;
    return true;
}
