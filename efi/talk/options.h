/* efi/talk/options.h: the options, from where a person wrote them to loader.options. What words they are,
 * and which of them wins, is in kernel/options.h. */
#ifndef EFI_TALK_OPTIONS_H
#define EFI_TALK_OPTIONS_H

#include "efi/base/loader.h"

/* Fill boot_info.options: first from mortise.cfg (beside the .EFI, else in \EFI\BOOT, else in the root),
 * then from LoadOptions. Then fill loader.options. Either may be absent; what cannot be read is a
 * note. */
void options_read(struct loader *);

/* Add `length` characters of words that a person typed to boot_info.options, and fill loader.options
 * again. What does not fit is a note. */
void options_add(struct loader *, const char *words, size_t length);

#endif
