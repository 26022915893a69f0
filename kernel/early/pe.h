/* kernel/early/pe.h: the headers of a PE32+ image as it lies in memory, and moving it.
 *
 * Nothing is trusted: every offset is checked against the image's size, so any bytes are legal
 * input. Pure: any context. Format: Microsoft, "PE Format". Errors are constant sentences.
 */
#ifndef KERNEL_EARLY_PE_H
#define KERNEL_EARLY_PE_H

#include "hal/base.h"

struct pe_section { /* as it stands in the image */
    char name[8];
    uint32_t virtual_size, address, raw_size, raw_offset, unused[3], flags;
};
_Static_assert(sizeof(struct pe_section) == 40, "a PE section header has 40 bytes");
_Static_assert(offsetof(struct pe_section, virtual_size) == 8 &&
                   offsetof(struct pe_section, address) == 12 &&
                   offsetof(struct pe_section, flags) == 36,
               "PE Format, Section Table");

/* Section flags (PE Format): IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_WRITE. */
#define PE_EXECUTE 0x20000000u
#define PE_WRITE   0x80000000u

struct pe_image {
    unsigned char *bytes;
    uint64_t size;                     /* bytes */
    const struct pe_section *sections; /* in `bytes` */
    unsigned section_count;
    uint64_t directories; /* offset of the data directories */
    unsigned directory_count;
};

/* Data directories, by number (PE Format, Optional Header Data Directories). */
#define PE_EXCEPTIONS  3u
#define PE_RELOCATIONS 5u

/* Read the headers, which must lie in the first page: `bytes` is 4-byte aligned, `size` what can be
 * read there, 4 KiB to 1 GiB. NULL, or what is wrong with them. When NULL: each section begins on a
 * page, is not empty, lies in the image behind the headers' page and behind the section before it,
 * and is not both writable and executable. O(sections). */
const char *pe_open(struct pe_image *, void *bytes, uint64_t size);

/* Bytes of a section in memory, a multiple of 4 KiB. */
uint64_t pe_section_size(const struct pe_section *);

/* Where a directory lies and its bytes; false when there is none or it does not lie in the image,
 * 4-byte aligned (`*offset` and `*size` then mean nothing). */
bool pe_directory(const struct pe_image *, unsigned number, uint64_t *offset, uint64_t *size);

/* Move the image, whose pointers are good for the address `from`, to `to`: each site that the
 * relocation directory names, in ascending order, none overlapping another, the first page or the
 * directory, must hold an address in the image or its end, and gets the difference added. NULL, and
 * `*sites` is their number; or what is wrong, and nothing was changed. The bytes at the sites must
 * be writable. O(sites). */
const char *pe_relocate(const struct pe_image *, uint64_t from, uint64_t to, uint64_t *sites);

#endif
