/* Words and numbers for people and for JSON. Contract: desk.h. */
#include "hal/short.h"
#include "tests/sim/desk.h"

#include <stdlib.h>
#include <string.h>

const char *human_size(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double v = (double)bytes;
    while (v >= 1024 && unit + 1 < ARRAY_LEN(units)) {
        v /= 1024;
        unit++;
    }
    int decimals = v >= 100 || v == (double)(uint64_t)v ? 0 : v >= 10 ? 1 : 2;
    snprintf(out, size, "%.*f %s", decimals, v, units[unit]);
    return out;
}

static uint64_t unit_of(const char *text)
{
    static const char letters[] = "KMGT";
    char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
    const char *found = c == '\0' ? NULL : strchr(letters, c);
    bool tail = found != NULL &&
                (text[1] == '\0' || strcmp(text + 1, "iB") == 0 || strcmp(text + 1, "B") == 0);
    return tail ? (uint64_t)1 << (10 * (found - letters + 1)) : *text == '\0';
}

uint64_t parse_size(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 15)
        return 0;
    uint64_t number = strtoull(text, NULL, 10);
    uint64_t unit = unit_of(text + digits);
    return unit != 0 && number <= UINT64_MAX / unit ? number * unit : 0;
}

void print_json_string(FILE *f, const char *text)
{
    fputc('"', f);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            fprintf(f, "\\u%04x", c);
        else
            fputc(c < 0x80 ? c : '?', f);
    }
    fputc('"', f);
}
