/* hal/machine.h: what the kernel asks of the machine around the CPUs: registers, serial port,
 * keyboard, timers, and how it is reset. A port implements all of it; where a machine has no such
 * thing, that is said or nothing happens. The CPU itself is in hal/cpu.h.
 *
 * Everything is polled. Context: any, one CPU at a time, no lock; O(1) where no cost is told.
 */
#ifndef HAL_MACHINE_H
#define HAL_MACHINE_H

#include "hal/base.h"

/* Registers. */

/* A register that can be reached: in memory, mapped uncached at `at`, or at an I/O port, which only PCs
 * have. Both 0: it cannot. */
struct machine_register {
    volatile void *at;
    uint16_t port;
};
bool machine_reached(struct machine_register);

/* Are there I/O ports? */
bool machine_has_ports(void);

/* Read and write a register of `bits` bits, 8, 16 or 32; any other number counts as 8. One access of
 * that width. One that cannot be reached reads as 32 ones, and a write to it is nothing. */
uint32_t machine_read(struct machine_register, unsigned bits);
void machine_write(struct machine_register, unsigned bits, uint32_t value);

/* Read the 32 bits that hold a byte of a device's PCI configuration space on bus 0, or write the byte:
 * `device` below 32, `function` below 8, `offset` below 256. Where there is no such device, 32 ones. */
uint32_t machine_read_pci(unsigned device, unsigned function, unsigned offset);
void machine_write_pci(unsigned device, unsigned function, unsigned offset, uint8_t value);

/* RAM that a device of this machine spoils, though firmware offers it: the `which`th range of whole
 * pages, and whose it is, a constant; `size` 0: there are no more. */
struct machine_spoilt {
    paddr_t base;
    uint64_t size;
    const char *whose;
};
struct machine_spoilt machine_spoilt(unsigned which);

/* Serial port: a 16550 (National Semiconductor, PC16550D), that is believed to exist only after it has
 * proved so, and given up the first time it does not keep up, until something comes in there. */

/* Its eight registers, each `bits` bits (8, 16 or 32) from the one before and accessed with that width;
 * at I/O ports 8. `divisor`: its rate as a part of 115200 baud; 0: as it is set. */
struct serial_port {
    struct machine_register first;
    uint8_t bits, divisor;
};

/* Probe the port and set it to its rate, 8N1. False: nothing there that behaves like a 16550, and
 * there is no port from then on. */
bool serial_init(struct serial_port);

/* Send a byte; waits for room for 100000 port reads at most (10 ms or more, some 100 ms on a PC),
 * then gives the port up. Nothing without one. */
void serial_put(char c);

/* The next byte that came in, or -1. Input is taken in while output waits for room, too, 512 bytes
 * ahead at most; what did not fit, or came in damaged, is replaced by SERIAL_LOST. */
#define SERIAL_LOST 0x18
int serial_get(void);

/* A port was found and still works. */
bool serial_works(void);

/* Keyboard: the one behind a PC's i8042, ports 60h and 64h. */

/* Make the keyboard ready; false where there is no controller or a dead one. Every wait is bounded, nine
 * of 100000 port reads at most (10 ms or more each, some 100 ms on a PC). */
bool machine_open_keyboard(void);

/* The next scan code of set 1, or -1: none, or no keyboard. */
int machine_scan_code(void);

/* Timers. */

/* What tables say of timers: the first of the HPET's registers (Intel, "IA-PC HPET Specification" 1.0a),
 * and the ACPI PM timer (ACPI 6.5, 4.8.3.3), which counts in 24 bits or 32. */
struct machine_timers {
    struct machine_register hpet, pm_timer;
    bool pm_timer_32;
};

/* How fast hal_cycles() counts by source `which`, the best first: its name, and ticks a second, 0 where
 * it is not there, stands still, runs backwards, or gives a rate outside 100 MHz to 20 GHz. A name NULL:
 * there are no more sources. Takes 20 ms for a source that must be measured by; a dead one 2^24 ticks,
 * none more than 2^30 or 2^20 reads. A timer is left as it was found. */
struct machine_rate {
    const char *name;
    uint64_t hz;
};
struct machine_rate machine_rate(unsigned which, const struct machine_timers *);

/* Interrupts of devices: the controllers that the tables name (the I/O APICs of a PC). */

/* Bytes of registers that one has. */
#define MACHINE_LINES_SIZE 0x20u

/* Mask every line that the controller at `registers`, mapped uncached, delivers to a CPU as an interrupt of
 * a device; NMIs and what is the firmware's business stay as they are. How many it has masked, that were
 * not before. O(lines). */
unsigned machine_mask_lines(volatile void *registers);

/* The end. */

/* Try to reset the machine, or to switch it off, by way `which`, beyond what ACPI tables name; false:
 * there is no such way. It may return before the machine obeys, or though it does not. */
bool machine_reset(unsigned which);
bool machine_off(unsigned which);

/* End the emulator that this runs in with a status that says `pass` or not, if it has a device for that
 * (QEMU's isa-debug-exit at port F4h: 33 for pass, 35 else). Returns when there is none. */
void machine_debug_exit(bool pass);

#endif
