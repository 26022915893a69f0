#include "hal/cpu.h"

struct cpu_caching cpu_caching_run(hal_paddr_t at, hal_paddr_t limit, hal_paddr_t *until)
{
    struct cpu_caching c = cpu_caching(at, until);
    for (hal_paddr_t next; *until < limit && cpu_caching(*until, &next).name == c.name;
         *until = next)
        continue;
    *until = hal_min_u64(*until, limit);
    return c;
}
