/* kernel/memory/unfit.h: keeps RAM out of use that the firmware's map offers but that is unfit: a device
 * writes to it, or the CPU does not cache it write-back, which makes it very slow. */
#ifndef KERNEL_MEMORY_UNFIT_H
#define KERNEL_MEMORY_UNFIT_H

#include "mm/memmap.h"

/* Log how the CPU caches memory. Give each page of unfit RAM that has no owner yet an owner whose label
 * says what is wrong with it, and log that. If less than half of the free RAM is write-back, the CPU is
 * not believed: nobody has set up its registers, as in some virtual machines. `spare` slots of the map's
 * storage stay free; unfit RAM for which no slot is left is used all the same, and the log says how much.
 * The map is normalized. Context: as kernel/boot_info.h, after cpu_own(). O(ranges * regions). */
void unfit_reserve(struct memmap *, size_t spare);

#endif
