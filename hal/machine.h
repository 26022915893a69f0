/* hal/machine.h: what the kernel asks of the machine around the CPUs: registers, serial port,
 * keyboard, timers, reset. A port implements all of it; where a machine has no such thing, the
 * function does nothing or says so. The CPU itself is in hal/cpu.h.
 *
 * Everything is polled. Context: any, one CPU at a time, no lock. Where no cost is given, O(1).
 */
#ifndef HAL_MACHINE_H
#define HAL_MACHINE_H

#include "hal/base.h"

/* Registers. */

/* A register of a device: in memory, mapped uncached at `at`, or at an I/O port, which only PCs
 * have. Both 0: it cannot be reached. */
struct machine_register {
    volatile void *at;
    uint16_t port;
};
bool machine_reached(struct machine_register);

/* Are there I/O ports? */
bool machine_has_ports(void);

/* Read or write a register by one access of `bits` bits: 8, 16 or 32; any other number counts as 8.
 * A register that cannot be reached reads as 32 ones, and writing it does nothing. */
uint32_t machine_read(struct machine_register, unsigned bits);
void machine_write(struct machine_register, unsigned bits, uint32_t value);

/* Read the 32 bits that hold a byte of a device's PCI configuration space on bus 0, or write the
 * byte: `device` below 32, `function` below 8, `offset` below 256. Where there is no such device,
 * 32 ones. */
uint32_t machine_read_pci(unsigned device, unsigned function, unsigned offset);
void machine_write_pci(unsigned device, unsigned function, unsigned offset, uint8_t value);

/* What the tables name that some machines have at no fixed place (on a PC all of it stays 0): the firmware
 * that goes on running, by the instruction that calls it (Arm DEN 0022, PSCI), and the interrupt controller
 * beside the CPUs (Arm IHI 0048 and 0069). All mapped uncached. */
enum machine_firmware { MACHINE_NO_FIRMWARE, MACHINE_HVC, MACHINE_SMC };
struct machine_range {
    volatile uint32_t *at;
    uint64_t size; /* bytes */
};
#define MACHINE_GICD_SIZE 0x10000u
#define MACHINE_GICC_SIZE 0x2000u
#define MACHINE_GICR_SIZE 0x20000u /* of one CPU */
struct machine_gic {
    volatile uint32_t *distributor, *cpu_interface; /* the second of a GICv2 alone */
    const struct machine_range *redistributor;      /* of a GICv3; the list stays */
    uint32_t redistributors;                        /* how many ranges of them */
};
struct machine_parts {
    enum machine_firmware firmware;
    struct machine_gic gic;
};

/* Use them, once, on the CPU that booted: its part of the controller is ready for cpu_kick(), and no device
 * is heard any more. Before other CPUs are started. */
void machine_use(const struct machine_parts *);

/* RAM that a device of this machine spoils, though firmware offers it: the `which`th range of whole
 * pages, and whose it is, a constant; `size` 0: there are no more. */
struct machine_spoilt {
    hal_paddr_t base;
    uint64_t size;
    const char *whose;
};
struct machine_spoilt machine_spoilt(unsigned which);

/* Serial port. It is used only after its registers have been found to work. When it does not take a
 * byte in time it is given up, until a byte comes in. PCs have the 16550 (National Semiconductor,
 * PC16550D); boards with Arm CPUs that too, in memory, or the PL011 (Arm DDI 0183), or what the
 * Server Base System Architecture keeps of it. */
enum serial_kind { SERIAL_16550, SERIAL_PL011, SERIAL_SBSA };

/* Of a 16550 the eight registers, each `bits` bits (8, 16 or 32) from the one before and accessed
 * with that width; at I/O ports 8. `divisor`: its rate as a part of 115200 baud; 0: as it is set.
 * The others have SERIAL_PL011_SIZE bytes of registers, and their rate stays as it is. */
#define SERIAL_PL011_SIZE 0x1000u
struct serial_port {
    struct machine_register first;
    uint8_t bits, divisor;
    enum serial_kind kind;
};

/* Look for a port of that kind there, and set its rate, 8N1. False: nothing there behaves like one;
 * there is no serial port from then on. */
bool serial_init(struct serial_port);

/* Send a byte. Waits for room for at most 100000 reads (10 ms or more, about 100 ms on a PC), then
 * gives the port up. Does nothing without a port. */
void serial_put(char c);

/* The next byte that came in, or -1. While output waits, up to 512 bytes of input are kept;
 * SERIAL_LOST stands for bytes beyond that, and for a damaged one. */
#define SERIAL_LOST 0x18
int serial_get(void);

/* Where the registers of the port lie, if it is one in memory that serial_init() has found; else NULL. And:
 * from now on they are mapped at `at`; NULL: nowhere, and there is no serial port. */
volatile void *serial_registers(void);
void serial_move(volatile void *at);

/* Is there a serial port that works? */
bool serial_works(void);

/* Keyboard: the one behind a PC's i8042, ports 60h and 64h. */

/* Make the keyboard ready. False: there is no controller, or it does not answer. At most nine waits
 * of 100000 reads each (10 ms or more, about 100 ms on a PC). */
bool machine_open_keyboard(void);

/* The next scan code of set 1, or -1. */
int machine_scan_code(void);

/* Timers. */

/* The timers that ACPI tables name: the first of the HPET's registers (Intel, "IA-PC HPET
 * Specification" 1.0a), and the ACPI PM timer (ACPI 6.5, 4.8.3.3), which counts in 24 bits or 32.
 */
struct machine_timers {
    struct machine_register hpet, pm_timer;
    bool pm_timer_32;
};

/* How fast hal_cycles() counts by source `which`, number 0 being the best: the name of the source,
 * and ticks a second. 0 ticks: the source does not exist, stands still, runs backwards, or gives a
 * rate outside 100 MHz to 20 GHz. A name that is NULL: there are no more sources. Measuring takes
 * 20 ms; with a timer that stands still 2^24 ticks, and never more than 2^30 ticks or 2^20 reads.
 * Timers are left as they were found. */
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

/* Try way `which` to reset the machine, or to switch it off: those that no ACPI table names. False:
 * there is no such way. True says that it was tried; the machine may obey later, or not at all. */
bool machine_reset(unsigned which);
bool machine_off(unsigned which);

/* End the emulator with the status 33 for pass, 35 for fail, if it has a device for that (QEMU's
 * isa-debug-exit at port F4h). Returns when there is none. */
void machine_debug_exit(bool pass);

#endif
