/* kernel/machine/device.h: reaches the registers of devices that tables name, wherever they lie.
 * Context: as kernel/boot_info.h. */
#ifndef KERNEL_MACHINE_DEVICE_H
#define KERNEL_MACHINE_DEVICE_H

#include "hal/machine.h"
#include "kernel/machine/acpi_facts.h"
#include "mm/memmap.h"

/* May the registers of a device lie in the `bytes` (1 or more) from `at` on? Not if any of them
 * lies in page 0, beyond the physical address width, or in RAM by the normalized map
 * (mem_type_is_ram), which would then be mapped with two memory types. Any numbers are legal. Pure.
 * O(log(regions) + regions that the bytes touch). */
bool device_may_lie(const struct memmap *, hal_paddr_t at, uint64_t bytes);

/* Reach the `bytes` (1 to 65536, of memory to 1 GiB) of registers at an address that a table gives.
 * Memory is mapped uncached and stays mapped; there is room for 8 GiB of such blocks in all.
 * Neither member of the answer is set if the address is 0, if there is no room or no page for a
 * table, if device_may_lie() says no, if the ports would run past 65535, or if the machine has no
 * ports. Call it only after memory_use_space(). */
struct machine_register device_reach(struct acpi_address, uint64_t bytes);

/* Call visit() with registers in memory that are mapped only meanwhile. False, and not called: what
 * device_reach() refuses, but for the number of places. Not nested. */
bool device_visit(hal_paddr_t at, uint64_t bytes, void (*visit)(volatile void *registers));

#endif
