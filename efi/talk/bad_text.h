/* efi/talk/bad_text.h: texts that name bad pages: words `bad=` (kernel/options.h) with a blank between two,
 * sorted, no two ranges touching. A text loses no page: while it has no room for all ranges, the two
 * that are nearest to each other become one, with what lies between them.
 *
 * Pure: any context. Texts hold BOOT_TEXT_SIZE characters at most, with their NUL. Pages beyond 2^52, where
 * no machine has memory, are left out. Costs are O(words^2).
 */
#ifndef EFI_TALK_BAD_TEXT_H
#define EFI_TALK_BAD_TEXT_H

#include "kernel/boot_info.h"
#include "kernel/options.h"

#define BAD_TEXT_LEAST 32u /* characters, with the NUL: enough for one range, however large */

/* Does the text name all of these pages? It may have other words too. */
bool bad_text_has(const char *text, const struct options_bad *pages);

/* Add pages to a text that holds `size` characters, BAD_TEXT_LEAST at least, with its NUL. */
void bad_text_add(char *text, size_t size, const struct options_bad *pages);

/* Make a text shorter than `size` characters, BAD_TEXT_LEAST at least. */
void bad_text_fit(char *text, size_t size);

#endif
