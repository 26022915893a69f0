/* kernel/trap/backtrace.h: who called whom, as offsets into the image (llvm-addr2line reads them
 * with the unstripped mortise.efi).
 *
 * How frames are unwound is the port's business (hal/cpu.h). Every stack access is checked against
 * the image and the stacks; at most 32 frames. Any context, traps included; no lock, no memory.
 */
#ifndef KERNEL_TRAP_BACKTRACE_H
#define KERNEL_TRAP_BACKTRACE_H

#include "hal/base.h"

struct trap_frame;

/* Where the image runs, and its bytes. Again when it has moved; before it nothing is in the image.
 */
void backtrace_setup(hal_vaddr_t image_base, uint64_t image_size);

/* The stack in use until the kernel's own space is entered: `size` bytes from `base` on. From then
 * on those of kernel/memory/space.h count. */
void backtrace_early_stack(hal_vaddr_t base, uint64_t size);

/* Log a line for each frame: from where the frame was interrupted, or from this call on (the first
 * line is then backtrace_here() itself). O(frames * log(functions)). */
void backtrace_trap(const struct trap_frame *);
void backtrace_here(void);

/* True, and the offset into the image; or false, and `*offset` is the address itself. */
bool backtrace_in_image(hal_vaddr_t addr, uint64_t *offset);

/* As backtrace_setup() was told; 0 before. */
hal_vaddr_t backtrace_image_base(void);

#endif
