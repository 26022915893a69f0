/* kernel/machine/parts.h: puts to use what the tables name besides CPUs, nodes and the serial
 * console: the interrupt controller, the firmware that goes on running, restart and power-off, the
 * clock. Context: as kernel/boot_info.h, in the kernel's own space. */
#ifndef KERNEL_MACHINE_PARTS_H
#define KERNEL_MACHINE_PARTS_H

#include "kernel/boot_info.h"

/* Use them; what cannot be reached is said in the log. No device is heard any more (machine_use());
 * clock_find() sets boot->tsc_hz. Call it once, after platform_read() and memory_make_pmm(). Takes
 * as long as clock_find(). */
void parts_use(struct boot_info *boot);

#endif
