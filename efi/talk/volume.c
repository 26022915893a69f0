#include "efi/talk/volume.h"
#include "efi/base/text.h"
#include "efi/talk/console.h"

#define WRITABLE    (EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE)
#define KIND_OFFSET 72 /* of Attribute in EFI_FILE_INFO */
#define NOT_OURS    (EFI_FILE_READ_ONLY | EFI_FILE_DIRECTORY)

_Static_assert(offsetof(EFI_FILE_INFO, Attribute) == KIND_OFFSET, "UEFI 2.10 section 13.5.16");

EFI_FILE_PROTOCOL *volume_open(const struct loader *l)
{
    static EFI_GUID id = {
        0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *fs = NULL;
    EFI_FILE_PROTOCOL *root = NULL;
    if (l->loaded == NULL || l->loaded->DeviceHandle == NULL)
        return NULL;
    if (!efi_ok(l->boot->HandleProtocol(l->loaded->DeviceHandle, &id, (void **)&fs)) || fs == NULL)
        return NULL;
    return efi_ok(fs->OpenVolume(fs, &root)) ? root : NULL;
}

static EFI_STATUS open_file(struct volume_file *f, UINT64 mode)
{
    CHAR16 path[32] = {'\\'};
    for (size_t i = 0; f->name[i] != '\0'; i++)
        path[i + 1] = (CHAR16)f->name[i];
    f->file = NULL;
    return f->root->Open(f->root, &f->file, path, mode, 0);
}

/* A folder, or a file that somebody has protected, is not an older file of ours. */
static bool replaceable(EFI_FILE_PROTOCOL *file)
{
    static EFI_GUID id = {
        0x09576e92, 0x6d3f, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
    uint64_t info[64];
    UINTN size = sizeof(info);
    return efi_ok(file->GetInfo(file, &id, &size, info)) && (info[KIND_OFFSET / 8] & NOT_OURS) == 0;
}

/* An older file may be longer than the new one, and not every firmware can shorten a file. */
static EFI_STATUS remove_old(struct volume_file *f)
{
    EFI_STATUS status = open_file(f, WRITABLE);
    if (status == EFI_NOT_FOUND)
        return EFI_SUCCESS;
    if (!efi_ok(status))
        return status;
    if (!replaceable(f->file))
        (void)f->file->Close(f->file);
    else if (f->file->Delete(f->file) == EFI_SUCCESS) /* that it failed is a warning in UEFI */
        return EFI_SUCCESS;
    return EFI_ACCESS_DENIED;
}

void volume_create(const struct loader *l, struct volume_file *f, const char *name)
{
    f->name = name;
    f->used = 0;
    f->file = NULL;
    f->status = EFI_UNSUPPORTED;
    f->root = volume_open(l);
    if (f->root == NULL)
        return;
    f->status = remove_old(f);
    if (efi_ok(f->status))
        f->status = open_file(f, WRITABLE | EFI_FILE_MODE_CREATE);
    if (!efi_ok(f->status))
        f->file = NULL;
}

size_t volume_read(const struct loader *l, const char *name, uint8_t *bytes, size_t capacity)
{
    static struct volume_file f;
    UINTN size = capacity;
    f.name = name;
    f.root = volume_open(l);
    if (f.root == NULL)
        return 0;
    bool there = efi_ok(open_file(&f, EFI_FILE_MODE_READ)) && f.file != NULL;
    bool read = there && efi_ok(f.file->Read(f.file, &size, bytes)) && size <= capacity;
    if (there)
        (void)f.file->Close(f.file);
    (void)f.root->Close(f.root);
    if (there && !read)
        console_note(l, TEXT("%s: cannot be read; going on without it.", S(name)));
    return read ? size : 0;
}

void volume_write(struct volume_file *f, const char *bytes, size_t count)
{
    UINTN size = count;
    if (!efi_ok(f->status) || count == 0)
        return;
    f->status = f->file->Write(f->file, &size, (void *)(uintptr_t)bytes);
    if (efi_ok(f->status) && size != count)
        f->status = EFI_VOLUME_FULL;
}

static void flush(struct volume_file *f)
{
    volume_write(f, f->buffer, f->used);
    f->used = 0;
}

static void add_char(struct volume_file *f, char c)
{
    if (f->used == sizeof(f->buffer))
        flush(f);
    f->buffer[f->used++] = c;
}

void volume_line(struct volume_file *f, const char *text)
{
    while (*text != '\0')
        add_char(f, *text++);
    add_char(f, '\n');
}

void volume_finish(const struct loader *l, struct volume_file *f)
{
    flush(f);
    if (efi_ok(f->status))
        f->status = f->file->Flush(f->file);
    if (efi_ok(f->status))
        f->status = f->file->Close(f->file);
    else if (f->file != NULL)
        (void)f->file->Delete(f->file);
    if (f->root != NULL)
        (void)f->root->Close(f->root);
    if (efi_ok(f->status))
        console_say(l, TEXT("Wrote %s to the disk this came from, and nothing else.", S(f->name)));
    else
        console_note(l, TEXT("%s is not written: %s. It goes on without.", S(f->name),
                             S(console_status(f->status))));
}

void volume_remove(const struct loader *l, const char *name)
{
    static struct volume_file f;
    f.name = name;
    f.root = volume_open(l);
    f.status = f.root != NULL ? remove_old(&f) : EFI_UNSUPPORTED;
    if (f.root != NULL)
        (void)f.root->Close(f.root);
    if (efi_ok(f.status))
        console_say(l, TEXT("Removed %s from the disk this came from.", S(name)));
    else
        console_note(l, TEXT("%s is not removed: %s.", S(name), S(console_status(f.status))));
}
