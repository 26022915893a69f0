/* The machine around the CPUs: all its registers are in memory, and firmware that goes on running resets it
 * and switches it off. */
#include "hal/machine.h"
#include "hal/aarch64/gic.h"
#include "hal/aarch64/psci.h"
#include "hal/aarch64/registers.h"
#include "hal/cpu.h"
#include "hal/short.h"

void semihosting(uint64_t operation, uint64_t *block); /* call.S */

void machine_use(const struct machine_parts *p)
{
    psci_use(p->firmware == MACHINE_HVC   ? PSCI_HVC
             : p->firmware == MACHINE_SMC ? PSCI_SMC
                                          : PSCI_NONE);
    gic_open(&p->gic);
}

bool machine_reached(struct machine_register r)
{
    return r.at != NULL;
}

bool machine_has_ports(void)
{
    return false;
}

uint32_t machine_read(struct machine_register r, unsigned bits)
{
    if (r.at == NULL)
        return 0xFFFFFFFFu;
    if (bits == 32)
        return *(const volatile uint32_t *)r.at;
    return bits == 16 ? *(const volatile uint16_t *)r.at : *(const volatile uint8_t *)r.at;
}

void machine_write(struct machine_register r, unsigned bits, uint32_t value)
{
    if (r.at == NULL)
        return;
    if (bits == 32)
        *(volatile uint32_t *)r.at = value;
    else if (bits == 16)
        *(volatile uint16_t *)r.at = (uint16_t)value;
    else
        *(volatile uint8_t *)r.at = (uint8_t)value;
}

/* Configuration space is where the tables say, which is not asked. */
uint32_t machine_read_pci(unsigned device, unsigned function, unsigned offset)
{
    UNUSED(device);
    UNUSED(function);
    UNUSED(offset);
    return 0xFFFFFFFFu;
}

void machine_write_pci(unsigned device, unsigned function, unsigned offset, uint8_t value)
{
    UNUSED(device);
    UNUSED(function);
    UNUSED(offset);
    UNUSED(value);
}

struct machine_spoilt machine_spoilt(unsigned which)
{
    UNUSED(which);
    return (struct machine_spoilt){.size = 0};
}

bool machine_open_keyboard(void)
{
    return false;
}

int machine_scan_code(void)
{
    return -1;
}

/* The counter says itself how fast it is (Arm ARM D11.1.2). */
struct machine_rate machine_rate(unsigned which, const struct machine_timers *t)
{
    UNUSED(t);
    if (which > 0)
        return (struct machine_rate){.name = NULL};
    uint64_t hz = read_cntfrq() & 0xFFFFFFFFu;
    bool sound = hz >= 1000000 && hz <= 20000000000u;
    return (struct machine_rate){"CNTFRQ_EL0", sound ? hz : 0};
}

/* All lines of devices are masked with the controller that machine_use() opens. */
unsigned machine_mask_lines(volatile void *registers)
{
    UNUSED(registers);
    return 0;
}

bool machine_reset(unsigned which)
{
    if (which > 0 || !psci_usable())
        return false;
    (void)psci_call(PSCI_RESET, 0, 0, 0);
    return true;
}

bool machine_off(unsigned which)
{
    if (which > 0 || !psci_usable())
        return false;
    (void)psci_call(PSCI_OFF, 0, 0, 0);
    return true;
}

_Noreturn void cpu_reset(void)
{
    (void)psci_call(PSCI_RESET, 0, 0, 0);
    cpu_halt();
}

static void leave_emulator(void *block)
{
    semihosting(0x20, block);
}

/* SYS_EXIT_EXTENDED (Arm, "Semihosting for AArch32 and AArch64", 7.3): QEMU has it where it was asked for;
 * elsewhere the instruction is undefined. */
void machine_debug_exit(bool pass)
{
    static uint64_t block[2] = {0x20026, 0};
    block[1] = pass ? 33 : 35;
    cpu_try(leave_emulator, block);
}
