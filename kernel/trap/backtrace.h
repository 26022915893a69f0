/* kernel/trap/backtrace.h: who called whom, as offsets into the image (llvm-addr2line reads them with
 * the unstripped mortise.efi).
 *
 * How frames are unwound is the port's business (hal/cpu.h). Every stack access is checked against the
 * image and the stacks; at most 32 frames. Any context, traps included; no lock, no
 * memory.
 */
#ifndef KERNEL_TRAP_BACKTRACE_H
#define KERNEL_TRAP_BACKTRACE_H

#include "hal/base.h"

struct trap_frame;

/* Where the image runs, and its bytes. Again when it has moved; before it nothing is in the image.
 */
void backtrace_setup(vaddr_t image_base, uint64_t image_size);

/* The stack, `size` bytes from `base` on, that may be read besides what lies in the image; and when there
 * are more, who knows them: `is_stack` says whether 8 bytes at an address are those of a stack, in any
 * context and without a lock. Each forgets what was told before. */
void backtrace_add_stack(vaddr_t base, uint64_t size);
void backtrace_trust(bool (*is_stack)(vaddr_t at));

/* Log a line for each frame: from where the frame was interrupted, or from this call on (the first
 * line is then backtrace_here() itself). O(frames * log(functions)). */
void backtrace_trap(const struct trap_frame *);
void backtrace_here(void);

/* True, and the offset into the image; or false, and `*offset` is the address itself. */
bool backtrace_in_image(vaddr_t addr, uint64_t *offset);

/* As backtrace_setup() was told; 0 before. */
vaddr_t backtrace_image_base(void);

#endif
