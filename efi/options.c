#include "efi/loader.h"
#include "efi/words.h"

#define FILE_MAX 16384u /* bytes of mortise.cfg that are read */
#define PATH_MAX 256u   /* characters of a path */

static void note_end(const struct loader *l, const char *source, enum words_end end)
{
    char storage[160];
    struct text text = text_on(storage, sizeof(storage));
    if (end == WORDS_ALL)
        return;
    text_add(&text, source);
    if (end == WORDS_FULL)
        text_add(&text, ": more options than fit; the last ones were left out.");
    else
        text_add(&text, ": reading stopped at a character that is not ASCII.");
    console_note(l, storage);
}

static uint16_t load16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

/* Add the text of one file node to `path`; characters now in it. */
static size_t add_node(CHAR16 *path, size_t length, const uint8_t *node, size_t bytes)
{
    for (size_t at = 4; at + 1 < bytes && length < PATH_MAX; at += 2) {
        uint16_t c = load16(node + at);
        if (c == 0)
            break;
        path[length++] = c == '/' ? '\\' : c;
    }
    return length;
}

/* The path of the image, from the file nodes (type 4, subtype 4) of its device path, in `path`;
 * characters written. No node may be trusted to end the list, so 64 nodes are all. */
static size_t image_path(const struct loader *l, CHAR16 *path)
{
    const uint8_t *node = l->loaded == NULL ? NULL : (const uint8_t *)l->loaded->FilePath;
    size_t length = 0;
    for (unsigned i = 0; node != NULL && i < 64 && (node[0] & 0x7f) != 0x7f; i++) {
        size_t bytes = load16(node + 2);
        if (bytes < 4)
            break;
        if (node[0] == 4 && node[1] == 4)
            length = add_node(path, length, node, bytes);
        node += bytes;
    }
    return length;
}

/* Cut `path` after its last backslash; 0 when it has none. */
static size_t folder_of(const CHAR16 *path, size_t length)
{
    while (length > 0 && path[length - 1] != '\\')
        length--;
    return length;
}

static EFI_FILE_PROTOCOL *open_beside(EFI_FILE_PROTOCOL *root, CHAR16 *path, size_t folder)
{
    static const char name[] = "mortise.cfg";
    EFI_FILE_PROTOCOL *file = NULL;
    for (size_t i = 0; i < sizeof(name); i++) /* with its NUL */
        path[folder + i] = (CHAR16)name[i];
    return efi_ok(root->Open(root, &file, path, EFI_FILE_MODE_READ, 0)) ? file : NULL;
}

static EFI_FILE_PROTOCOL *open_config(const struct loader *l, EFI_FILE_PROTOCOL *root)
{
    static const char boot[] = "\\EFI\\BOOT\\";
    CHAR16 path[PATH_MAX + 16]; /* room for the name */
    size_t folder = folder_of(path, image_path(l, path));
    EFI_FILE_PROTOCOL *file = folder == 0 ? NULL : open_beside(root, path, folder);
    if (file != NULL)
        return file;
    for (size_t i = 0; i < sizeof(boot) - 1; i++)
        path[i] = (CHAR16)boot[i];
    file = open_beside(root, path, sizeof(boot) - 1);
    return file != NULL ? file : open_beside(root, path, 1);
}

static EFI_FILE_PROTOCOL *open_root(const struct loader *l)
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

static void read_config(const struct loader *l, EFI_FILE_PROTOCOL *file)
{
    static uint8_t bytes[FILE_MAX];
    UINTN size = sizeof(bytes);
    EFI_STATUS status = file->Read(file, &size, bytes);
    if (!efi_ok(status) || size > sizeof(bytes)) {
        console_note(l, "mortise.cfg: cannot be read; going on without it.");
        return;
    }
    if (size == sizeof(bytes))
        console_note(l, "mortise.cfg: only the first 16 KiB are read.");
    note_end(l, "mortise.cfg", words_add_bytes(l->info->options, BOOT_TEXT_SIZE, bytes, size));
}

static void read_load_options(const struct loader *l)
{
    char *options = l->info->options;
    size_t before = 0;
    if (l->loaded == NULL || l->loaded->LoadOptions == NULL)
        return;
    while (options[before] != '\0')
        before++;
    note_end(l, "LoadOptions",
             words_add_utf16(options, BOOT_TEXT_SIZE, l->loaded->LoadOptions,
                             l->loaded->LoadOptionsSize));
    words_drop_program(options, before);
}

void options_read(const struct loader *l)
{
    EFI_FILE_PROTOCOL *root = open_root(l);
    EFI_FILE_PROTOCOL *file = root == NULL ? NULL : open_config(l, root);
    if (root == NULL)
        console_note(l, "The folder this program came from cannot be read: no mortise.cfg.");
    if (file != NULL) {
        read_config(l, file);
        (void)file->Close(file);
    }
    if (root != NULL)
        (void)root->Close(root);
    read_load_options(l);
}
