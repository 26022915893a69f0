/* kernel/machine/device.h: registers of devices that tables name, wherever they lie. Context: as
 * kernel/boot_info.h. */
#ifndef KERNEL_MACHINE_DEVICE_H
#define KERNEL_MACHINE_DEVICE_H

#include "hal/machine.h"
#include "kernel/machine/acpi.h"
#include "mm/memmap.h"

/* May the registers of a device lie at these `bytes` (1 or more)? Not in page 0, not beyond the
 * physical address width, and not where the normalized map says that any byte of them is RAM
 * (mem_type_is_ram), which would then be mapped with two memory types. Any numbers are legal. Pure.
 * O(log(regions) + regions that are touched). */
bool device_may_lie(const struct memmap *, paddr_t at, uint64_t bytes);

/* Reach `bytes` (1 to 65536) at an address that a table gives. Memory is mapped for good, uncached,
 * which takes one of 8 places whoever asks; it is refused when none is left, where device_may_lie()
 * says no, and without pages for tables. Ports are refused when they run past 65535, and where there are none. Only after memory_use_space(). */
struct machine_register device_reach(struct acpi_address, uint64_t bytes);

#endif
