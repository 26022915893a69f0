/* efi/memory/map.h: the firmware's memory map, the pages that the loader takes, and the exit. */
#ifndef EFI_MEMORY_MAP_H
#define EFI_MEMORY_MAP_H

#include "efi/base/loader.h"

/* Take pages of LoaderData whose last byte is at or below `limit` (0: anywhere). Returns the physical
 * address of the first, or 0 when there are none; page 0 counts as none, and so do pages that are not
 * what was asked for. */
uint64_t map_take_pages(const struct loader *, uint64_t pages, uint64_t limit);

/* Take the pages of LoaderData at `address`, a multiple of 4 KiB. False: they are not free. */
bool map_take_at(const struct loader *, uint64_t address, uint64_t pages);

/* Take the buffer for the map, with room for 512 descriptors more than there are, and boot_info.map;
 * then read the map a first time (UEFI 2.10 section 7.2.3). An error is one of the firmware's,
 * EFI_OUT_OF_RESOURCES, or EFI_COMPROMISED_DATA for a map that cannot be read as one. */
EFI_STATUS map_prepare(struct loader *);

/* Read the map again into loader.map. If it cannot be read, loader.map stays as it was. */
void map_refresh(struct loader *);

/* Leave boot services (UEFI 2.10 section 7.4.6), in 64 attempts at most. False: the firmware refused to
 * the last, and L2 binds. `*touched` says whether ExitBootServices was ever called; if not, services
 * still work. After a success interrupts are off, and boot_info.exit_tsc and .exit_attempts are set. */
bool map_exit(struct loader *, bool *touched);

/* After the exit: write the raw map into boot_info.map, in the firmware's order. O(descriptors). */
void map_convert(const struct loader *);

#endif
