/* kernel/firmware.h: the firmware tables that were handed over, judged and not trusted. Nothing of
 * them is used yet; what is wrong with a pointer is said in the log. */
#ifndef KERNEL_FIRMWARE_H
#define KERNEL_FIRMWARE_H

#include "kernel/boot_info.h"
#include "mm/memmap.h"

/* NULL when the `size` bytes begin with a sound ACPI root pointer, else what is wrong. */
const char *firmware_refuse_rsdp(const unsigned char *bytes, uint64_t size);

/* Log one line for each table pointer. After the page tables are ours. */
void firmware_report(const struct boot_info *, const struct memmap *);

#endif
