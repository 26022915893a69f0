/* efi/arch/places.h: addresses that mean something on this architecture. Constants; any context. */
#ifndef EFI_ARCH_PLACES_H
#define EFI_ARCH_PLACES_H

#include "hal/base.h"

/* The last byte that the page may have through which other CPUs are started (boot_info.trampoline); 0:
 * they need none. */
uint64_t places_trampoline(void);

/* Place `index` at which the kept log is looked for, a multiple of 4 KiB; 0: there are no more. Places
 * that firmware leaves free on most machines, each at the border of a large block, so that it splits
 * none. The same at every start. */
uint64_t places_kept(size_t index);

/* May `size` bytes from `address` on be read as tables, though no entry of the map covers them? */
bool places_tables(uint64_t address, uint64_t size);

#endif
