#include "efi/machine/installed.h"
#include "efi/base/text.h"
#include "efi/machine/tables.h"
#include "efi/memory/early.h"
#include "kernel/ram/ram_tell.h"

static void add_line(void *file, const char *line)
{
    volume_line(file, TEXT("# ram: %s", S(line)));
}

void installed_report(const struct loader *l, struct volume_file *f)
{
    const struct smbios_view view = {tables_read, l};
    struct slots slots; /* 13 KiB of the 128 KiB that every stack has (UEFI 2.10 section 2.3.4) */
    struct memmap clean;
    struct ram ram;
    if (!early_clean(l, &clean))
        return;
    slots_read(&slots, &view, l->info->smbios);
    ram_count(&ram, &clean, &slots);
    ram_tell(&ram, &clean, &slots, add_line, f);
}
