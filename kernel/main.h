/* kernel/main.h: where the kernel begins. */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include "kernel/boot_info.h"

/* Entered on the firmware's stack with boot services gone and interrupts off; the struct is copied
 * at once. A panic when the boot stack is not page-aligned, has less than 16 KiB or more than
 * SPACE_STACK_SLOT (kernel/memory/space.h) less 8 KiB. Never returns. */
_Noreturn void kernel_enter(struct boot_info *);

#endif
