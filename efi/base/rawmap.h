/* efi/base/rawmap.h: reads the firmware's memory map, of which it believes nothing.
 *
 * The layout is UEFI 2.10 section 7.2.3: type at 0, first address at 8, pages at 24, attributes at
 * 32. Descriptors are `stride` bytes apart, which is more than their 40 bytes on most firmware.
 * No UEFI types, no allocation; any context; O(1) where no cost is told.
 *
 *   R1  only bytes [0, bytes) are read, and only whole descriptors; stride is a multiple of 8 and
 *       at least RAWMAP_DESCRIPTOR (the caller has asked rawmap_stride_ok())
 */
#ifndef EFI_BASE_RAWMAP_H
#define EFI_BASE_RAWMAP_H

#include "kernel/boot_info.h"

#define RAWMAP_DESCRIPTOR 40u /* bytes of a descriptor that every firmware fills */

struct rawmap {
    const uint8_t *at;
    size_t bytes;
    size_t stride; /* bytes */
};

/* Can the descriptors of a map be so many bytes apart? */
bool rawmap_stride_ok(size_t stride);

/* The number of whole descriptors in the map. */
size_t rawmap_count(const struct rawmap *);

/* Descriptor `index`, below rawmap_count(). When its end passes 2^64, `end` wraps and is less than `base`,
 * by which the reader can tell; when `base` is 0, so that nothing could be less, `end` is the last page
 * border there is. */
struct boot_mem rawmap_get(const struct rawmap *, size_t index);

/* Does one descriptor hold all of [base, base + size)? Descriptors of a device, of faulty and of
 * unaccepted memory do not count. The answer says whether an address that the firmware gave may be read
 * at all. O(descriptors). */
bool rawmap_covers(const struct rawmap *, uint64_t base, uint64_t size);

#endif
