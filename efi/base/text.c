#include "efi/base/text.h"

const char *text_line(const char *format, const union log_arg *args, size_t count)
{
    static struct format_line line;
    line.used = 0;
    format_add(&line, format, args, count);
    line.text[hal_min_u64(line.used, LOG_LINE - 1)] = '\0';
    return line.text;
}

size_t text_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}
