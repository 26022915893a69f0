/* efi/memory/early.h: memory that the kernel writes to before it has page tables of its own.
 *
 * Until then it stands on the firmware's tables, and nobody promises that these map memory that is
 * free: some firmware unmaps it, so that a stray pointer faults. So the loader takes what is needed.
 */
#ifndef EFI_MEMORY_EARLY_H
#define EFI_MEMORY_EARLY_H

#include "efi/base/loader.h"
#include "mm/memmap.h"

/* Take the boot stack, room for the cleaned map, and pages for page tables: boot_info.stack_*, .regions*
 * and .tables*, below 4 GiB if it can be had. What the direct map of this machine's RAM can need of page
 * tables is worked out from the map, so after map_prepare(); what is too much goes back to the page
 * allocator with all other memory of the loader. False: there is not that much memory.
 * O(n log n) in the entries of the map. */
bool early_take(const struct loader *);

/* Clean the last map that was read as the kernel will, in the room that it will use: boot_info.regions. After
 * early_take(). False: there is not that much room. O(n log n) in the entries of the map. */
bool early_clean(const struct loader *, struct memmap *);

#endif
