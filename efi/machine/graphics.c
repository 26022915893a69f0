#include "efi/machine/graphics.h"
#include "efi/base/text.h"
#include "efi/machine/framebuffer.h"
#include "efi/talk/console.h"

#define MODES_MAX 64u /* of one screen, in the report */

static EFI_GUID gop_id = {
    0x9042a9de, 0x23dc, 0x4a38, {0x96, 0xfb, 0x7a, 0xde, 0xd0, 0x80, 0x51, 0x6a}};
static EFI_GUID console_id = {
    0xd3b36f2c, 0xd551, 0x11d4, {0x9a, 0x46, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};

/* A screen that was never started has no mode. It is given its first, which any screen has. */
static const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode_of(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop)
{
    if ((gop->Mode == NULL || gop->Mode->Info == NULL) && gop->SetMode != NULL)
        (void)gop->SetMode(gop, 0);
    return gop->Mode == NULL || gop->Mode->Info == NULL ? NULL : gop->Mode;
}

/* Fill `*fb` and return NULL, or say why this screen cannot be used. */
static const char *describe(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, struct boot_framebuffer *fb)
{
    const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode = mode_of(gop);
    if (mode == NULL)
        return "it has no mode";
    *fb = (struct boot_framebuffer){
        .base = mode->FrameBufferBase,
        .size = mode->FrameBufferSize,
        .width = mode->Info->HorizontalResolution,
        .height = mode->Info->VerticalResolution,
        .pitch = mode->Info->PixelsPerScanLine,
        .red_mask = mode->Info->PixelInformation.RedMask,
        .green_mask = mode->Info->PixelInformation.GreenMask,
        .blue_mask = mode->Info->PixelInformation.BlueMask,
    };
    return framebuffer_accept(fb, (uint32_t)mode->Info->PixelFormat);
}

static bool shows_console(const struct loader *l, EFI_HANDLE handle)
{
    void *unused = NULL;
    return efi_ok(l->boot->HandleProtocol(handle, &console_id, &unused));
}

/* Take the first usable screen that shows the firmware's text, else the first usable one. */
static void choose(const struct loader *l, const EFI_HANDLE *handles, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = NULL;
        struct boot_framebuffer fb;
        if (!efi_ok(l->boot->HandleProtocol(handles[i], &gop_id, (void **)&gop)) || gop == NULL)
            continue;
        const char *why = describe(gop, &fb);
        bool console = shows_console(l, handles[i]);
        if (why != NULL)
            console_note(l, TEXT("Screen %u is not used: %s.", U(i + 1), S(why)));
        else if (console || l->info->framebuffer.base == 0)
            l->info->framebuffer = fb;
        if (why == NULL && console)
            return;
    }
}

static void report_mode(const struct loader *l, struct volume_file *f, size_t screen,
                        EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, uint32_t mode)
{
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = NULL;
    UINTN size = 0;
    if (!efi_ok(gop->QueryMode(gop, mode, &size, &info)) || info == NULL)
        return;
    volume_line(f, TEXT("# screen: %u mode %u: %ux%u, pitch %u, format %u%s", U(screen + 1),
                        U(mode), U(info->HorizontalResolution), U(info->VerticalResolution),
                        U(info->PixelsPerScanLine), U((uint32_t)info->PixelFormat),
                        S(gop->Mode->Mode == mode ? ", in use" : "")));
    (void)l->boot->FreePool(info);
}

static void report_screen(const struct loader *l, struct volume_file *f, size_t screen,
                          EFI_HANDLE handle)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = NULL;
    if (!efi_ok(l->boot->HandleProtocol(handle, &gop_id, (void **)&gop)) || gop == NULL ||
        gop->Mode == NULL || gop->QueryMode == NULL)
        return;
    for (uint32_t mode = 0; mode < gop->Mode->MaxMode && mode < MODES_MAX; mode++)
        report_mode(l, f, screen, gop, mode);
}

void graphics_report(const struct loader *l, struct volume_file *f)
{
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    EFI_STATUS status = l->boot->LocateHandleBuffer(ByProtocol, &gop_id, NULL, &count, &handles);
    if (!efi_ok(status) || handles == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        report_screen(l, f, i, handles[i]);
    (void)l->boot->FreePool(handles);
}

void graphics_find(const struct loader *l)
{
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;
    EFI_STATUS status = l->boot->LocateHandleBuffer(ByProtocol, &gop_id, NULL, &count, &handles);
    if (efi_ok(status) && handles != NULL) {
        choose(l, handles, count);
        (void)l->boot->FreePool(handles);
    }
    if (l->info->framebuffer.base == 0)
        console_note(l, "No screen that can be drawn on; the serial port is the only output.");
}
