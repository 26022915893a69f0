#include "kernel/machine/firmware.h"
#include "hal/hal.h"
#include "kernel/log/log.h"
#include "kernel/memory/space.h"

/* The RAM region that holds `addr` and is in the direct map, or NULL. */
static const struct mem_region *readable(const struct memmap *map, paddr_t addr)
{
    const struct mem_region *r = memmap_find(map, addr);
    return r != NULL && space_holds(r) && mem_region_end(r) <= SPACE_DIRECT_SIZE ? r : NULL;
}

void firmware_report(const struct boot_info *info, const struct memmap *map)
{
    if (info->smbios == 0)
        SAY("smbios", "the firmware gave no entry point");
    else
        LOG("smbios", "entry point %X, %s", U(info->smbios),
            S(readable(map, info->smbios) != NULL ? "in RAM" : "not in RAM, so it is not used"));
}
