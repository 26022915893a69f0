/* How fast the time stamp counter runs: what the CPU says of it (CPUID leaf 15h, Intel SDM vol.
 * 2A), or a timer of known rate beside it: the HPET (Intel, "IA-PC HPET Specification" 1.0a), the
 * PM timer, 3579545 Hz (ACPI 6.5, 4.8.3.3), the PIT, an 8254 at 1193182 Hz behind ports 42h, 43h
 * and 61h. */
#include "hal/hal.h"
#include "hal/machine.h"
#include "hal/short.h"
#include "hal/x86_64/asm.h"

#define FEMTO          1000000000000000u /* in a second */
#define PM_PERIOD      (FEMTO / 3579545u)
#define PIT_PERIOD     (FEMTO / 1193182u)
#define HPET_PERIOD_OK 100000000u /* no HPET is slower than 100 ns a tick */
#define WINDOW_NS      20000000u
#define LEAST_NS       1000000u
#define TICKS_MAX      ((uint64_t)1 << 30)
#define TICKS_STILL    ((uint64_t)1 << 24) /* a counter that has not moved by then is dead */
#define READS_MAX      (1u << 20)
#define HZ_LEAST       100000000u
#define HZ_MOST        20000000000u

#define HPET_CONFIG  (0x10 / 4)
#define HPET_COUNTER (0xF0 / 4)

/* A counter that runs upward at a known rate and wraps at its mask. */
struct counter {
    struct machine_register reg; /* not reached: the PIT */
    uint64_t period;             /* femtoseconds */
    uint32_t mask;
};

struct moment {
    uint64_t tsc;
    uint32_t count;
};

static uint32_t read_pit(void)
{
    asm_out8(0x43, 0x80); /* hold the count of channel 2 */
    uint32_t low = asm_in8(0x42);
    return ~(low | (uint32_t)asm_in8(0x42) << 8);
}

static uint32_t read_counter(const struct counter *c)
{
    return (machine_reached(c->reg) ? machine_read(c->reg, 32) : read_pit()) & c->mask;
}

/* The two belong together as closely as the best of some tries: an interrupted one is a wide one.
 */
static struct moment read_both(const struct counter *c)
{
    struct moment best = {.tsc = 0};
    uint64_t narrow = UINT64_MAX;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = hal_cycles();
        uint32_t count = read_counter(c);
        uint64_t width = hal_cycles() - before;
        if (width < narrow) {
            narrow = width;
            best = (struct moment){before + width / 2, count};
        }
    }
    return best;
}

static uint64_t nanos_between(const struct counter *c, uint32_t from, uint32_t to)
{
    return (uint64_t)(to - from & c->mask) * (c->period / 1000u) / 1000u;
}

/* Ticks a second by this counter, or 0. */
static uint64_t measure(const struct counter *c)
{
    struct moment begin = read_both(c);
    for (unsigned reads = 0; reads < READS_MAX; reads++) {
        uint64_t nanos = nanos_between(c, begin.count, read_counter(c));
        if (hal_cycles() - begin.tsc > (nanos == 0 ? TICKS_STILL : TICKS_MAX) || nanos >= WINDOW_NS)
            break;
    }
    struct moment end = read_both(c);
    uint64_t nanos = nanos_between(c, begin.count, end.count);
    uint64_t ticks = end.tsc - begin.tsc;
    if (nanos < LEAST_NS || ticks > 2 * TICKS_MAX)
        return 0;
    uint64_t hz = ticks * 1000000000u / nanos;
    return hz >= HZ_LEAST && hz <= HZ_MOST ? hz : 0;
}

/* The crystal's rate times a ratio; a CPU that leaves any of the three out does not know. */
static uint64_t by_cpuid(const struct machine_timers *t)
{
    UNUSED(t);
    if (asm_cpuid(0, 0).eax < 0x15)
        return 0;
    struct cpuid r = asm_cpuid(0x15, 0);
    uint64_t hz = r.eax != 0 ? (uint64_t)r.ecx * r.ebx / r.eax : 0;
    return hz >= HZ_LEAST && hz <= HZ_MOST ? hz : 0;
}

/* Firmware often leaves it off: then it runs only while it is needed, its interrupts not routed. */
static uint64_t by_hpet(const struct machine_timers *t)
{
    struct counter c = {.mask = 0xFFFFFFFFu};
    volatile uint32_t *hpet = t->hpet.at;
    if (hpet == NULL || ((uintptr_t)hpet & 3u) != 0)
        return 0;
    c.period = hpet[1];
    if (c.period < 1000 || c.period > HPET_PERIOD_OK)
        return 0;
    c.reg.at = &hpet[HPET_COUNTER];
    uint32_t config = hpet[HPET_CONFIG];
    hpet[HPET_CONFIG] = (config & ~3u) | 1u;
    uint64_t hz = measure(&c);
    hpet[HPET_CONFIG] = config;
    return hz;
}

static uint64_t by_pm_timer(const struct machine_timers *t)
{
    struct counter c = {.reg = t->pm_timer, .period = PM_PERIOD};
    c.mask = t->pm_timer_32 ? 0xFFFFFFFFu : 0xFFFFFFu;
    return machine_reached(c.reg) ? measure(&c) : 0;
}

/* Channel 2 as a free counter of 16 bits, the speaker off. */
static uint64_t by_pit(const struct machine_timers *t)
{
    UNUSED(t);
    struct counter c = {.period = PIT_PERIOD, .mask = 0xFFFFu};
    uint8_t gate = asm_in8(0x61);
    asm_out8(0x61, (uint8_t)((gate & ~2u) | 1u));
    asm_out8(0x43, 0xB4);
    asm_out8(0x42, 0);
    asm_out8(0x42, 0);
    uint64_t hz = measure(&c);
    asm_out8(0x61, gate);
    return hz;
}

struct machine_rate machine_rate(unsigned which, const struct machine_timers *t)
{
    static const struct {
        const char *name;
        uint64_t (*ask)(const struct machine_timers *);
    } sources[] = {
        {"CPUID", by_cpuid}, {"HPET", by_hpet}, {"PM timer", by_pm_timer}, {"PIT", by_pit}};
    if (which >= ARRAY_LEN(sources))
        return (struct machine_rate){.name = NULL};
    return (struct machine_rate){sources[which].name, sources[which].ask(t)};
}
