/* efi/talk/console.h: sentences for a person, and the keys that come back. */
#ifndef EFI_TALK_CONSOLE_H
#define EFI_TALK_CONSOLE_H

#include "efi/base/loader.h"

/* Write ASCII on ConOut; '\n' begins a new line. Without a ConOut nothing happens. */
void console_write(const struct loader *, const char *ascii);

/* The same, and a new line. */
void console_say(const struct loader *, const char *ascii);

/* Say that something is missing and that there was a way around it: on ConOut, and as a line of
 * boot_info.notes. When these are full, a last line says so. */
void console_note(const struct loader *, const char *sentence);

/* Wait for a key, `*tenths` of a second at most, which are counted down. Returns its character in lower
 * case, or '.' for a key that has none. Returns 0 when none came or there is no ConIn, or no clock to
 * wait by (then no tenths are left). Every key costs a tenth too, so that a key that is stuck cannot
 * hold the boot up. */
char console_key(const struct loader *, unsigned *tenths);

/* Wait for a key, `seconds` at most, so that a machine without a keyboard goes on. Keys that were
 * pressed before do not count. */
void console_wait_key(const struct loader *, unsigned seconds);

/* What a status means, as UEFI 2.10 appendix D has it: "write protected". The text is constant. */
const char *console_status(EFI_STATUS);

/* The end of an attempt to start, before any exit: say `sentence`, the status and what it means, and
 * wait half a minute for a key. Returns `status`. */
EFI_STATUS console_fail(const struct loader *, const char *sentence, EFI_STATUS status);

#endif
