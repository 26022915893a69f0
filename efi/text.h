/* efi/text.h: sentences built piece by piece in a buffer that cannot overflow.
 *
 * T1  the buffer always ends with NUL, and holds what fitted; `cut` says that something did not.
 *
 * No UEFI types, no allocation; any context. Each call costs the length of what it adds.
 */
#ifndef EFI_TEXT_H
#define EFI_TEXT_H

#include "hal/base.h"

struct text {
    char *at;        /* the caller's storage */
    size_t capacity; /* bytes of it, NUL included, at least 1 */
    size_t length;   /* characters in it, without the NUL */
    bool cut;
};

/* Start an empty text on `storage`. */
struct text text_on(char *storage, size_t capacity);

void text_add_char(struct text *, char);
void text_add(struct text *, const char *string);
void text_add_dec(struct text *, uint64_t value);
void text_add_hex(struct text *, uint64_t value); /* "0x1f", without leading zeros */

#endif
