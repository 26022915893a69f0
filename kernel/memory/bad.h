/* kernel/memory/bad.h: pages that the user says are bad (kernel/options.h), kept out of everything from
 * the map on. Context: as kernel/boot_info.h.
 *
 * Only memory that Mortise would use becomes bad: what is no RAM, or the firmware's, stays what it is, and
 * so does what the image, the boot stack or another owner already lies in. All is logged, a line for each
 * piece:
 *
 *     bad: 0x0000000001234000 0x0000000001235000, 1 pages kept from use
 *     bad: 0x0000000001300000 0x0000000001301000 cannot be kept from use: kernel image
 */
#ifndef KERNEL_MEMORY_BAD_H
#define KERNEL_MEMORY_BAD_H

#include "mm/memmap.h"

/* Before anything is taken out of the map. Leaves the last `spare` slots of its storage alone: what has no
 * slot is said to be used all the same. `options` has `size` bytes at most. O(size * regions). */
void bad_reserve(struct memmap *, const char *options, size_t size, size_t spare);

#endif
