#include "efi/talk/console.h"
#include "efi/base/clock.h"
#include "efi/base/text.h"

#define CHUNK 64 /* characters given to the firmware at once */

static void flush(SIMPLE_TEXT_OUTPUT_INTERFACE *out, CHAR16 *chunk, size_t *length)
{
    chunk[*length] = 0;
    if (*length > 0)
        (void)out->OutputString(out, chunk);
    *length = 0;
}

void console_write(const struct loader *l, const char *ascii)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = l->system->ConOut;
    if (out == NULL || out->OutputString == NULL)
        return;
    CHAR16 chunk[CHUNK + 3];
    size_t length = 0;
    for (; *ascii != '\0'; ascii++) {
        if (*ascii == '\n')
            chunk[length++] = '\r';
        chunk[length++] = (CHAR16)*ascii;
        if (length >= CHUNK)
            flush(out, chunk, &length);
    }
    flush(out, chunk, &length);
}

void console_say(const struct loader *l, const char *ascii)
{
    console_write(l, ascii);
    console_write(l, "\n");
}

static void add_note(char *notes, const char *sentence)
{
    notes += text_length(notes);
    while (*sentence != '\0')
        *notes++ = *sentence++;
    notes[0] = '\n';
    notes[1] = '\0';
}

void console_note(const struct loader *l, const char *sentence)
{
    static const char more[] = "Further notes did not fit here.";
    char *notes = l->info->notes;
    console_write(l, "note: ");
    console_say(l, sentence);
    size_t left = BOOT_TEXT_SIZE - text_length(notes);
    if (text_length(sentence) + 2 + sizeof(more) <= left) {
        add_note(notes, sentence);
    } else if (sizeof(more) < left) {
        add_note(notes, more);
        while (text_length(notes) + sizeof(more) < BOOT_TEXT_SIZE) /* full for good: said once */
            add_note(notes, "");
    }
}

static bool read_key(const struct loader *l, EFI_INPUT_KEY *key)
{
    SIMPLE_INPUT_INTERFACE *in = l->system->ConIn;
    return in != NULL && in->ReadKeyStroke != NULL && efi_ok(in->ReadKeyStroke(in, key));
}

/* Some firmware reports Enter on a serial line as scan code 13. */
static char char_of(const EFI_INPUT_KEY *key)
{
    uint16_t c = (uint16_t)key->UnicodeChar;
    if (c == 0 && key->ScanCode == '\r')
        c = '\r';
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    return c == 8 || c == '\r' || c == '\n' || (c >= ' ' && c <= 0x7f) ? (char)c : '.';
}

char console_key(const struct loader *l, unsigned *tenths)
{
    EFI_INPUT_KEY key;
    if (l->system->ConIn == NULL)
        *tenths = 0;
    while (*tenths > 0) {
        --*tenths;
        if (read_key(l, &key))
            return char_of(&key);
        if (!clock_wait(l, 100000))
            *tenths = 0;
    }
    return 0;
}

void console_wait_key(const struct loader *l, unsigned seconds)
{
    EFI_INPUT_KEY key;
    unsigned tenths = seconds * 10;
    for (unsigned i = 0; i < 32 && read_key(l, &key); i++)
        continue; /* a key that was pressed before the question is no answer */
    (void)console_key(l, &tenths);
}

/* Each text begins with the number that it stands for. */
const char *console_status(EFI_STATUS status)
{
    static const char words[] =
        "\2invalid parameter\0\3unsupported\0\5"
        "buffer too small\0\7"
        "device error\0\10write protected\0\11out of resources\0\12"
        "file system damaged\0\13volume full\0\14no media\0\16not found\0\17"
        "access denied\0\32security violation\0\41"
        "compromised data\0";
    const char *at = words;
    while (*at != '\0' && (uint64_t)*at != (status & ~EFI_ERROR_MASK))
        at += text_length(at) + 1;
    return *at != '\0' ? at + 1 : "see the UEFI specification, appendix D";
}

EFI_STATUS console_fail(const struct loader *l, const char *sentence, EFI_STATUS status)
{
    console_write(l, "Mortise cannot start: ");
    console_say(l, sentence);
    console_say(l, TEXT("The firmware's answer: %x (%s).", U(status), S(console_status(status))));
    console_write(l, "Nothing was changed. Press a key, or wait half a minute, to go back.\n");
    console_wait_key(l, 30);
    return status;
}
