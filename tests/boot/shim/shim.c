/* The story of the shim: read what to do, load the image, hook, start it. */
#include "arch.h"
#include "hal/short.h"
#include "shim.h"

#define FILE_MAX (64 * KIB)

EFI_SYSTEM_TABLE *st;
struct child child;

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static void *protocol(EFI_HANDLE handle, EFI_GUID id)
{
    void *found = NULL;
    EFI_STATUS status = st->BootServices->HandleProtocol(handle, &id, &found);
    if (!ok(status))
        stop("a protocol is missing; status", status);
    return found;
}

static const EFI_GUID loaded_image = {
    0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const EFI_GUID device_path = {
    0x09576e91, 0x6d3f, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const EFI_GUID file_system = {
    0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};

/* The file's text by way of `take`; nothing, if there is none. */
static void read_file(EFI_FILE_PROTOCOL *root, CHAR16 *path, void take(const char *, size_t))
{
    static char text[FILE_MAX];
    EFI_FILE_PROTOCOL *file = NULL;
    UINTN size = FILE_MAX;
    if (!ok(root->Open(root, &file, path, EFI_FILE_MODE_READ, 0)))
        return;
    EFI_STATUS status = file->Read(file, &size, text);
    if (!ok(status) || size == FILE_MAX)
        stop("a file cannot be read or is too long; status", status);
    (void)file->Close(file);
    take(text, size);
}

static void read_files(EFI_HANDLE device)
{
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *fs = protocol(device, file_system);
    EFI_FILE_PROTOCOL *root = NULL;
    EFI_STATUS status = fs->OpenVolume(fs, &root);
    if (!ok(status))
        stop("the disk cannot be opened; status", status);
    read_file(root, (CHAR16 *)(uintptr_t)u"\\EFI\\BOOT\\shim.cfg", config_read);
    read_file(root, (CHAR16 *)(uintptr_t)u"\\EFI\\BOOT\\shim.map", overlay_read);
    (void)root->Close(root);
}

/* The device's path with the file's behind it. */
static void *image_path(EFI_HANDLE device)
{
    static const CHAR16 name[] = u"\\EFI\\BOOT\\MORTISE.EFI";
    static uint8_t path[1024];
    const uint8_t *from = protocol(device, device_path);
    size_t at = 0;
    while (from[at] != 0x7f && at + 200 < sizeof(path)) {
        size_t length = from[at + 2] | (size_t)from[at + 3] << 8;
        for (size_t i = 0; i < length; i++)
            path[at + i] = from[at + i];
        at += length;
    }
    const uint8_t head[4] = {4, 4, 4 + sizeof(name), 0}, end[4] = {0x7f, 0xff, 4, 0};
    for (size_t i = 0; i < 4; i++) {
        path[at + i] = head[i];
        path[at + 4 + sizeof(name) + i] = end[i];
    }
    for (size_t i = 0; i < sizeof(name); i++)
        path[at + 4 + i] = ((const uint8_t *)name)[i];
    return path;
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    st = system;
    say("\r\nshim: started\r\n");
    EFI_LOADED_IMAGE_PROTOCOL *own = protocol(image, loaded_image);
    read_files(own->DeviceHandle);
    EFI_STATUS status = st->BootServices->LoadImage(FALSE, image, image_path(own->DeviceHandle),
                                                    NULL, 0, &child.handle);
    if (!ok(status))
        stop("the image cannot be loaded; status", status);
    child.loaded = protocol(child.handle, loaded_image);
    services_hook();
    arch_begin();
    sections_spoil_bss();
    tables_protect();
    say("shim: starts the image\r\n");
    say_seconds();
    status = st->BootServices->StartImage(child.handle, NULL, NULL);
    stop("the image came back; status", status);
}
