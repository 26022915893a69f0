/* kernel/machine/rsdp.h: judges ACPI's root pointer. Pure; any context. */
#ifndef KERNEL_MACHINE_RSDP_H
#define KERNEL_MACHINE_RSDP_H

#include "hal/base.h"

/* Returns NULL if the `size` bytes begin with a sound root pointer (ACPI 6.5, 5.2.5.3), else a constant
 * sentence that says what is wrong. Any bytes, and any number of them, are legal. Reads 4096 bytes at
 * most. */
const char *rsdp_refuse(const unsigned char *bytes, uint64_t size);

#endif
