/* Registers in memory and at I/O ports, and PCI configuration by mechanism #1 (PCI Local Bus
 * Specification 3.0, 3.2.2.3.2). */
#include "hal/machine.h"
#include "hal/x86_64/asm.h"
#include "hal/short.h"

#define PCI_ADDRESS 0xCF8u
#define PCI_DATA    0xCFCu
#define DEBUG_EXIT  0xF4u

/* All of a PC is where every PC has it, or in its CPUs. */
void machine_use(const struct machine_parts *p)
{
    UNUSED(p);
}

bool machine_reached(struct machine_register r)
{
    return r.at != NULL || r.port != 0;
}

bool machine_has_ports(void)
{
    return true;
}

static uint32_t read_port(uint16_t port, unsigned bits)
{
    return bits == 32 ? asm_in32(port) : bits == 16 ? asm_in16(port) : asm_in8(port);
}

static void write_port(uint16_t port, unsigned bits, uint32_t value)
{
    if (bits == 32)
        asm_out32(port, value);
    else if (bits == 16)
        asm_out16(port, (uint16_t)value);
    else
        asm_out8(port, (uint8_t)value);
}

static uint32_t read_memory(const volatile void *at, unsigned bits)
{
    if (bits == 32)
        return *(const volatile uint32_t *)at;
    return bits == 16 ? *(const volatile uint16_t *)at : *(const volatile uint8_t *)at;
}

static void write_memory(volatile void *at, unsigned bits, uint32_t value)
{
    if (bits == 32)
        *(volatile uint32_t *)at = value;
    else if (bits == 16)
        *(volatile uint16_t *)at = (uint16_t)value;
    else
        *(volatile uint8_t *)at = (uint8_t)value;
}

uint32_t machine_read(struct machine_register r, unsigned bits)
{
    if (!machine_reached(r))
        return 0xFFFFFFFFu;
    return r.at != NULL ? read_memory(r.at, bits) : read_port(r.port, bits);
}

void machine_write(struct machine_register r, unsigned bits, uint32_t value)
{
    if (r.at != NULL)
        write_memory(r.at, bits, value);
    else if (r.port != 0)
        write_port(r.port, bits, value);
}

uint32_t machine_read_pci(unsigned device, unsigned function, unsigned offset)
{
    asm_out32(PCI_ADDRESS, 0x80000000u | device << 11 | function << 8 | (offset & ~3u));
    return asm_in32(PCI_DATA);
}

void machine_write_pci(unsigned device, unsigned function, unsigned offset, uint8_t value)
{
    asm_out32(PCI_ADDRESS, 0x80000000u | device << 11 | function << 8 | (offset & ~3u));
    asm_out8((uint16_t)(PCI_DATA + (offset & 3u)), value);
}

void machine_debug_exit(bool pass)
{
    asm_out8(DEBUG_EXIT, pass ? 0x10 : 0x11); /* QEMU's status is twice that and one */
}
