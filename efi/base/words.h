/* efi/base/words.h: options text from outside, made into words with one blank between.
 *
 * The text comes from a file that a person wrote, from a boot entry, or from a firmware that passes
 * whatever lay in its memory. So nothing about it is believed: the length is given, not found, and
 *
 *   W1  the result is printable ASCII, ends with NUL, has no blank at its ends and no two together
 *   W2  a word is kept whole or not at all: half of "mem=1024" would be another order
 *   W3  whatever is left out, the answer says so
 *
 * `#` at the start of a word hides the rest of the line. Words are not judged here: the kernel
 * reports those that it does not know. No UEFI types, no allocation; any context; cost O(bytes).
 */
#ifndef EFI_BASE_WORDS_H
#define EFI_BASE_WORDS_H

#include "hal/base.h"

enum words_end {
    WORDS_ALL,       /* everything was read */
    WORDS_FULL,      /* no room for the next word: it and all after it are left out */
    WORDS_NOT_ASCII, /* stopped at a character that is not ASCII: it, its word and the rest are out
                      */
};

/* Append the words of 8-bit text (a UTF-8 byte order mark is skipped; one of UTF-16 makes it
 * UTF-16) to `text`, a NUL-terminated result of earlier calls or "", of `capacity` bytes (1 or
 * more) with its NUL. A NUL ends the input; all else that is not above a blank stands between
 * words. */
enum words_end words_add_bytes(char *text, size_t capacity, const uint8_t *bytes, size_t count);

/* The same for little-endian UTF-16, `count` bytes at any alignment; a trailing odd byte is not a
 * character. A byte order mark is skipped. */
enum words_end words_add_utf16(char *text, size_t capacity, const uint8_t *bytes, size_t count);

/* Take the first word out of `text` from character `from` on (0 to its length), if it names a
 * program
 * ("fs0:\x.efi"): shells pass their command as the first word. */
void words_drop_program(char *text, size_t from);

#endif
