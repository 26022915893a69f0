/* kernel/machine/power.h: restarting and switching off, by the ways that the tables name and then
 * by those of hal/machine.h. The firmware's own services are not asked: its memory is no longer its
 * own. Any context, once the kernel's own space is loaded; no lock.
 *
 * Sources: ACPI 6.5: PM1 control 4.8.3.2.1, reset register 4.8.3.6, sleep control 4.8.3.7, the FADT
 * 5.2.9; _S5 7.4.2.
 */
#ifndef KERNEL_MACHINE_POWER_H
#define KERNEL_MACHINE_POWER_H

#include "kernel/machine/device.h"

/* The ways that the tables name; all zero: none. kernel/machine/platform.c fills it. */
struct power {
    struct machine_register reset, pm1a, pm1b, sleep;
    struct machine_register
        smi; /* what makes SMM give PM1 to us, by smi_value; not reached: nothing has to */
    uint8_t smi_value;
    uint8_t reset_value;
    bool reset_by_pci; /* the reset register lies in PCI configuration space */
    uint8_t pci_device, pci_function, pci_offset;
    uint8_t sleep_type[2]; /* for PM1a (or the sleep control register) and PM1b; below 8 */
};
extern struct power power;

/* Restart: the FADT's reset register, then the ways of machine_reset(), and cpu_reset(); each but
 * the last is given 50 ms. */
_Noreturn void kernel_reset(void);

/* Switch off, by the FADT and _S5, then by the ways of machine_off(). Where none is known or none
 * does anything within a second, say so in the log and halt. Where SMM holds the PM1 registers it
 * is given up to 3 s to hand them over. */
_Noreturn void kernel_poweroff(void);

#endif
