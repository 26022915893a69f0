#include "kernel/machine/clock.h"
#include "hal/hal.h"
#include "hal/machine.h"
#include "kernel/log/log.h"
#include "kernel/machine/device.h"

#define HPET_SIZE 0x400u

uint64_t clock_hertz;

/* The first source of the machine that works, the best being asked first. */
static struct machine_rate find(const struct acpi *a)
{
    const struct machine_timers timers = {.hpet = device_reach(a->hpet, HPET_SIZE),
                                          .pm_timer = device_reach(a->pm_timer, 4),
                                          .pm_timer_32 = a->pm_timer_32};
    for (unsigned i = 0;; i++) {
        struct machine_rate r = machine_rate(i, &timers);
        if (r.name == NULL || r.hz != 0)
            return r;
    }
}

/* The stamps go on from here: never back, whatever the old rate was. */
static void retune_log(void)
{
    uint64_t micros = log_micros() + 1;
    uint64_t ticks = micros / 1000000u * clock_hertz + micros % 1000000u * clock_hertz / 1000000u;
    log_set_clock(hal_cycles() - ticks, clock_hertz);
}

/* By more than a busy host or a long wait explains. */
static bool disagree(uint64_t a, uint64_t b)
{
    return hal_max_u64(a, b) / 4 > hal_min_u64(a, b);
}

void clock_find(struct boot_info *boot, const struct acpi *a)
{
    uint64_t stall = boot->stall_hz;
    struct machine_rate r = find(a);
    if (r.name == NULL)
        r = (struct machine_rate){"the loader", boot->tsc_hz};
    clock_hertz = r.hz;
    if (clock_hertz == 0) {
        SAY("clock", "no clock here runs: times stay unknown");
        return;
    }
    LOG("clock", CPU_COUNTER " at %u Hz by %s; by the firmware's Stall %u Hz", U(clock_hertz),
        S(r.name), U(stall));
    if (stall != 0 && disagree(clock_hertz, stall))
        LOG("clock", "the firmware's Stall is more than four times off; %s counts", S(r.name));
    boot->tsc_hz = clock_hertz;
    retune_log();
}
