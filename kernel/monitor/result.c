#include "kernel/monitor/result.h"
#include "hal/cpu.h"
#include "hal/short.h"
#include "kernel/cpus/cpus.h"
#include "kernel/log/log.h"
#include "kernel/machine/power.h"
#include "kernel/memory/account.h"
#include "kernel/memory/memory.h"
#include "kernel/selftest.h"
#include "kernel/trap/panic.h"
#include "kernel/version.h"

static uint64_t anomalies(void)
{
    uint64_t sum = 0;
    for (enum memmap_anomaly what = 0; what < MEMMAP_ANOMALY_COUNT; what++)
        sum += what != MEMMAP_LOW ? memory_map.anomalies[what] : 0;
    return sum;
}

void result_log(bool sound)
{
    struct account_sums s = account_count();
    LOG("result",
        "{\"commit\":\"%s\",\"verdict\":\"%s\",\"us\":%u,\"cpus\":%u,\"usable\":%u,\"free\":%u,"
        "\"parked\":%u,\"allocated\":%u,\"withheld\":%u,\"owned\":%u,\"bad\":%u,\"passed\":%u,"
        "\"failed\":%u,\"skipped\":%u,\"anomalies\":%u}",
        S(mortise_commit), S(sound ? "pass" : "fail"), U(log_micros()), U(cpus_running()),
        U(s.usable), U(s.free), U(s.parked), U(s.allocated), U(s.withheld), U(s.owned), U(s.bad),
        U(selftest_counts.passed), U(selftest_counts.failed), U(selftest_counts.skipped),
        U(anomalies()));
}

static uint64_t seconds;
static bool restarts;

static void after(void)
{
    for (uint64_t begin = log_micros(); (log_micros() - begin) / 1000000u < seconds;)
        cpu_relax();
    if (restarts)
        kernel_reset();
    kernel_poweroff();
}

void result_then(const struct options *o)
{
    if (o->then == THEN_HALT)
        return;
    seconds = o->then_seconds;
    restarts = o->then == THEN_REBOOT;
    panic_end = restarts
                    ? "this machine restarts after the next line, as the option then= asks"
                    : "this machine switches off after the next line, as the option then= asks";
    panic_after = after;
}
