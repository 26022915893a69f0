#include "kernel/screen/facts.h"
#include "hal/cpu.h"
#include "kernel/memory/memory.h"
#include "kernel/version.h"

static const struct boot_info *boot;
static bool frozen;

void facts_setup(const struct boot_info *info)
{
    boot = info;
}

void facts_freeze(void)
{
    frozen = true;
}

static uint64_t ram_bytes(void)
{
    static uint64_t pages;
    if (frozen || memory_pmm == NULL)
        return pages * HAL_PAGE_SIZE;
    pages = 0;
    struct pmm_stats s;
    for (unsigned z = 0; z < PMM_ZONE_COUNT; z++) {
        pmm_stats(memory_pmm, (enum pmm_zone)z, &s);
        pages += s.total;
    }
    return pages * HAL_PAGE_SIZE;
}

void facts_line(struct format_line *l, unsigned which)
{
    l->used = 0;
    switch (which) {
    case 0:
        FORMAT(l, "Mortise, commit %s", S(mortise_commit));
        break;
    case 1:
        FORMAT(l, "Firmware: %s, revision %x; %u descriptors of %u bytes", S(boot->firmware_vendor),
               U(boot->firmware_revision), U(boot->map_count), U(boot->descriptor_size));
        break;
    case 2:
        FORMAT(l, "CPU: %s, %u physical address bits", S(cpu_name()),
               U(hal_paging_features().phys_bits));
        break;
    default:
        FORMAT(l, "RAM: %h for the page allocator; screen %ux%u", U(ram_bytes()),
               U(boot->framebuffer.width), U(boot->framebuffer.height));
    }
}
