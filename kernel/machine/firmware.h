/* kernel/machine/firmware.h: reads what the firmware has left in memory, wherever it lies.
 *
 * Most firmware keeps its tables in memory that its map calls ACPI memory. Some keeps them in memory that
 * the map calls reserved (coreboot, ACRN, UEFI on top of a BIOS) or does not list at all (the BIOS area
 * below 1 MiB; all of them, if the map lists nothing but free RAM). The direct map shows only the first
 * kind. So this module maps each range that is read: read-only, write-back, at a place of its own in the
 * kernel's space (SPACE_SCRATCH in kernel/memory/space.h), until firmware_close().
 *
 *   F1  it never reads device memory, faulty memory or unaccepted memory, as the map has them, nor a
 *       framebuffer in RAM, nor page 0 (which nothing maps), nor anything beyond the CPU's address
 *       width: such a read may act on a device, raise a machine check, or stop a guest
 *   F2  after firmware_close() nothing of all that is mapped
 *
 * Memory that the map does not list may still belong to a device. Firmware makes devices uncached in the
 * MTRRs, and a write-back page over uncached memory stays uncached (Intel SDM vol. 3A, 11.5.2.2).
 *
 * Context: as kernel/boot_info.h, in the kernel's own space, after memory_use_space().
 */
#ifndef KERNEL_MACHINE_FIRMWARE_H
#define KERNEL_MACHINE_FIRMWARE_H

#include "mm/memmap.h"

/* Returns NULL if the `size` bytes (1 or more) from physical `at` on may be read (F1), else why not: a
 * constant sentence whose subject is "it". Any numbers are legal. Pure.
 * O(log(regions) + regions that the bytes touch). */
const char *firmware_refuse(const struct memmap *, hal_paddr_t at, uint64_t size);

/* Returns the `size` bytes (1 to 16 MiB) from physical `at` on, of any alignment, which stay mapped until
 * firmware_close(). If they cannot be read it returns NULL, and `*why` says why, as firmware_refuse()
 * does, or that no memory or no address is left for the mapping. Page tables come from tables_source; the
 * window of 64 GiB is larger than 2052 tables of 16 MiB and their headers. O(pages of the range). */
const unsigned char *firmware_read(const struct memmap *, hal_paddr_t at, uint64_t size,
                                   const char **why);

/* Unmap everything that firmware_read() has mapped; its pointers are no longer valid. O(pages). */
void firmware_close(void);

#endif
