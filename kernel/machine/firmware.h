/* kernel/machine/firmware.h: what the firmware has left in memory, read wherever it lies.
 *
 * Tables lie in memory that the firmware's map calls ACPI memory; but also in memory that it calls
 * reserved (coreboot, ACRN, UEFI on top of a BIOS), or that it does not list at all (the BIOS area
 * below 1 MiB; everything, where the map lists nothing but free RAM). The direct map has only the
 * first kind. So every range is mapped for the reader: read-only, write-back, at a place of its own
 * in the kernel's space (kernel/memory/space.h, SPACE_SCRATCH), until firmware_close().
 *
 *   F1  nothing is read from what the map calls device memory, faulty or unaccepted, from a
 *       framebuffer in RAM, from page 0 (which nothing maps), or beyond the CPU's address width:
 *       a read there may act on a device, raise a machine check, or stop a guest
 *   F2  after firmware_close() nothing of it is mapped
 *
 * Memory that the map does not list may belong to a device all the same. There the MTRRs decide, in
 * which firmware makes devices uncached: a write-back page over them stays uncached (Intel SDM vol.
 * 3A, 11.5.2.2).
 *
 * Context: as kernel/boot_info.h, in the kernel's own space, after memory_use_space().
 */
#ifndef KERNEL_MACHINE_FIRMWARE_H
#define KERNEL_MACHINE_FIRMWARE_H

#include "mm/memmap.h"

/* NULL when the `size` bytes (1 or more) from physical `at` on may be read (F1), else why not: a
 * constant sentence whose subject is "it". Any numbers are legal. Pure.
 * O(log(regions) + regions that are touched). */
const char *firmware_refuse(const struct memmap *, paddr_t at, uint64_t size);

/* The `size` bytes (1 to 16 MiB) from physical `at` on, of any alignment; they stay until
 * firmware_close(). NULL: they cannot be read, and `*why` says why, as firmware_refuse() does. Page
 * tables come from tables_source. The window has 64 GiB, more than 2052 tables of 16 MiB and their
 * headers take. O(pages of the range). */
const unsigned char *firmware_read(const struct memmap *, paddr_t at, uint64_t size,
                                   const char **why);

/* Take away everything that firmware_read() has mapped. Its pointers are void then. O(pages). */
void firmware_close(void);

#endif
