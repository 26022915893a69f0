#include "efi/base/clock.h"
#include "efi/base/text.h"
#include "hal/cpu.h"
#include "hal/machine.h"

#define STALL_US 20000u
#define HZ_LEAST 100000000u
#define HZ_MOST  20000000000u
#define FAR_OFF  4u    /* times: more than a busy host explains */
#define MOST     1000u /* times what is to be waited that Stall is asked for */

/* Ticks a second by Stall; 0 when it fails. A disturbance makes a wait longer, never shorter, so the
 * shortest of three waits is taken. */
static uint64_t by_stall(const struct loader *l)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t start = hal_cycles();
        if (!efi_ok(l->boot->Stall(STALL_US)))
            return 0;
        least = hal_min_u64(least, hal_cycles() - start);
    }
    return least * (1000000 / STALL_US);
}

/* The machine's best source that can be used before any table is read. */
static struct machine_rate by_machine(void)
{
    static const struct machine_timers no_tables;
    for (unsigned i = 0;; i++) {
        struct machine_rate r = machine_rate(i, &no_tables);
        if (r.name == NULL || r.hz != 0)
            return r;
    }
}

static const char *compare(uint64_t stall, const struct machine_rate *own)
{
    if (stall > own->hz * FAR_OFF)
        return TEXT("The firmware's Stall waits %u times too long, by the %s, which counts.",
                    U(stall / own->hz), S(own->name));
    if (stall < own->hz / FAR_OFF)
        return TEXT("The firmware's Stall waits %u times too short, by the %s, which counts.",
                    U(own->hz / hal_max_u64(stall, 1)), S(own->name));
    return NULL;
}

const char *clock_measure(const struct loader *l)
{
    uint64_t stall = by_stall(l);
    struct machine_rate own = by_machine();
    l->info->stall_hz = stall;
    l->info->tsc_hz = own.name != NULL ? own.hz : stall >= HZ_LEAST && stall <= HZ_MOST ? stall : 0;
    if (l->info->tsc_hz == 0)
        return "The " CPU_COUNTER " cannot be measured: times will be missing.";
    return own.name != NULL ? compare(stall, &own) : NULL;
}

bool clock_wait(const struct loader *l, uint32_t us)
{
    uint64_t hz = l->info->tsc_hz, stall = l->info->stall_hz, start = hal_cycles();
    if (hz == 0)
        return efi_ok(l->boot->Stall(us));
    if (stall != 0)
        (void)l->boot->Stall((UINTN)hal_min_u64(us * hz / stall, (uint64_t)us * MOST));
    while (hal_cycles() - start < us * hz / 1000000)
        cpu_relax();
    return true;
}
