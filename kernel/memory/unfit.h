/* kernel/memory/unfit.h: RAM that the firmware's map offers and that had better not be used: a device
 * spoils it, or the CPU does not cache it write-back, so that it is very slow. */
#ifndef KERNEL_MEMORY_UNFIT_H
#define KERNEL_MEMORY_UNFIT_H

#include "mm/memmap.h"

/* Log how the CPU caches memory, and give every page of unfit RAM that has no owner yet one with a
 * label, and a line in the log. If less than half of the free RAM is write-back (a virtual machine
 * whose registers nobody has set), what the CPU says is not believed. `spare` slots of the map's storage are
 * left; RAM for which there are no more is used all the same, and the log says how much. The map is
 * normalized. Context: as kernel/boot_info.h, after cpu_own(). O(ranges * regions). */
void unfit_reserve(struct memmap *, size_t spare);

#endif
