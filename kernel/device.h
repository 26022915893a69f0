/* kernel/device.h: registers of devices that tables name, wherever they lie. */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include "kernel/acpi.h"

/* A register that can be reached: mapped, or at an I/O port. Both 0: it cannot. */
struct device_register {
    volatile void *at;
    uint16_t port;
};

/* Reach `bytes` at an address that a table gives. Memory is mapped for good, uncached, and refused
 * where the memory map says RAM. Only after memory_use_space(). */
struct device_register device_reach(struct acpi_address, uint64_t bytes);

bool device_reached(struct device_register);

/* Read and write a register of `bits` bits, 8, 16 or 32; any other number counts as 8. One that
 * cannot be reached reads as all ones. */
uint32_t device_get(struct device_register, unsigned bits);
void device_set(struct device_register, unsigned bits, uint32_t value);

#endif
