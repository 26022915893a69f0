#include "efi/base/words.h"

/* The state of one pass over the input. `length` counts the word in progress, `whole` does not. */
struct reader {
    char *text;
    size_t capacity;
    size_t length;
    size_t whole;
    bool in_word;
    bool in_comment;
};

static struct reader reader_on(char *text, size_t capacity)
{
    size_t length = 0;
    while (length + 1 < capacity && text[length] != '\0')
        length++;
    return (struct reader){.text = text, .capacity = capacity, .length = length, .whole = length};
}

static void end_word(struct reader *r)
{
    r->whole = r->length;
    r->in_word = false;
}

/* End the text after its last whole word (W2). */
static enum words_end finish(struct reader *r, enum words_end end)
{
    if (end == WORDS_ALL)
        end_word(r);
    r->text[r->whole] = '\0';
    return end;
}

static bool put(struct reader *r, char c)
{
    size_t needed = !r->in_word && r->length > 0 ? 2 : 1;
    if (r->length + needed >= r->capacity)
        return false;
    if (needed == 2)
        r->text[r->length++] = ' ';
    r->text[r->length++] = c;
    r->in_word = true;
    return true;
}

static enum words_end take(struct reader *r, uint32_t c)
{
    if (c == '\n' || c == '\r')
        r->in_comment = false;
    if (r->in_comment)
        return WORDS_ALL;
    if (c > 0x7e)
        return WORDS_NOT_ASCII;
    if (c <= ' ') {
        end_word(r);
        return WORDS_ALL;
    }
    if (c == '#' && !r->in_word) {
        r->in_comment = true;
        return WORDS_ALL;
    }
    return put(r, (char)c) ? WORDS_ALL : WORDS_FULL;
}

static bool starts_with(const uint8_t *bytes, size_t count, const char *mark, size_t length)
{
    if (count < length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != (uint8_t)mark[i])
            return false;
    return true;
}

enum words_end words_add_bytes(char *text, size_t capacity, const uint8_t *bytes, size_t count)
{
    if (starts_with(bytes, count, "\xff\xfe", 2))
        return words_add_utf16(text, capacity, bytes, count);
    struct reader r = reader_on(text, capacity);
    size_t i = starts_with(bytes, count, "\xef\xbb\xbf", 3) ? 3 : 0;
    for (; i < count && bytes[i] != 0; i++) {
        enum words_end end = take(&r, bytes[i]);
        if (end != WORDS_ALL)
            return finish(&r, end);
    }
    return finish(&r, WORDS_ALL);
}

enum words_end words_add_utf16(char *text, size_t capacity, const uint8_t *bytes, size_t count)
{
    struct reader r = reader_on(text, capacity);
    size_t i = starts_with(bytes, count, "\xff\xfe", 2) ? 2 : 0;
    for (; i + 1 < count; i += 2) {
        uint32_t c = bytes[i] | (uint32_t)bytes[i + 1] << 8;
        if (c == 0)
            break;
        enum words_end end = take(&r, c);
        if (end != WORDS_ALL)
            return finish(&r, end);
    }
    return finish(&r, WORDS_ALL);
}

static bool ends_in_efi(const char *word, size_t length)
{
    const char *suffix = ".efi";
    if (length < 4)
        return false;
    for (size_t i = 0; i < 4; i++)
        if ((word[length - 4 + i] | (i > 0 ? 0x20 : 0)) != suffix[i])
            return false;
    return true;
}

void words_drop_program(char *text, size_t from)
{
    size_t start = text[from] == ' ' ? from + 1 : from;
    size_t end = start;
    while (text[end] != '\0' && text[end] != ' ')
        end++;
    if (!ends_in_efi(text + start, end - start))
        return;
    size_t rest = from == 0 && text[end] == ' ' ? end + 1 : end;
    for (;; from++, rest++) {
        text[from] = text[rest];
        if (text[rest] == '\0')
            return;
    }
}
