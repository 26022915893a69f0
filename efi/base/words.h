/* efi/base/words.h: turns options text from outside into words with one blank between them.
 *
 * The text comes from a file that a person wrote, from a boot entry, or from a firmware that passes
 * whatever lay in its memory. So its end is given by the caller, never searched for, and
 *
 *   W1  the result is printable ASCII, ends with NUL, has no blank at its ends and no two together
 *   W2  a word is kept whole or not at all: half of "mem=1024" would be another order
 *   W3  whatever is left out, the answer says so
 *
 * A `#` at the start of a word hides the rest of the line. What a word means is not looked at here: the
 * kernel names those that it does not know. No UEFI types, no allocation; any context; O(bytes).
 */
#ifndef EFI_BASE_WORDS_H
#define EFI_BASE_WORDS_H

#include "hal/base.h"

enum words_end {
    WORDS_ALL,       /* everything was read */
    WORDS_FULL,      /* the next word does not fit: it and all after it are left out */
    WORDS_NOT_ASCII, /* a character is not ASCII: its word and all after it are left out */
};

/* Append the words of 8-bit text to `text`, which holds the result of earlier calls or "", and has room for
 * `capacity` bytes, 1 or more, with its NUL. A byte order mark of UTF-8 is skipped; after one of UTF-16
 * the input is read as UTF-16. A NUL ends the input; blanks and other control characters part words. */
enum words_end words_add_bytes(char *text, size_t capacity, const uint8_t *bytes, size_t count);

/* The same for little-endian UTF-16: `count` bytes at any alignment, of which an odd last one is ignored. A
 * byte order mark is skipped. */
enum words_end words_add_utf16(char *text, size_t capacity, const uint8_t *bytes, size_t count);

/* Remove the word that begins at or right after character `from` of `text` (0 to its length), if it names
 * a program ("fs0:\x.efi"): shells pass their command as the first word. */
void words_drop_program(char *text, size_t from);

#endif
