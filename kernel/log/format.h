/* kernel/log/format.h: text out of a format and its arguments. The formats are those of kernel/log/log.h.
 * Pure: any context. O(characters). */
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

/* Text of up to LOG_LINE characters, all printable ASCII, without NUL; `cut`: there was more. */
struct format_line {
    char text[LOG_LINE];
    size_t used;
    bool cut;
};

/* Append. Start with `used` 0 and `cut` false. An argument that is missing shows as "(missing)", a
 * character that is not printable as '?', an unknown format letter as itself. */
void format_add(struct format_line *, const char *format, const union log_arg *args, size_t count);

/* Append a number in `base` 10 or 16, with zeros in front up to `width` digits (at most 20). */
void format_number(struct format_line *, uint64_t value, unsigned base, unsigned width);

#define FORMAT(line, format, ...)                                                                  \
    format_add((line), (format), (const union log_arg[]){__VA_ARGS__},                             \
               sizeof((const union log_arg[]){__VA_ARGS__}) / sizeof(union log_arg))

#endif
