#include "efi/loader.h"

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

static size_t length_of(const char *string)
{
    size_t length = 0;
    while (string[length] != '\0')
        length++;
    return length;
}

void console_note(const struct loader *l, const char *sentence)
{
    static const char more[] = "Further notes did not fit here.\n";
    char *notes = l->info->notes;
    struct text text = {.at = notes, .capacity = BOOT_TEXT_SIZE, .length = length_of(notes)};
    console_write(l, "note: ");
    console_write(l, sentence);
    console_write(l, "\n");
    if (text.length + length_of(sentence) + 1 + sizeof(more) <= BOOT_TEXT_SIZE) {
        text_add(&text, sentence);
        text_add_char(&text, '\n');
    } else if (text.length + sizeof(more) <= BOOT_TEXT_SIZE) {
        text_add(&text, more);
        while (text.length + 1 < text.capacity) /* full for good: said once */
            text_add_char(&text, '\n');
    }
}

void console_wait_key(const struct loader *l, unsigned seconds)
{
    SIMPLE_INPUT_INTERFACE *in = l->system->ConIn;
    EFI_INPUT_KEY key;
    if (in == NULL || in->ReadKeyStroke == NULL)
        return;
    for (unsigned i = 0; i < 32 && efi_ok(in->ReadKeyStroke(in, &key)); i++)
        continue; /* keys from before the question are no answer */
    for (unsigned tenth = 0; tenth < seconds * 10; tenth++) {
        if (efi_ok(in->ReadKeyStroke(in, &key)) || !efi_ok(l->boot->Stall(100000)))
            return;
    }
}

static const char *status_words(EFI_STATUS status)
{
    switch (status & ~EFI_ERROR_MASK) {
    case 2:
        return "invalid parameter";
    case 3:
        return "unsupported";
    case 5:
        return "buffer too small";
    case 7:
        return "device error";
    case 9:
        return "out of resources";
    case 14:
        return "not found";
    case 15:
        return "access denied";
    case 26:
        return "security violation";
    case 33:
        return "compromised data";
    default:
        return "see the UEFI specification, appendix D";
    }
}

EFI_STATUS console_fail(const struct loader *l, const char *sentence, EFI_STATUS status)
{
    char storage[160];
    struct text text = text_on(storage, sizeof(storage));
    text_add(&text, "\nThe firmware's answer: ");
    text_add_hex(&text, status);
    text_add(&text, " (");
    text_add(&text, status_words(status));
    text_add(&text, ").\nNothing was changed. Press a key, or wait half a minute, to go back.\n");
    console_write(l, "Mortise cannot start: ");
    console_write(l, sentence);
    console_write(l, storage);
    console_wait_key(l, 30);
    return status;
}
