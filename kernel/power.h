/* kernel/power.h: restarting and switching off, by the ways that the tables name and then by those
 * that most PCs have. The firmware's own services are not asked: its memory is no longer its own. */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H

#include "kernel/device.h"

/* The ways that the tables name; all zero: none. */
struct power {
    struct device_register reset, pm1a, pm1b, sleep;
    uint32_t reset_pci; /* for port 0xCF8, where the reset register lies in PCI configuration */
    uint8_t reset_value;
    uint8_t sleep_type[2]; /* for PM1a (or the sleep control register) and PM1b */
    uint8_t smi_value;     /* what makes SMM give PM1 to us, written to smi_port */
    uint16_t smi_port;     /* 0: nothing has to */
};
extern struct power power;

/* Restart: the FADT's reset register, port 0xCF9, the keyboard controller, a triple fault; each is
 * given 50 ms. Any context. */
_Noreturn void kernel_reset(void);

/* Switch off, by the FADT and _S5. Where that is not known or does nothing, say so in the log and
 * halt. Any context. */
_Noreturn void kernel_poweroff(void);

#endif
