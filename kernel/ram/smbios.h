/* kernel/ram/smbios.h: walks the structures of the SMBIOS, whose bytes may be anything. Pure: it does no
 * I/O, prints nothing, and sees memory through the caller's view only. Any context.
 *
 * Source: DMTF DSP0134, "System Management BIOS Reference Specification" 3.7: the 2.1 entry point 5.2.1,
 * the 3.0 entry point 5.2.2, structures 6.1.2, text strings 6.1.3, end of table 7.45.
 *
 *   D1  whatever the table says, only bytes that the view gave are read
 *   D2  an entry point counts only if its mark, its length and its checksum are right
 *   D3  time is bounded by the bytes of the table: each structure is stepped over by its own length and the
 *       strings behind it; one that does not fit ends the table, and the cursor says so
 *   D4  a field beyond a structure's length is 0, and a string that is not there is empty
 */
#ifndef KERNEL_RAM_SMBIOS_H
#define KERNEL_RAM_SMBIOS_H

#include "hal/short.h"

/* Give the `size` bytes (1 to 16 MiB) at physical `at`, of any alignment; they stay as they are for as long
 * as the table is used. NULL when not all of them can be read; `*why` is then a constant sentence whose
 * subject is "it". */
typedef const unsigned char *smbios_view_fn(const void *ctx, hal_paddr_t at, uint64_t size,
                                            const char **why);

struct smbios_view {
    smbios_view_fn *read;
    const void *ctx;
};

struct smbios_table {
    const unsigned char *bytes;
    uint32_t size;       /* as much as can be read of what the entry point names */
    uint32_t structures; /* 0: up to the end mark */
    uint8_t major, minor;
};

/* Find the table by the entry point at `entry` (0: there is none), of either kind. Returns NULL, or a
 * constant sentence whose subject is "it", the entry point or the table. O(1) but for the view. */
const char *smbios_open(struct smbios_table *, const struct smbios_view *, hal_paddr_t entry);

/* Where a walk is; all zero but for the table at first. */
struct smbios_cursor {
    const struct smbios_table *table;
    uint32_t at, met; /* bytes and structures that lie behind */
    bool broken;      /* the table ended before its last structure, or that does not fit (D3) */
};

struct smbios_item {
    const unsigned char
        *bytes; /* its formatted part, of `length` bytes, and `text_size` bytes of text */
    uint32_t text_size;
    uint8_t type, length;
    uint16_t handle;
};

/* The next structure. False at the end of the table. O(its bytes). */
bool smbios_next(struct smbios_cursor *, struct smbios_item *);

/* The field of `width` bytes (1 to 8) at `offset` (D4). O(1). */
uint64_t smbios_field(const struct smbios_item *, unsigned offset, unsigned width);

/* Copy the string whose number stands in the byte at `offset`, cut to size - 1 characters, in printable ASCII
 * without quotation marks; what is not such is '?'. O(bytes of the structure's strings). */
void smbios_text(const struct smbios_item *, unsigned offset, char *text, size_t size);

#endif
