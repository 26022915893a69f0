#include "kernel/machine/power.h"
#include "hal/cpu.h"
#include "kernel/machine/clock.h"
#include "kernel/log/log.h"

#define TRY_MS    50u
#define SPINS_MAX 1000000u /* a millisecond, should the counter stand still */

#define SCI_ENABLED  1u
#define SLEEP_TYPE   10 /* bits 10 to 12 of PM1 control */
#define SLEEP_ENABLE (1u << 13)

struct power power;

static void wait_ms(uint64_t ms)
{
    uint64_t ticks = (clock_hertz != 0 ? clock_hertz : 1000000000u) / 1000u * ms;
    uint64_t begin = hal_cycles();
    for (uint64_t i = 0; i < SPINS_MAX * ms && hal_cycles() - begin < ticks; i++)
        cpu_relax();
}

_Noreturn void kernel_reset(void)
{
    hal_irq_save();
    SAY("power", "restarting");
    machine_write(power.reset, 8, power.reset_value);
    if (power.reset_by_pci)
        machine_write_pci(power.pci_device, power.pci_function, power.pci_offset,
                          power.reset_value);
    wait_ms(TRY_MS);
    for (unsigned way = 0; machine_reset(way); way++)
        wait_ms(TRY_MS);
    cpu_reset();
}

/* Where the firmware has left the registers to its own SMM. */
static void take_over(void)
{
    if (!machine_reached(power.smi) || (machine_read(power.pm1a, 16) & SCI_ENABLED) != 0)
        return;
    machine_write(power.smi, 8, power.smi_value);
    for (unsigned i = 0; i < 60 && (machine_read(power.pm1a, 16) & SCI_ENABLED) == 0; i++)
        wait_ms(TRY_MS);
}

static void sleep_pm1(struct machine_register r, uint32_t type)
{
    uint32_t value = machine_read(r, 16) & ~(SLEEP_ENABLE | 7u << SLEEP_TYPE);
    value |= type << SLEEP_TYPE;
    machine_write(r, 16, value);
    machine_write(r, 16, value | SLEEP_ENABLE);
}

_Noreturn void kernel_poweroff(void)
{
    hal_irq_save();
    SAY("power", "switching off");
    machine_write(power.sleep, 8, (uint32_t)power.sleep_type[0] << 2 | 1u << 5);
    if (machine_reached(power.pm1a)) {
        take_over();
        sleep_pm1(power.pm1a, power.sleep_type[0]);
        sleep_pm1(power.pm1b, power.sleep_type[1]);
    }
    wait_ms(20 * TRY_MS);
    for (unsigned way = 0; machine_off(way); way++)
        wait_ms(20 * TRY_MS);
    SAY("power", "this machine does not switch itself off; please press its button");
    cpu_halt();
}
