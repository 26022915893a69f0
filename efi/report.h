/* efi/report.h: mortise-report.txt. */
#ifndef EFI_REPORT_H
#define EFI_REPORT_H

#include "efi/base/loader.h"

/* Write the log of an earlier boot, if there is one (kept_write()), and then mortise-report.txt: what is
 * known before the exit, each line behind a #, and the raw map in the lines of a .map file. With
 * report=off nothing is written. */
void report_write(struct loader *);

/* Entry `index` of the map, below rawmap_count(), as a line of a .map file: "7 0x1000 0x2000 0xf" (type,
 * start, end, attributes). It lasts as TEXT() does. */
const char *report_map_line(const struct loader *, size_t index);

#endif
