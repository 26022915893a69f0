/* efi/talk/bad_text.h: pages at random into texts of any size, read back by sscanf() and compared, page by
 * page, with a set.
 *
 * needs: efi/talk/bad_text.c kernel/monitor/bad_words.c kernel/log/format.c kernel/options.c
 */
#include "efi/talk/bad_text.h"
#include "tests/model/expect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES 4096u /* in which the bad ones lie */
#define PAGE  4096u

static bool is_bad[PAGES];
static uint64_t rng = 1;

static uint64_t below(uint64_t limit)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (rng >> 33) % limit;
}

/* The pages of the text, by a reader of its own, in `named`; false: it is not as it must be. */
static bool read_text(const char *text, bool *named)
{
    uint64_t before = 0;
    bool first = true;
    memset(named, 0, PAGES);
    for (const char *at = text; *at != '\0'; first = false) {
        uint64_t from, to;
        int used = 0;
        at += !first && *at == ' ';
        if (sscanf(at, "bad=0x%" SCNx64 "%n", &from, &used) != 1)
            return false;
        at += used;
        to = from;
        if (*at == '-') {
            if (sscanf(at, "-0x%" SCNx64 "%n", &to, &used) != 1)
                return false;
            at += used;
        }
        if (from % PAGE != 0 || to % PAGE != 0 || to < from || (!first && from <= before + PAGE))
            return false;
        for (uint64_t i = from / PAGE; i <= to / PAGE && i < PAGES; i++)
            named[i] = true;
        before = to;
    }
    return true;
}

/* Each page of `is_bad` is named; with `exact`, no other one is. */
static bool holds(const char *text, bool exact)
{
    static bool named[PAGES];
    if (!EXPECT(read_text(text, named)))
        return false;
    for (unsigned i = 0; i < PAGES; i++)
        if ((is_bad[i] && !named[i]) || (exact && named[i] && !is_bad[i]))
            return false;
    return true;
}

static struct options_bad some_pages(unsigned most)
{
    uint64_t first = below(PAGES), count = 1 + below(most);
    uint64_t end = first + count < PAGES ? first + count : PAGES;
    for (uint64_t i = first; i < end; i++)
        is_bad[i] = true;
    return (struct options_bad){first * PAGE + below(PAGE), end * PAGE - 1 - below(PAGE - 1)};
}

/* 44 ranges of pages below 16 MiB always fit. */
static void what_fits_is_exact(void)
{
    for (unsigned round = 0; round < 200; round++) {
        char text[BOOT_TEXT_SIZE] = "";
        memset(is_bad, 0, sizeof is_bad);
        for (unsigned i = 0; i < 44; i++) {
            struct options_bad p = some_pages(4);
            p.last = p.last < p.first ? p.first : p.last;
            bad_text_add(text, sizeof text, &p);
            EXPECT(holds(text, true) && bad_text_has(text, &p));
        }
    }
}

static void without_room(void)
{
    for (unsigned round = 0; round < 300; round++) {
        char text[BOOT_TEXT_SIZE] = "";
        size_t size = BAD_TEXT_LEAST + below(sizeof text - BAD_TEXT_LEAST + 1);
        memset(is_bad, 0, sizeof is_bad);
        for (unsigned i = 0; i < 300; i++) {
            struct options_bad p = some_pages(2);
            p.last = p.last < p.first ? p.first : p.last;
            bad_text_add(text, size, &p);
            EXPECT(strlen(text) < size && bad_text_has(text, &p));
        }
        EXPECT(holds(text, false));
        for (size_t room = size; room > BAD_TEXT_LEAST;) {
            room = BAD_TEXT_LEAST + below(room - BAD_TEXT_LEAST);
            bad_text_fit(text, room);
            EXPECT(strlen(text) < room && holds(text, false));
        }
    }
}

/* The nearest become one, and no more of them than must. */
static void no_more_than_needed(void)
{
    static const char all[] = "bad=0x1000 bad=0x4000 bad=0x20000 bad=0xff0000 bad=0xff9000";
    static const char *const texts[] = {
        all,
        "bad=0x1000-0x4000 bad=0x20000 bad=0xff0000 bad=0xff9000",
        "bad=0x1000-0x4000 bad=0x20000 bad=0xff0000-0xff9000",
        "bad=0x1000-0x20000 bad=0xff0000-0xff9000",
    };
    char text[BOOT_TEXT_SIZE];
    strcpy(text, all);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bad_text_fit(text, strlen(texts[i]) + 1);
        EXPECT(strcmp(text, texts[i]) == 0);
    }
    bad_text_fit(text, strlen(text));
    EXPECT(strcmp(text, "bad=0x1000-0xff9000") == 0);
}

/* The same pages in other words, parts of them, and what is no memory. */
static void what_a_text_has(void)
{
    static const char text[] = "cpus=2 bad=0x4000-0x6fff bad=nonsense bad=0x9001 keepbs";
    static const struct {
        struct options_bad pages;
        bool has;
    } asked[] = {
        {{0x4000, 0x4000}, true},         {{0x5123, 0x6123}, true}, {{0x3fff, 0x4000}, false},
        {{0x6000, 0x7000}, false},        {{0x9fff, 0x9fff}, true}, {{0x8000, 0x8000}, false},
        {{UINT64_MAX, UINT64_MAX}, true},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        EXPECT(bad_text_has(text, &asked[i].pages) == asked[i].has);
    char none[BOOT_TEXT_SIZE] = "bad=0x1000";
    bad_text_add(none, sizeof none, &(struct options_bad){(uint64_t)1 << 52, UINT64_MAX});
    EXPECT(strcmp(none, "bad=0x1000") == 0);
    bad_text_add(none, sizeof none, &(struct options_bad){0xffffffffff000, UINT64_MAX});
    EXPECT(strcmp(none, "bad=0x1000 bad=0xffffffffff000") == 0);
    bad_text_add(none, BAD_TEXT_LEAST, &(struct options_bad){0x800000000000, 0x800000000000});
    EXPECT(strlen(none) < BAD_TEXT_LEAST &&
           bad_text_has(none, &(struct options_bad){0x1000, 0x1000}));
    EXPECT(bad_text_has(none, &(struct options_bad){0xffffffffff000, 0xfffffffffffff}));
}

int main(void)
{
    expect_run("what fits is named exactly", what_fits_is_exact);
    expect_run("where there is no room nothing is lost", without_room);
    expect_run("the nearest become one, and no more of them", no_more_than_needed);
    expect_run("which pages a text has", what_a_text_has);
    return expect_total();
}
