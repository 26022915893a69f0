/* hal/x86_64/control.h: taking a CPU over, whichever it is. */
#ifndef HAL_X86_64_CONTROL_H
#define HAL_X86_64_CONTROL_H

#include "hal/x86_64/percpu.h"

/* What cpu_own() promises, on the CPU whose `p` is, with its GDT and TSS built. */
void control_own(struct percpu *p);

#endif
