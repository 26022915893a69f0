/* kernel/memory/bad.h: pages that the user says are bad (kernel/options.h), kept out of everything from
 * the map on. Context: as kernel/boot_info.h.
 *
 * Only memory that Mortise would use becomes bad: what is no RAM, or the firmware's, stays what it is, and
 * so does what the image, the boot stack or another owner already lies in. All is told, a line for each
 * piece, the same in the log and in the loader's report:
 *
 *     0x0000000001234000 0x0000000001235000, 1 pages kept from use
 *     0x0000000001300000 0x0000000001301000 cannot be kept from use: kernel image
 */
#ifndef KERNEL_MEMORY_BAD_H
#define KERNEL_MEMORY_BAD_H

#include "mm/memmap.h"

/* Told of each piece: printable ASCII without a line's end, valid until it returns. */
typedef void bad_tell_fn(void *ctx, const char *line);

/* Before anything is taken out of the map. Leaves the last `spare` slots of its storage alone: what has no
 * slot is said to be used all the same. `options` has `size` bytes at most; `ctx` goes to `tell`.
 * O(size * regions). */
void bad_reserve(struct memmap *, const char *options, size_t size, size_t spare, bad_tell_fn *tell,
                 void *ctx);

#endif
