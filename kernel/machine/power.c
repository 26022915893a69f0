#include "kernel/machine/power.h"
#include "hal/hal.h"
#include "hal/x86_64/asm.h"
#include "hal/x86_64/cpu.h"
#include "kernel/machine/clock.h"
#include "kernel/log/log.h"

#define TRY_MS    50u
#define READS_MAX 200000u /* of an I/O port, 100 ns each at the least */

#define SCI_ENABLED  1u
#define SLEEP_TYPE   10 /* bits 10 to 12 of PM1 control */
#define SLEEP_ENABLE (1u << 13)

struct power power;

static void wait_ms(uint64_t ms)
{
    uint64_t ticks = (clock_hertz != 0 ? clock_hertz : 1000000000u) / 1000u * ms;
    uint64_t begin = hal_cycles();
    for (unsigned reads = 0; reads < READS_MAX * ms && hal_cycles() - begin < ticks; reads++)
        (void)asm_in8(0x61);
}

_Noreturn void kernel_reset(void)
{
    hal_irq_save();
    SAY("power", "restarting");
    device_set(power.reset, 8, power.reset_value);
    if (power.reset_pci != 0) {
        asm_out32(0xCF8, power.reset_pci & ~3u);
        asm_out8((uint16_t)(0xCFC + (power.reset_pci & 3u)), power.reset_value);
    }
    wait_ms(TRY_MS);
    asm_out8(0xCF9, 0x02);
    asm_out8(0xCF9, 0x06);
    wait_ms(TRY_MS);
    for (unsigned i = 0; i < 10000 && (asm_in8(0x64) & 2u) != 0; i++)
        continue;
    asm_out8(0x64, 0xFE);
    wait_ms(TRY_MS);
    cpu_triple_fault();
}

/* Where the firmware has left the registers to its own SMM. */
static void take_over(void)
{
    if (power.smi_port == 0 || (device_get(power.pm1a, 16) & SCI_ENABLED) != 0)
        return;
    asm_out8(power.smi_port, power.smi_value);
    for (unsigned i = 0; i < 60 && (device_get(power.pm1a, 16) & SCI_ENABLED) == 0; i++)
        wait_ms(TRY_MS);
}

static void sleep_pm1(struct device_register r, uint32_t type)
{
    uint32_t value = device_get(r, 16) & ~(SLEEP_ENABLE | 7u << SLEEP_TYPE);
    value |= type << SLEEP_TYPE;
    device_set(r, 16, value);
    device_set(r, 16, value | SLEEP_ENABLE);
}

_Noreturn void kernel_poweroff(void)
{
    hal_irq_save();
    SAY("power", "switching off");
    device_set(power.sleep, 8, (uint32_t)power.sleep_type[0] << 2 | 1u << 5);
    if (device_reached(power.pm1a)) {
        take_over();
        sleep_pm1(power.pm1a, power.sleep_type[0]);
        sleep_pm1(power.pm1b, power.sleep_type[1]);
    }
    wait_ms(20 * TRY_MS);
    SAY("power", "this machine does not switch itself off; please press its button");
    cpu_halt();
}
