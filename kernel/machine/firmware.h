/* kernel/machine/firmware.h: the firmware's table pointers, judged and not trusted. What ACPI's leads to is
 * kernel/machine/platform.h's business; nothing of SMBIOS is used. Context: as kernel/boot_info.h. */
#ifndef KERNEL_MACHINE_FIRMWARE_H
#define KERNEL_MACHINE_FIRMWARE_H

#include "kernel/boot_info.h"
#include "mm/memmap.h"

/* NULL when the `size` bytes, any number of any value, begin with a sound ACPI root pointer
 * (ACPI 6.5, 5.2.5.3), else a constant: what is wrong. Pure. O(size), 4096 bytes at most. */
const char *firmware_refuse_rsdp(const unsigned char *bytes, uint64_t size);

/* Log one line for SMBIOS: where its entry point lies. Nothing is read. */
void firmware_report(const struct boot_info *, const struct memmap *);

#endif
