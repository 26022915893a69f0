/* libFuzzer over the loader's options text: first byte the capacity, second the form, then the
 * input. W1 and W2 of efi/base/words.h are recomputed, and what the options then are lies in the ranges
 * of kernel/options.h; memory is exact, so that ASan sees one byte more. */
#include "efi/base/words.c"
#include "kernel/options.c"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_form(const char *text, size_t capacity)
{
    size_t length = strnlen(text, capacity);
    if (length == capacity || (length > 0 && (text[0] == ' ' || text[length - 1] == ' ')))
        abort();
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~' || (text[i] == ' ' && text[i + 1] == ' '))
            abort();
}

static size_t unknown;

static void count_unknown(const char *word)
{
    unknown += strnlen(word, WORD_SIZE) < WORD_SIZE ? 1 : 1000;
}

static void check_options(const char *text, size_t capacity)
{
    struct options o;
    size_t words = 0;
    unknown = 0;
    options_parse(text, capacity, &o, count_unknown);
    for (size_t i = 0; i < capacity && text[i] != '\0'; i++)
        words += (uint8_t)text[i] > ' ' && (i == 0 || (uint8_t)text[i - 1] <= ' ');
    bool serial = o.serial == 0 || (o.serial >= 0x100 && o.serial <= 0xfff8);
    if (unknown > words || !serial || o.menu > MENU_MAX || o.exercise > EXERCISE_MAX ||
        o.screen > SCREEN_OFF || o.plant > PLANT_OFF || o.monitor > MONITOR_OFF)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t capacity = data[0] + (size_t)1;
    char *text = calloc(capacity, 1);
    uint8_t *input = malloc(size - 2 + 1);
    memcpy(input, data + 2, size - 2);
    if (data[1] % 2 == 0)
        (void)words_add_bytes(text, capacity, input, size - 2);
    else
        (void)words_add_utf16(text, capacity, input, size - 2);
    check_form(text, capacity);
    check_options(text, capacity);
    check_options((const char *)data, size);
    words_drop_program(text, 0);
    check_form(text, capacity);
    free(input);
    free(text);
    return 0;
}
