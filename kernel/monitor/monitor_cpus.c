#include "kernel/monitor/monitor_cpus.h"
#include "hal/hal.h"
#include "hal/short.h"
#include "kernel/cpus/cpus.h"
#include "kernel/cpus/shootdown.h"
#include "kernel/log/log.h"
#include "kernel/machine/acpi.h"
#include "kernel/machine/clock.h"

static uint64_t nanos(uint64_t ticks)
{
    uint64_t hz = clock_hertz != 0 ? clock_hertz : 1000000000u;
    return ticks / hz * 1000000000u + ticks % hz * 1000000000u / hz;
}

void monitor_cpus(const struct command_call *c)
{
    UNUSED(c);
    for (uint32_t i = 0; i < cpus_count(); i++) {
        uint32_t node = cpus_node(i);
        LOG("cpus", node != ACPI_NO_NODE ? "CPU %u: id %u, %s, node %u" : "CPU %u: id %u, %s", U(i),
            U(cpus_id(i)), S(cpus_is_running(i) ? "running" : "lost"), U(node));
    }
    struct shootdown_stats s = shootdown_stats();
    LOG("cpus", "%u shootdowns, %u CPUs asked, %u ns each, %u ns the longest", U(s.rounds),
        U(s.asked), U(nanos(s.ticks) / hal_max_u64(s.rounds, 1)), U(nanos(s.longest)));
}
