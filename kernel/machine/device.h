/* kernel/machine/device.h: registers of devices that tables name, wherever they lie. Context: as
 * kernel/boot_info.h. */
#ifndef KERNEL_MACHINE_DEVICE_H
#define KERNEL_MACHINE_DEVICE_H

#include "hal/machine.h"
#include "kernel/machine/acpi.h"

/* Reach `bytes` (1 to 65536) at an address that a table gives. Memory is mapped for good, uncached,
 * which takes one of 8 places whoever asks; it is refused when none is left, where the memory map
 * says that the first byte is RAM, beyond the CPU's physical width, and without pages for tables.
 * Ports are refused when they run past 65535, and where there are none. Only after memory_use_space(). */
struct machine_register device_reach(struct acpi_address, uint64_t bytes);

#endif
