#include "kernel/screen/rows.h"

bool rows_fit(uint32_t columns, uint32_t rows)
{
    return columns >= 20 && columns <= ROWS_COLUMNS_MAX && rows >= 10;
}

bool rows_next(struct rows *r, char text[ROWS_COLUMNS_MAX], uint32_t *length)
{
    *length = 0;
    if (r->from >= r->to)
        return false;
    while (r->from < r->to) {
        char c = r->read(r->from);
        if (c != '\n' && c != '\r' && c != '\b' && *length == r->columns)
            return true;
        r->from++;
        if (c == '\n')
            return true;
        if (c == '\b')
            *length -= *length > 0;
        else if (c != '\r')
            text[(*length)++] = c;
    }
    return true;
}

uint32_t rows_keep_last(struct rows *r, uint32_t rows)
{
    char text[ROWS_COLUMNS_MAX];
    uint32_t length;
    uint32_t count = 0;
    for (struct rows all = *r; rows_next(&all, text, &length);)
        count++;
    for (; count > rows; count--)
        rows_next(r, text, &length);
    return count;
}
