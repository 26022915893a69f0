#include "efi/machine/processors.h"
#include "efi/base/text.h"

/* gnu-efi does not have this protocol. Only its first member is used. */
struct mp_services {
    EFI_STATUS(EFIAPI *GetNumberOfProcessors)
    (struct mp_services *, UINTN *processors, UINTN *enabled);
};

void processors_count(const struct loader *l)
{
    static EFI_GUID id = {
        0x3fdda605, 0xa76e, 0x4f46, {0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08}};
    struct mp_services *mp = NULL;
    UINTN processors = 0, enabled = 0;
    if (!efi_ok(l->boot->LocateProtocol(&id, NULL, (void **)&mp)) || mp == NULL ||
        !efi_ok(mp->GetNumberOfProcessors(mp, &processors, &enabled)))
        return;
    l->info->processors = processors;
    l->info->processors_enabled = enabled;
}

void processors_report(const struct loader *l, struct volume_file *f)
{
    if (l->info->processors == 0)
        volume_line(f, "# processors: the firmware does not count them (no EFI_MP_SERVICES)");
    else
        volume_line(f, TEXT("# processors: %u, of which %u are enabled, by EFI_MP_SERVICES",
                            U(l->info->processors), U(l->info->processors_enabled)));
}
