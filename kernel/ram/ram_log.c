#include "kernel/ram/ram_log.h"
#include "kernel/log/log.h"
#include "kernel/machine/firmware.h"
#include "kernel/ram/ram_tell.h"

static struct slots slots;

static const unsigned char *read_firmware(const void *ctx, hal_paddr_t at, uint64_t size,
                                          const char **why)
{
    return firmware_read(ctx, at, size, why);
}

static void log_one(void *ctx, const char *line)
{
    UNUSED(ctx);
    SAY("ram", line);
}

void ram_read(const struct boot_info *boot, const struct memmap *m)
{
    const struct smbios_view view = {read_firmware, m};
    slots_read(&slots, &view, boot->smbios);
    firmware_close();
    if (slots.wrong == NULL)
        LOG("smbios", "entry point %X: version %u.%u", U(boot->smbios), U(slots.major),
            U(slots.minor));
    else
        LOG("smbios", "entry point %X: %s", U(boot->smbios), S(slots.wrong));
}

void ram_log(const struct memmap *m)
{
    struct ram ram;
    ram_count(&ram, m, &slots);
    ram_tell(&ram, m, &slots, log_one, NULL);
}
