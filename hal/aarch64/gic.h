/* hal/aarch64/gic.h: the interrupt controller, as far as CPUs interrupt each other (Arm IHI 0048 for GICv2,
 * IHI 0069 for GICv3). machine_use() tells where it lies; before, and where there is none, nothing is sent
 * and nothing comes. */
#ifndef HAL_AARCH64_GIC_H
#define HAL_AARCH64_GIC_H

#include "hal/machine.h"

/* Software-generated interrupts: the low ones, for the secure side takes the high ones where there is one. */
enum gic_interrupt { GIC_KICK = 1, GIC_STRIKE = 2, GIC_NOTHING = 1023 };

/* Take the controller over: no device is heard any more. And this CPU's part of it, on the CPU that booted
 * and then on each that is started. */
void gic_open(const struct machine_gic *);
void gic_join(void);

bool gic_usable(void);

/* Send an interrupt to the CPU with that number (cpu_id()), once it has joined; what was stored before is
 * seen there. */
void gic_send(uint32_t id, enum gic_interrupt);

/* The interrupt that has come, which is over with this; GIC_NOTHING: none, or none that is sent here. */
enum gic_interrupt gic_take(void);

#endif
