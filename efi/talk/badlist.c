#include "efi/talk/badlist.h"
#include "efi/base/text.h"
#include "efi/base/words.h"
#include "efi/talk/bad_text.h"
#include "efi/talk/console.h"
#include "efi/talk/volume.h"

#define LOG_MARK "bad:     bad=" /* how the exerciser's line begins, behind the stamp */
#define MARK     9u              /* characters of it before the word */

static char kept[BOOT_TEXT_SIZE], found[BOOT_TEXT_SIZE];

const char *badlist_found(void)
{
    return found;
}

const char *badlist_kept(void)
{
    return kept;
}

static bool begins(const char *text, size_t size, const char *with)
{
    size_t i = 0;
    while (with[i] != '\0' && i < size && text[i] == with[i])
        i++;
    return with[i] == '\0';
}

/* Is the word, which has `length` characters, one of those in the text? */
static bool has_word(const char *text, const char *word, size_t length)
{
    for (size_t i = 0; text[i] != '\0'; i++)
        if ((i == 0 || text[i - 1] == ' ') && begins(text + i, BOOT_TEXT_SIZE, word) &&
            (text[i + length] == ' ' || text[i + length] == '\0'))
            return true;
    return false;
}

/* Add the pages that the text names to `to`, but for those that are named there, or in `unless`, already. */
static void collect(char *to, const char *text, size_t size, const char *unless)
{
    struct options_bad pages;
    for (size_t at = 0; options_next_bad(text, size, &at, &pages);)
        if (!bad_text_has(to, &pages) && !bad_text_has(unless, &pages))
            bad_text_add(to, BOOT_TEXT_SIZE, &pages);
}

/* The pages kept, in fewer words where there is little room. They change nothing of what loader.options
 * says. */
static void add_to_options(struct loader *l)
{
    size_t used = text_length(l->info->options) + 1;
    if (kept[0] == '\0')
        return;
    if (used + BAD_TEXT_LEAST > BOOT_TEXT_SIZE) {
        console_note(l, BADLIST_NAME ": the options leave no room for the bad pages.");
        return;
    }
    bad_text_fit(kept, BOOT_TEXT_SIZE - used);
    (void)(words_add_bytes(l->info->options, BOOT_TEXT_SIZE, (const uint8_t *)kept,
                           text_length(kept)));
}

void badlist_read(struct loader *l)
{
    static uint8_t bytes[4 * BOOT_TEXT_SIZE];
    size_t size = volume_read(l, BADLIST_NAME, bytes, sizeof(bytes));
    kept[0] = found[0] = '\0';
    collect(kept, (const char *)bytes, size, "");
    add_to_options(l);
}

static size_t line_end(const char *text, size_t length, size_t at)
{
    while (at < length && text[at] != '\r' && text[at] != '\n')
        at++;
    return at;
}

void badlist_find(struct loader *l, const char *log, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (begins(log + i, length - i, LOG_MARK))
            collect(found, log + i + MARK, line_end(log, length, i) - i - MARK, l->info->options);
}

/* The options are words with one blank between two. */
static void drop_kept_words(char *options)
{
    char left[BOOT_TEXT_SIZE];
    size_t used = 0;
    for (size_t i = 0, end; options[i] != '\0'; i = end) {
        char word[BOOT_TEXT_SIZE];
        size_t length = 0;
        for (end = i; options[end] != '\0' && options[end] != ' '; end++)
            word[length++] = options[end];
        word[length] = '\0';
        end += options[end] == ' ';
        if (has_word(kept, word, length))
            continue;
        if (used > 0)
            left[used++] = ' ';
        for (size_t k = 0; k < length; k++)
            left[used++] = word[k];
    }
    left[used] = '\0';
    for (size_t i = 0; i <= used; i++)
        options[i] = left[i];
}

void badlist_keep(struct loader *l)
{
    static struct volume_file f;
    if (found[0] == '\0')
        return;
    drop_kept_words(l->info->options);
    collect(kept, found, text_length(found), "");
    add_to_options(l);
    found[0] = '\0';
    if (!l->options.report) {
        console_say(l,
                    "report=off: the pages are kept from use this time, and no list is written.");
        return;
    }
    volume_create(l, &f, BADLIST_NAME);
    volume_line(&f, kept);
    volume_finish(l, &f);
}

void badlist_forget(struct loader *l)
{
    if (kept[0] == '\0')
        return;
    drop_kept_words(l->info->options);
    kept[0] = '\0';
    volume_remove(l, BADLIST_NAME);
}
