#include "efi/talk/options.h"
#include "efi/base/text.h"
#include "efi/base/words.h"
#include "efi/talk/console.h"
#include "efi/talk/volume.h"

#define FILE_MAX 16384u /* bytes of mortise.cfg that are read */
#define PATH_MAX 256u   /* characters of a path */

#define DEVICE_PATH_MAX 4096u /* bytes that are read of a device path */

static void note_end(const struct loader *l, const char *source, enum words_end end)
{
    if (end != WORDS_ALL)
        console_note(l, TEXT(end == WORDS_FULL
                                 ? "%s: more options than fit; the last ones were left out."
                                 : "%s: reading stopped at a character that is not ASCII.",
                             S(source)));
}

static uint16_t load16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

/* Add the text of one file node to `path`. Returns the characters that are now in it. */
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

/* Put the path of the image together in `path` from the file nodes (type 4, subtype 4) of its device path.
 * Returns the characters written. Nobody tells how long a device path is, and the node that ends it (type
 * 7Fh) may be missing, so it is read no further than any real one goes. */
static size_t image_path(const struct loader *l, CHAR16 *path)
{
    const uint8_t *node = l->loaded == NULL ? NULL : (const uint8_t *)l->loaded->FilePath;
    size_t length = 0, left = node == NULL ? 0 : DEVICE_PATH_MAX;
    while (left >= 4 && (node[0] & 0x7f) != 0x7f) {
        size_t bytes = load16(node + 2);
        if (bytes < 4 || bytes > left)
            break;
        if (node[0] == 4 && node[1] == 4)
            length = add_node(path, length, node, bytes);
        node += bytes;
        left -= bytes;
    }
    return length;
}

/* The length of `path` up to and with its last backslash; 0 when it has none. */
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
    size_t before = text_length(options);
    if (l->loaded == NULL || l->loaded->LoadOptions == NULL)
        return;
    note_end(l, "LoadOptions",
             words_add_utf16(options, BOOT_TEXT_SIZE, l->loaded->LoadOptions,
                             l->loaded->LoadOptionsSize));
    words_drop_program(options, before);
}

/* For say_unknown(): options_parse() passes nothing but the word. */
static const struct loader *listener;

static void say_unknown(const char *word)
{
    console_say(listener, TEXT("%s: not an option; ignored.", S(word)));
}

static void understand(struct loader *l)
{
    listener = l;
    options_parse(l->info->options, BOOT_TEXT_SIZE, &l->options, say_unknown);
}

void options_add(struct loader *l, const char *words, size_t length)
{
    note_end(l, "Typed options",
             words_add_bytes(l->info->options, BOOT_TEXT_SIZE, (const uint8_t *)words, length));
    understand(l);
}

void options_read(struct loader *l)
{
    EFI_FILE_PROTOCOL *root = volume_open(l);
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
    understand(l);
}
