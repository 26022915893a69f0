#include "efi/memory/kept.h"
#include "efi/arch/places.h"
#include "efi/base/text.h"
#include "efi/memory/map.h"
#include "efi/talk/console.h"
#include "efi/talk/volume.h"
#include "kernel/log/keep.h"

#define PAGES (KEEP_SIZE / HAL_PAGE_SIZE)

static const struct keep *block_at(uint64_t place)
{
    return (const struct keep *)(uintptr_t)place;
}

/* What stands behind the last `mark` of the log; NULL: nothing. */
static const char *find_last(const char *text, size_t length, const char *mark)
{
    const char *found = NULL;
    for (size_t i = 0; i < length; i++) {
        size_t n = 0;
        while (mark[n] != '\0' && i + n < length && text[i + n] == mark[n])
            n++;
        if (mark[n] == '\0')
            found = text + i + n;
    }
    return found;
}

/* Up to the end of the line; what is not printable is left to TEXT(). */
static void copy_line(char *to, size_t size, const char *from, const char *end)
{
    size_t used = 0;
    while (from < end && *from != '\r' && *from != '\n' && *from != '\0' && used + 1 < size)
        to[used++] = *from++;
    to[used] = '\0';
}

static void take_result(struct loader *l, const char *text, size_t length)
{
    char verdict[8] = "none";
    const char *result = find_last(text, length, "] result: "), *end = text + length;
    const char *said = find_last(text, length, "] verdict: ");
    if (said != NULL)
        copy_line(verdict, sizeof verdict, said, end);
    if (result == NULL) {
        result = TEXT("{\"verdict\":\"%s\"}", S(verdict));
        end = result + text_length(result);
    }
    copy_line(l->kept_result, sizeof l->kept_result, result, end);
}

/* Only memory that could be taken is read. */
static bool take(struct loader *l, uint64_t place, bool empty_too)
{
    size_t length = 0;
    if (!map_take_at(l, place, PAGES))
        return false;
    enum keep_found found = keep_look(block_at(place), &length);
    if (found == KEEP_DAMAGED && !empty_too)
        console_note(l,
                     "A log of an earlier boot was found in memory, but it is damaged; ignored.");
    if (found == KEEP_GOOD || empty_too) {
        l->info->keep = place;
        if (found == KEEP_GOOD)
            take_result(l, block_at(place)->text, length);
        l->kept_length = length;
        return true;
    }
    (void)l->boot->FreePages(place, PAGES);
    return false;
}

void kept_find(struct loader *l)
{
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; places_kept(i) != 0; i++)
            if (take(l, places_kept(i), round == 1))
                return;
    console_note(l, "No memory at a known place: the log will not outlive a restart.");
}

const char *kept_text(const struct loader *l)
{
    return l->kept_length != 0 ? block_at(l->info->keep)->text : "";
}

void kept_write(struct loader *l)
{
    static struct volume_file f;
    if (l->kept_length == 0)
        return;
    console_note(l, "The log of an earlier boot was found in memory.");
    volume_create(l, &f, KEPT_NAME);
    volume_write(&f, block_at(l->info->keep)->text, l->kept_length);
    volume_finish(l, &f);
    if (efi_ok(f.status))
        l->kept_length = 0;
}
