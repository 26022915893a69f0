/* efi/base/text.h: makes sentences with numbers in them, in the kernel's formats (kernel/log/log.h).
 *
 *     console_write(l, TEXT("%u entries, the first at %x", U(count), U(base)));
 *
 * The result is printable, ends with NUL, is cut after LOG_LINE - 1 characters, and lasts until the
 * next TEXT(). No UEFI types, no allocation. One CPU, before the exit.
 */
#ifndef EFI_BASE_TEXT_H
#define EFI_BASE_TEXT_H

#include "kernel/log/format.h"

#define TEXT(format, ...)                                                                          \
    text_line((format), (const union log_arg[]){__VA_ARGS__},                                      \
              sizeof((const union log_arg[]){__VA_ARGS__}) / sizeof(union log_arg))

/* What the macro calls; `args` has `count` arguments. O(characters). */
const char *text_line(const char *format, const union log_arg *args, size_t count);

/* The number of characters before the NUL. O(that number). */
size_t text_length(const char *);

#endif
