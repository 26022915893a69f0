/* kernel/ram/ram.h: where the RAM is: what is installed, against what the memory map has. Pure: any context.
 *
 * A firmware's map says of most memory whether it is RAM. Reserved memory may be RAM that the firmware keeps,
 * or addresses of devices, and the map does not tell. It counts as RAM where more RAM follows below 4 GiB; or
 * where it touches other RAM and is smaller than RAM_RESERVED_MAX (stolen graphics memory and SMM's lie so;
 * the windows of PCI Express, which are larger or stand alone, do not).
 *
 * All numbers are bytes, and whole pages.
 *
 *   W1  mapped = allocatable + the sum of kept[]
 *   W2  installed + surplus = mapped + missing, where `installed` is known; one of surplus and missing is 0
 *   W3  mapped = low + high: RAM below 4 GiB, and from there on; low + low_gap = 4 GiB
 *   W4  remapped is the RAM from 4 GiB on that would lie below if no addresses there were kept for devices:
 *       the lesser of high and low_gap
 */
#ifndef KERNEL_RAM_RAM_H
#define KERNEL_RAM_RAM_H

#include "kernel/ram/slots.h"
#include "mm/memmap.h"

#define RAM_RESERVED_MAX (256 * MIB)

struct ram {
    bool
        known; /* all that is installed is told, with its size: else installed, missing and surplus are 0 */
    uint64_t installed;
    uint64_t mapped;
    uint64_t allocatable;          /* what the page allocator may get (mem_type_is_free_ram) */
    uint64_t kept[MEM_TYPE_COUNT]; /* RAM that it may not get, by type */
    uint64_t missing;              /* installed, and not in the map */
    uint64_t surplus;              /* in the map, and not installed */
    uint64_t low, low_gap, high, remapped;
};

/* Fill `*r` from a normalized map, whose owners do not matter, and the slots. O(regions). */
void ram_count(struct ram *, const struct memmap *, const struct slots *);

/* Is slot `i`, which is filled, not in the map: are its addresses told, and is none of them RAM there?
 * O(ranges * (slots + ranges) + regions). */
bool ram_lacks_slot(const struct memmap *, const struct slots *, uint32_t i);

#endif
