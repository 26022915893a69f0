/* kernel/firmware.h: the firmware's table pointers, judged and not trusted. What ACPI's leads to is
 * kernel/platform.h's business; nothing of SMBIOS is used. */
#ifndef KERNEL_FIRMWARE_H
#define KERNEL_FIRMWARE_H

#include "kernel/boot_info.h"
#include "mm/memmap.h"

/* NULL when the `size` bytes begin with a sound ACPI root pointer, else what is wrong. */
const char *firmware_refuse_rsdp(const unsigned char *bytes, uint64_t size);

/* Log one line for SMBIOS. After the page tables are ours. */
void firmware_report(const struct boot_info *, const struct memmap *);

#endif
