#include "efi/machine/installed.h"
#include "efi/base/text.h"
#include "efi/machine/tables.h"
#include "efi/memory/early.h"
#include "kernel/memory/bad.h"
#include "kernel/ram/ram_tell.h"
#include "mm/pmm_types.h"

static void add_line(void *file, const char *line)
{
    volume_line(file, TEXT("# ram: %s", S(line)));
}

static void add_bad(void *file, const char *line)
{
    volume_line(file, TEXT("# bad: %s", S(line)));
}

/* What the page allocator will have of it, but for what the kernel takes for itself. */
static void report_free(struct volume_file *f, const struct memmap *m)
{
    uint64_t low = 0, longest = 0;
    hal_paddr_t from = 0, start = 0, end = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct mem_region *r = &m->regions[i];
        if (!mem_type_is_free_ram(r->type))
            continue;
        start = r->base != end ? r->base : start;
        end = mem_region_end(r);
        if (r->base < PMM_DMA_LIMIT)
            low += hal_min_u64(end, PMM_DMA_LIMIT) - r->base;
        if (end - start > longest) {
            longest = end - start;
            from = start;
        }
    }
    volume_line(f, TEXT("# free: %u pages, %h, below 16 MiB; the longest run %u pages, %h, at %X",
                        U(low / HAL_PAGE_SIZE), U(low), U(longest / HAL_PAGE_SIZE), U(longest),
                        U(from)));
}

void installed_report(const struct loader *l, struct volume_file *f)
{
    const struct smbios_view view = {tables_read, l};
    struct slots slots; /* 13 KiB of the 128 KiB that every stack has (UEFI 2.10 section 2.3.4) */
    struct memmap clean;
    struct ram ram;
    if (!early_clean(l, &clean))
        return;
    bad_reserve(&clean, l->info->options, sizeof l->info->options, 0, add_bad, f);
    slots_read(&slots, &view, l->info->smbios);
    ram_count(&ram, &clean, &slots);
    ram_tell(&ram, &clean, &slots, add_line, f);
    report_free(f, &clean);
}
