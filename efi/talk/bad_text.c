#include "efi/talk/bad_text.h"
#include "efi/base/text.h"
#include "hal/hal.h"
#include "kernel/monitor/bad_words.h"

#define ADDRESSES ((uint64_t)1 << 52) /* Intel SDM vol. 3A, 4.1.4; Arm ARM D8.1.5 */
#define WORD      8u                  /* characters of the shortest, "bad=0x0 " */

/* False: there can be no memory. */
static bool to_range(const struct options_bad *pages, struct bad_range *r)
{
    uint64_t last = hal_min_u64(pages->last, ADDRESSES - 1);
    r->base = hal_align_down(pages->first, HAL_PAGE_SIZE);
    r->pages = r->base < ADDRESSES ? (last - r->base) / HAL_PAGE_SIZE + 1 : 0;
    return r->pages != 0;
}

bool bad_text_has(const char *text, const struct options_bad *pages)
{
    struct options_bad p;
    struct bad_range has, wanted;
    if (!to_range(pages, &wanted))
        return true;
    for (size_t at = 0; options_next_bad(text, BOOT_TEXT_SIZE, &at, &p);)
        if (to_range(&p, &has) && has.base <= wanted.base &&
            wanted.base + wanted.pages * HAL_PAGE_SIZE <= has.base + has.pages * HAL_PAGE_SIZE)
            return true;
    return false;
}

static size_t read(const char *text, struct bad_range *list)
{
    struct options_bad p;
    size_t count = 0;
    for (size_t at = 0; options_next_bad(text, BOOT_TEXT_SIZE, &at, &p);)
        count += to_range(&p, &list[count]);
    return count;
}

/* False: the text has no room for all. */
static bool write(char *text, size_t size, const struct bad_range *list, size_t count)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct format_line word = bad_words(BAD_MORTISE, &list[i], 1);
        if (used + (i > 0) + word.used >= size)
            return false;
        if (i > 0)
            text[used++] = ' ';
        for (size_t k = 0; k < word.used; k++)
            text[used++] = word.text[k];
        text[used] = '\0';
    }
    return true;
}

/* Pages between a range and the next one. */
static uint64_t gap(const struct bad_range *r)
{
    return (r[1].base - r[0].base) / HAL_PAGE_SIZE - r[0].pages;
}

/* Of these ranges, sorted and apart, the two with the fewest pages between them become one. */
static size_t join_nearest(struct bad_range *list, size_t count)
{
    size_t nearest = 0;
    for (size_t i = 1; i + 1 < count; i++)
        if (gap(&list[i]) < gap(&list[nearest]))
            nearest = i;
    list[nearest].pages += gap(&list[nearest]) + list[nearest + 1].pages;
    for (size_t i = nearest + 1; i + 1 < count; i++)
        list[i] = list[i + 1];
    return count - 1;
}

static void put(char *text, size_t size, struct bad_range *list, size_t count)
{
    count = bad_join(list, count);
    while (!write(text, size, list, count))
        count = join_nearest(list, count);
}

void bad_text_add(char *text, size_t size, const struct options_bad *pages)
{
    struct bad_range list[BOOT_TEXT_SIZE / WORD + 1];
    size_t count = read(text, list);
    count += to_range(pages, &list[count]);
    put(text, size, list, count);
}

void bad_text_fit(char *text, size_t size)
{
    struct bad_range list[BOOT_TEXT_SIZE / WORD];
    size_t count = read(text, list);
    put(text, size, list, count);
}
