#include "efi/text.h"

struct text text_on(char *storage, size_t capacity)
{
    storage[0] = '\0';
    return (struct text){.at = storage, .capacity = capacity};
}

void text_add_char(struct text *text, char c)
{
    if (text->length + 1 >= text->capacity) {
        text->cut = true;
        return;
    }
    text->at[text->length++] = c;
    text->at[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
    while (*string != '\0')
        text_add_char(text, *string++);
}

static void add_number(struct text *text, uint64_t value, unsigned base)
{
    char digits[20]; /* 2^64 has 20 decimal digits */
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0)
        text_add_char(text, digits[--count]);
}

void text_add_dec(struct text *text, uint64_t value)
{
    add_number(text, value, 10);
}

void text_add_hex(struct text *text, uint64_t value)
{
    text_add(text, "0x");
    add_number(text, value, 16);
}
