/* libFuzzer over the kernel's options (kernel/options.h): first byte even: the text as it is, odd:
 * through the loader's reader of words (efi/base/words.h) first. Numbers are judged by strtoull here;
 * for the rest it must hold that words which are not understood change nothing, that saying all of
 * it twice changes nothing, and that a later word wins. Memory is exact, so that ASan sees one byte
 * more.
 *
 * needs: efi/base/words.c kernel/options.c
 */
#include "efi/base/words.h"
#include "kernel/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX  2048u
#define WORD_SIZE 64 /* of which the parser looks at all but one */

static char *unknown[TEXT_MAX];
static size_t unknown_count;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void hear(const char *word)
{
    must(unknown_count < TEXT_MAX && strlen(word) > 0 && strlen(word) < WORD_SIZE);
    unknown[unknown_count++] = strdup(word);
}

static void forget(void)
{
    while (unknown_count > 0)
        free(unknown[--unknown_count]);
}

static struct options parse(const char *text, size_t size)
{
    struct options o;
    char *copy = malloc(size + 1);
    memset(&o, 0xa5, sizeof o);
    memcpy(copy, text, size);
    copy = realloc(copy, size != 0 ? size : 1);
    forget();
    options_parse(copy, size, &o, hear);
    free(copy);
    return o;
}

static bool alike(const struct options *a, const struct options *b)
{
    return a->keepbs == b->keepbs && a->exit == b->exit && a->selftest == b->selftest &&
           a->sp_use == b->sp_use && a->kaslr == b->kaslr && a->tables == b->tables &&
           a->five_levels == b->five_levels && a->exercise == b->exercise && a->help == b->help &&
           a->report == b->report && a->menu == b->menu && a->serial == b->serial &&
           a->screen == b->screen && a->plant == b->plant && a->monitor == b->monitor;
}

/* A number of `base` behind `key`, or UINT64_MAX. */
static uint64_t number_of(const char *word, const char *key, int base)
{
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
    const char *p = word + strlen(key);
    if (strncmp(word, key, strlen(key)) != 0 || *p == '\0' || strspn(p, digits) != strlen(p))
        return UINT64_MAX;
    return strtoull(p, NULL, base);
}

/* What the last word of each kind of number says. */
struct numbers {
    uint64_t serial, menu, exercise;
};

static void note_number(const char *word, struct numbers *n)
{
    uint64_t serial = number_of(word, "serial=0x", 16);
    uint64_t menu = number_of(word, "menu=", 10);
    uint64_t exercise = number_of(word, "exercise=", 10);
    if ((serial >= 0x100 && serial <= 0xFFF8) || strcmp(word, "serial=off") == 0)
        n->serial = serial == UINT64_MAX ? 0 : serial;
    if (menu <= 600 || strcmp(word, "menu=off") == 0)
        n->menu = menu == UINT64_MAX ? 0 : menu;
    if (exercise <= 1000000)
        n->exercise = exercise;
}

/* The words of the text, each cut to what the parser looks at; those that were called unknown are
 * left out of `known`. They must be among the words, in their order. */
static void walk_words(const char *text, size_t size, struct numbers *n, char *known)
{
    size_t heard = 0;
    for (size_t i = 0; i < size && text[i] != '\0';) {
        char word[WORD_SIZE] = "";
        size_t length = 0;
        for (; i < size && (unsigned char)text[i] > ' '; i++)
            if (length + 1 < sizeof word)
                word[length++] = text[i];
        if (length == 0) {
            i++;
            continue;
        }
        note_number(word, n);
        if (heard < unknown_count && strcmp(unknown[heard], word) == 0)
            heard++;
        else
            strcat(strcat(known, " "), word);
    }
    must(heard == unknown_count);
}

static void check_values(const struct options *o, const struct numbers *n)
{
    must(o->serial == (n->serial == UINT64_MAX ? 0x3F8 : n->serial));
    must(o->menu == (n->menu != UINT64_MAX ? n->menu : o->exit ? 0 : 3));
    must(o->exercise == (n->exercise == UINT64_MAX ? 0 : n->exercise));
    must((unsigned)o->screen <= SCREEN_OFF && (unsigned)o->plant <= PLANT_OFF &&
         (unsigned)o->monitor <= MONITOR_OFF);
}

/* Of two words that set the same, the later one wins. */
static void check_order(const char *known)
{
    char text[2 * TEXT_MAX + 64];
    snprintf(text, sizeof text, "%s exit=1 serial=off keepbs=0 screen=log kaslr=off", known);
    struct options o = parse(text, strlen(text));
    must(o.exit && o.serial == 0 && !o.keepbs && o.screen == SCREEN_LOG && !o.kaslr);
}

static void check(const char *text, size_t size)
{
    struct numbers n = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    char known[2 * TEXT_MAX] = "";
    char twice[4 * TEXT_MAX];
    struct options o = parse(text, size);
    walk_words(text, size, &n, known);
    check_values(&o, &n);
    struct options without = parse(known, strlen(known));
    must(unknown_count == 0 && alike(&o, &without));
    snprintf(twice, sizeof twice, "%s\t%s\r\n", known, known);
    struct options again = parse(twice, strlen(twice));
    must(unknown_count == 0 && alike(&o, &again));
    check_order(known);
    forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[1024];
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0) {
        check((const char *)data + 1, size - 1 < TEXT_MAX ? size - 1 : TEXT_MAX);
    } else {
        text[0] = '\0';
        (void)words_add_bytes(text, sizeof text, data + 1, size - 1);
        check(text, sizeof text);
    }
    return 0;
}
