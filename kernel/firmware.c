#include "kernel/firmware.h"
#include "hal/hal.h"
#include "kernel/log.h"
#include "kernel/space.h"

#define RSDP_REVISION 15u /* offset of the revision byte */

/* The RAM region that holds `addr` and is in the direct map, or NULL. */
static const struct mem_region *readable(const struct memmap *map, paddr_t addr)
{
    const struct mem_region *r = memmap_find(map, addr);
    return r != NULL && space_holds(r) && mem_region_end(r) <= SPACE_DIRECT_SIZE ? r : NULL;
}

static void report_rsdp(paddr_t at, const struct memmap *map)
{
    const struct mem_region *r = readable(map, at);
    if (at == 0 || r == NULL) {
        LOG("acpi", "root pointer %X is not used: %s", U(at),
            S(at == 0 ? "the firmware gave none" : "it does not lie in RAM"));
        return;
    }
    const unsigned char *bytes = hal_phys_to_virt(at);
    const char *wrong = firmware_refuse_rsdp(bytes, r->base + r->size - at);
    if (wrong != NULL)
        LOG("acpi", "root pointer %X is not used: %s", U(at), S(wrong));
    else
        LOG("acpi", "root pointer %X, revision %u, in %s memory, checksums right", U(at),
            U(bytes[RSDP_REVISION]), S(mem_type_name(r->type)));
}

void firmware_report(const struct boot_info *info, const struct memmap *map)
{
    report_rsdp(info->rsdp, map);
    if (info->smbios == 0)
        SAY("smbios", "the firmware gave no entry point");
    else
        LOG("smbios", "entry point %X, %s", U(info->smbios),
            S(readable(map, info->smbios) != NULL ? "in RAM" : "not in RAM, so it is not used"));
}
