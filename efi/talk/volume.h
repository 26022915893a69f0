/* efi/talk/volume.h: the file system that the image came from.
 *
 * volume_create() and what follows it are the only functions of Mortise that write to a disk, and
 * REPORT_NAME, KEPT_NAME and BADLIST_NAME are all that they write. Several calls make one file, and a failure in any
 * of them is kept, so a caller looks only at the end: volume_create, volume_line and volume_write in
 * any number, volume_finish.
 */
#ifndef EFI_TALK_VOLUME_H
#define EFI_TALK_VOLUME_H

#include "efi/base/loader.h"

#define REPORT_NAME  "mortise-report.txt"
#define KEPT_NAME    "mortise-log.txt"
#define BADLIST_NAME "mortise-bad.txt" /* when a person asks for it */

struct volume_file {
    const char *name;
    EFI_FILE_PROTOCOL *root, *file;
    EFI_STATUS status; /* the first failure; nothing is written after it */
    size_t used;       /* bytes of the buffer that are filled */
    char buffer[4096];
};

/* The root folder, which the caller closes; NULL when there is no file system. */
EFI_FILE_PROTOCOL *volume_open(const struct loader *);

/* Read a file of the root folder: its bytes, at most `capacity`; 0: there is none, or it cannot be read,
 * which is a note. */
size_t volume_read(const struct loader *, const char *name, uint8_t *bytes, size_t capacity);

/* Begin a new file `name` in the root folder, in place of an older one. A folder of that name, or a file
 * that is read-only, is left alone, which is a failure (EFI_ACCESS_DENIED). */
void volume_create(const struct loader *, struct volume_file *, const char *name);

/* Add `text` and a new line, by way of the buffer. */
void volume_line(struct volume_file *, const char *text);

/* Add bytes past the buffer; so not after a line. */
void volume_write(struct volume_file *, const char *bytes, size_t count);

/* Write what is in the buffer, close the file, and say how it went. A file that could not be written
 * whole is removed, and a note says why. `status` can be read afterwards. */
void volume_finish(const struct loader *, struct volume_file *);

/* Remove a file of that name from the root folder, and say how it went. */
void volume_remove(const struct loader *, const char *name);

#endif
