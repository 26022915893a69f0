/* efi/talk/badlist.h: the list of bad pages on the disk that the image came from: BADLIST_NAME, in the root,
 * words `bad=` (kernel/options.h). It is written and removed only when a person asks for it in the menu, and
 * read at each start, when its words are options like any other.
 *
 * Both the file and the log of an earlier boot are text from outside: of all that stands there only
 * well-formed words `bad=` count. A list holds BOOT_TEXT_SIZE characters; where its pages take more, the
 * nearest become one range (efi/talk/bad_text.h), and none is lost.
 */
#ifndef EFI_TALK_BADLIST_H
#define EFI_TALK_BADLIST_H

#include "efi/base/loader.h"

/* Add the words of the file to the options, behind those of mortise.cfg and LoadOptions. No file is no
 * list. */
void badlist_read(struct loader *);

/* Find the words in which the last run's log told of bad pages: `length` bytes of text, any bytes. Those
 * that are in the options already are left out. */
void badlist_find(struct loader *, const char *log, size_t length);

/* The words found, and those of the file, with a blank between two; "": none. */
const char *badlist_found(void);
const char *badlist_kept(void);

/* Add the words found to the file and to the options. */
void badlist_keep(struct loader *);

/* Remove the file, and its words from the options. */
void badlist_forget(struct loader *);

#endif
