/* kernel/memory/window.h: where the firmware says that memory may be added later, told to the map before
 * the page allocator is made, so that its tables are large enough for pmm_add() (mm/pmm_hotplug.h).
 * Context: as kernel/boot_info.h, after memory_read_map() and before memory_make_pmm().
 *
 *   V1  a window holds holes of the map alone, above the RAM or above 4 GiB: the holes below are devices'
 *   V2  all windows together are at most WINDOW_TIMES as large as the RAM, so that their tables take less
 *       than a four-hundredth of it, whatever the firmware claims; the first in address order are kept
 *   V3  a window ends where the direct map does, which has to map what is added
 */
#ifndef KERNEL_MEMORY_WINDOW_H
#define KERNEL_MEMORY_WINDOW_H

#include "mm/memmap.h"

#define WINDOW_TIMES 32u

/* Open a window wherever [base, base + size), which does not wrap, has a hole that V1 allows, and log each;
 * what V2, V3 or the map's storage does not let in is logged too, and stays a hole. `spare` is how many
 * slots of the map's storage are left for others. O(regions ^ 2). */
void window_open(struct memmap *, hal_paddr_t base, uint64_t size, size_t spare);

#endif
