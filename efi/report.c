#include "efi/report.h"
#include "efi/arch/protect.h"
#include "efi/base/text.h"
#include "efi/machine/cpu_report.h"
#include "efi/machine/graphics.h"
#include "efi/machine/installed.h"
#include "efi/machine/processors.h"
#include "efi/machine/tables.h"
#include "efi/memory/kept.h"
#include "efi/memory/map.h"
#include "efi/talk/console.h"
#include "efi/talk/volume.h"
#include "kernel/version.h"

const char *report_map_line(const struct loader *l, size_t index)
{
    struct boot_mem m = rawmap_get(&l->map, index);
    return TEXT("%u %x %x %x", U(m.type), U(m.base), U(m.end), U(m.attributes));
}

static const char *secure_boot(const struct loader *l)
{
    static EFI_GUID id = {
        0x8be4df61, 0x93ca, 0x11d2, {0xaa, 0x0d, 0, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};
    EFI_RUNTIME_SERVICES *runtime = l->system->RuntimeServices;
    uint8_t value = 0;
    UINTN size = 1;
    bool known =
        runtime != NULL && runtime->GetVariable != NULL &&
        efi_ok(runtime->GetVariable((CHAR16 *)(uintptr_t)u"SecureBoot", &id, NULL, &size, &value));
    if (!known)
        return "unknown";
    return value == 1 ? "on" : "off";
}

/* Add lines of any length, in pieces so short that TEXT() does not cut them. The mark in front of each piece
 * hides it from readers of maps. */
static void add_text(struct volume_file *f, const char *topic, const char *text)
{
    char line[LOG_LINE - 16];
    while (*text != '\0') {
        size_t length = 0;
        while (*text != '\0' && *text != '\n' && length + 1 < sizeof(line))
            line[length++] = *text++;
        line[length] = '\0';
        text += *text == '\n';
        volume_line(f, TEXT("# %s: %s", S(topic), S(line)));
    }
}

void report_write(struct loader *l)
{
    static struct volume_file f;
    const struct boot_info *info = l->info;
    if (!l->options.report) {
        console_say(l, "report=off: nothing is written.");
        return;
    }
    kept_write(l);
    volume_create(l, &f, REPORT_NAME);
    volume_line(&f, TEXT("# Mortise %s; firmware: %s, revision %x, UEFI %x; Secure Boot %s",
                         S(mortise_commit), S(info->firmware_vendor), U(info->firmware_revision),
                         U(l->system->Hdr.Revision), S(secure_boot(l))));
    add_text(&f, "options", info->options);
    volume_line(
        &f, TEXT("# image: %x %x", U(info->image_base), U(info->image_base + info->image_size)));
    cpu_report(l, &f);
    protect_report(l, &f);
    graphics_report(l, &f);
    tables_report(l, &f);
    processors_report(l, &f);
    if (l->kept_result[0] != '\0')
        add_text(&f, "result", l->kept_result);
    add_text(&f, "note", info->notes);
    map_refresh(l);
    installed_report(l, &f);
    map_refresh(l); /* as late as possible, for every allocation changes the map */
    volume_line(&f,
                TEXT("# map: %u entries of %u bytes", U(rawmap_count(&l->map)), U(l->map.stride)));
    volume_line(&f, "# type, start, end, attributes:");
    for (size_t i = 0; i < rawmap_count(&l->map); i++)
        volume_line(&f, report_map_line(l, i));
    volume_finish(l, &f);
}
