/* hal/x86_64/apic.h: the local APIC of this CPU, for the port itself. */
#ifndef HAL_X86_64_APIC_H
#define HAL_X86_64_APIC_H

#include "hal/base.h"

/* Can interrupts be sent to other CPUs? After cpu_mask_interrupts(). */
bool apic_usable(void);

/* On a CPU that was started: use its APIC as the CPU that booted does. */
void apic_join(void);

/* A start-up IPI: go on at `page`, below 1 MiB (SDM vol. 3A, 10.6.1). */
void apic_start(uint32_t id, hal_paddr_t page);

/* Is this vector, 32 or above, in service: did an interrupt come, and not an instruction? */
bool apic_in_service(unsigned vector);

/* The interrupt that is handled here is over. */
void apic_end_of_interrupt(void);

#endif
