/* kernel/ram/ram_log.h: reads the SMBIOS of this machine and logs where its RAM is. Context: as
 * kernel/boot_info.h, in the kernel's own space, after memory_use_space(). */
#ifndef KERNEL_RAM_RAM_LOG_H
#define KERNEL_RAM_RAM_LOG_H

#include "kernel/boot_info.h"
#include "mm/memmap.h"

/* Read which slots there are, wherever the tables lie (kernel/machine/firmware.h), and log where they were
 * found, or why not. Call it once, before any memory is handed out, for they may lie in memory that the
 * firmware gave back. O(bytes of the tables). */
void ram_read(const struct boot_info *, const struct memmap *);

/* Log the block (kernel/ram/ram_tell.h) for a map that has not changed but for its owners. After ram_read().
 * O(regions + slots). */
void ram_log(const struct memmap *);

#endif
