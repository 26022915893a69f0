/* kernel/log/format.h: makes a text of a format and its arguments. kernel/log/log.h says what a
 * format can hold. Pure: any context. O(characters). */
#ifndef KERNEL_LOG_FORMAT_H
#define KERNEL_LOG_FORMAT_H

#include "hal/base.h"

#define LOG_LINE 400 /* characters */

/* Made by U() and S(); a NULL text shows as "(none)". */
union log_arg {
    uint64_t u;
    const char *s;
};

#define U(number) ((union log_arg){.u = (number)})
#define S(text)   ((union log_arg){.s = (text)})

/* Up to LOG_LINE characters of printable ASCII, without a NUL. `cut` says that more did not fit. */
struct format_line {
    char text[LOG_LINE];
    size_t used;
    bool cut;
};

/* Append text. Before the first call `used` is 0 and `cut` is false. An argument that is missing
 * shows as "(missing)", a character that is not printable as '?', an unknown format letter as
 * itself. */
void format_add(struct format_line *, const char *format, const union log_arg *args, size_t count);

/* Append a number in `base` 10 or 16, filled with zeros in front to `width` digits (at most 20). */
void format_number(struct format_line *, uint64_t value, unsigned base, unsigned width);

#define FORMAT(line, format, ...)                                                                  \
    format_add((line), (format), (const union log_arg[]){__VA_ARGS__},                             \
               sizeof((const union log_arg[]){__VA_ARGS__}) / sizeof(union log_arg))

#endif
