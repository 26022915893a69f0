/* kernel/machine/rsdp.h: ACPI's root pointer, judged and not trusted. Pure; any context. */
#ifndef KERNEL_MACHINE_RSDP_H
#define KERNEL_MACHINE_RSDP_H

#include "hal/base.h"

/* NULL when the `size` bytes, any number of any value, begin with a sound ACPI root pointer
 * (ACPI 6.5, 5.2.5.3), else a constant: what is wrong. O(size), 4096 bytes at most. */
const char *rsdp_refuse(const unsigned char *bytes, uint64_t size);

#endif
