/* hal/x86_64/control.h: taking a CPU over, whichever it is. */
#ifndef HAL_X86_64_CONTROL_H
#define HAL_X86_64_CONTROL_H

#include "hal/x86_64/percpu.h"

/* Set CR0, CR4 and EFER to what they must be, from scratch but for CR4.LA57: bits that we do not
 * know, such as EFER.TCE, are cleared. */
void control_set_registers(void);

/* Has cpu_own() been called: do traps come to this port? */
bool control_is_owned(void);

/* What cpu_own() promises, on the CPU whose `p` is, with its GDT and TSS built. */
void control_own(struct percpu *p);

#endif
