/* kernel/memory/device.h: registers of devices that tables name, wherever they lie. Context: as
 * kernel/boot_info.h. */
#ifndef KERNEL_MEMORY_DEVICE_H
#define KERNEL_MEMORY_DEVICE_H

#include "kernel/machine/acpi.h"

/* A register that can be reached: mapped, or at an I/O port. Both 0: it cannot. */
struct device_register {
    volatile void *at;
    uint16_t port;
};

/* Reach `bytes` (1 to 65536) at an address that a table gives. Memory is mapped for good, uncached,
 * which takes one of 8 places whoever asks; it is refused when none is left, where the memory map
 * says that the first byte is RAM, beyond the CPU's physical width, and without pages for tables.
 * Ports are refused when they run past 65535. Only after memory_use_space(). */
struct device_register device_reach(struct acpi_address, uint64_t bytes);

/* Can it be used? */
bool device_reached(struct device_register);

/* Read and write a register of `bits` bits, 8, 16 or 32; any other number counts as 8. One access
 * of that width. One that cannot be reached reads as 32 ones, and a write to it is nothing. */
uint32_t device_get(struct device_register, unsigned bits);
void device_set(struct device_register, unsigned bits, uint32_t value);

#endif
