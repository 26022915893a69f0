/* efi/memory/kept.h: the log that an earlier boot left in memory (kernel/log/keep.h). */
#ifndef EFI_MEMORY_KEPT_H
#define EFI_MEMORY_KEPT_H

#include "efi/base/loader.h"

/* Take the block of the kept log for boot_info.keep, at one of the architecture's places (places_kept()):
 * the first place where an earlier boot left a log, whose bytes are then loader.kept_length; else the
 * first place that is free. That none is free is a note, and so is a log that is damaged. loader.kept_result
 * becomes the JSON of the log's line "result:"; of a boot that did not come so far {"verdict":"fail"}, as it said
 * itself, or {"verdict":"none"}. */
void kept_find(struct loader *);

/* The text of that log: loader.kept_length bytes of text from outside. */
const char *kept_text(const struct loader *);

/* Write a log that was found to mortise-log.txt, once; again only if that failed. */
void kept_write(struct loader *);

#endif
