/* kernel/backtrace.h: who called whom, as offsets into the image (llvm-addr2line reads them with
 * the unstripped mortise.efi).
 *
 * On this target the frame pointer does not chain (the Microsoft ABI puts it anywhere in the
 * frame), so frames are unwound with the image's own .pdata and .xdata, which the compiler always
 * writes. Every table and stack access is checked against the image and the boot stack; at most 32
 * frames.
 */
#ifndef KERNEL_BACKTRACE_H
#define KERNEL_BACKTRACE_H

#include "hal/base.h"

struct trap_frame;

void backtrace_setup(vaddr_t image_base, uint64_t image_size);

/* One more stack that may be read, besides what lies in the image; at most BACKTRACE_STACKS. They
 * must stay mapped until they are forgotten. */
#define BACKTRACE_STACKS 4u
void backtrace_add_stack(vaddr_t base, uint64_t size);
void backtrace_forget_stacks(void);

void backtrace_trap(const struct trap_frame *);
void backtrace_here(void);

/* True, and the offset into the image; or false, and `*offset` is the address itself. */
bool backtrace_in_image(vaddr_t addr, uint64_t *offset);
vaddr_t backtrace_image_base(void);

#endif
