/* kernel/machine/power.h: restarting and switching off, by the ways that the tables name and then by those
 * that most PCs have. The firmware's own services are not asked: its memory is no longer its own.
 * Any context, once the kernel's own space is loaded; no lock.
 *
 * Sources: ACPI 6.5: PM1 control 4.8.3.2.1, reset register 4.8.3.6, sleep control 4.8.3.7, the FADT
 * 5.2.9; _S5 7.4.2. Port 0xCF9 is the reset control register of Intel's chipsets; byte 0xFE to port
 * 0x64 has the keyboard controller pulse the CPU's reset line.
 */
#ifndef KERNEL_MACHINE_POWER_H
#define KERNEL_MACHINE_POWER_H

#include "kernel/memory/device.h"

/* The ways that the tables name; all zero: none. kernel/machine/platform.c fills it. */
struct power {
    struct device_register reset, pm1a, pm1b, sleep;
    uint32_t reset_pci; /* for port 0xCF8, where the reset register lies in PCI configuration */
    uint8_t reset_value;
    uint8_t sleep_type[2]; /* for PM1a (or the sleep control register) and PM1b; below 8 */
    uint8_t smi_value;     /* what makes SMM give PM1 to us, written to smi_port */
    uint16_t smi_port;     /* 0: nothing has to */
};
extern struct power power;

/* Restart: the FADT's reset register, port 0xCF9, the keyboard controller, a triple fault; each but
 * the last is given 50 ms. */
_Noreturn void kernel_reset(void);

/* Switch off, by the FADT and _S5. Where that is not known or does nothing within a second, say so
 * in the log and halt. Where SMM holds the PM1 registers it is given up to 3 s to hand them over.
 */
_Noreturn void kernel_poweroff(void);

#endif
