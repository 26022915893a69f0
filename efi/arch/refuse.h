/* efi/arch/refuse.h: is this a machine that Mortise must not be started on? */
#ifndef EFI_ARCH_REFUSE_H
#define EFI_ARCH_REFUSE_H

/* NULL, or a constant sentence that says why not and what to do. Nothing but the CPU is asked. O(1). */
const char *refuse_machine(void);

#endif
