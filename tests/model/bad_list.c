/* kernel/monitor/bad_list.c on the desk, against a table that has a row for each page.
 *
 * needs: kernel/monitor/bad_list.c -O1
 */
#include "hal/short.h"
#include "kernel/monitor/bad_list.h"
#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

#define PAGES 3000u

static uint64_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static struct {
    uint64_t words, bits;
} naive[PAGES];

static struct bad_entry entries[PAGES];
static struct bad_list list;

static hal_paddr_t at(size_t page)
{
    return GIB + page * HAL_PAGE_SIZE;
}

static void begin(size_t capacity)
{
    memset(naive, 0, sizeof naive);
    memset(entries, 0xA5, sizeof entries);
    bad_list_init(&list, entries, capacity);
}

static void note(size_t page, uint64_t words, uint64_t bits)
{
    naive[page].words += words;
    naive[page].bits |= bits;
    bad_list_note(&list, at(page), words, bits);
}

static size_t pages_noted(void)
{
    size_t count = 0;
    for (size_t i = 0; i < PAGES; i++)
        count += naive[i].words != 0;
    return count;
}

/* Each entry is its pages' sum, begins and ends with a page that was noted, and no noted page lies outside. */
static bool is_right(void)
{
    size_t next = 0; /* page */
    for (size_t i = 0; i < list.count; i++) {
        const struct bad_entry *e = &list.entry[i];
        uint64_t words = 0, bits = 0;
        size_t first = (size_t)((e->base - GIB) / HAL_PAGE_SIZE);
        if (e->base != at(first) || first < next || e->pages == 0 || first + e->pages > PAGES)
            return false;
        for (; next < first; next++)
            if (naive[next].words != 0)
                return false;
        if (naive[first].words == 0 || naive[first + e->pages - 1].words == 0)
            return false;
        for (; next < first + e->pages; next++) {
            words += naive[next].words;
            bits |= naive[next].bits;
        }
        if (words != e->words || bits != e->bits)
            return false;
    }
    for (; next < PAGES; next++)
        if (naive[next].words != 0)
            return false;
    return true;
}

static bool all_single(void)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.entry[i].pages != 1)
            return false;
    return true;
}

/* In any order, some of them often; room for all of them, or not. */
static void any_pages(void)
{
    static const size_t rooms[] = {2, 3, 10, 200, 1024, PAGES};
    for (unsigned round = 0; round < 60; round++) {
        size_t capacity = rooms[round % ARRAY_LEN(rooms)];
        uint32_t spread = 1 + chance(PAGES);
        begin(capacity);
        for (unsigned i = 0; i < 2500; i++) {
            note(chance(spread), 1 + chance(512), (uint64_t)1 << chance(64));
            if (i % 100 == 0)
                EXPECT(is_right());
            if (pages_noted() < capacity)
                EXPECT(all_single() && list.count == pages_noted());
        }
        EXPECT(is_right() && list.count < capacity);
    }
}

static void a_thousand(void)
{
    begin(1024);
    for (size_t i = 0; i < 1000; i++)
        note(i * 7919 % 1000 * 3, i + 1, i);
    EXPECT(list.count == 1000 && all_single() && is_right());
    for (size_t i = 0; i < 1000; i++)
        EXPECT(list.entry[i].base == at(3 * i));
}

/* Those are joined between which the fewest pages lie, which may be none. */
static void nearest_are_joined(void)
{
    begin(4);
    note(100, 1, 1);
    note(900, 2, 2);
    note(110, 4, 4);
    EXPECT(list.count == 3 && all_single());
    note(500, 8, 8); /* 100 and 110 become one */
    EXPECT(list.count == 3 && list.entry[0].base == at(100) && list.entry[0].pages == 11);
    EXPECT(list.entry[0].words == 5 && list.entry[0].bits == 5);
    note(901, 16, 16);
    EXPECT(list.count == 3 && list.entry[2].base == at(900) && list.entry[2].pages == 2);
    note(105, 32, 32); /* inside */
    EXPECT(list.count == 3 && list.entry[0].pages == 11 && list.entry[0].words == 37 && is_right());
}

/* Each entry once; what grew by one that nobody has heard of is news again. */
static void news(void)
{
    struct bad_entry e;
    begin(4);
    EXPECT(!bad_list_news(&list, &e));
    note(100, 1, 1);
    EXPECT(bad_list_news(&list, &e) && e.base == at(100) && e.words == 1 && e.bits == 1);
    EXPECT(!bad_list_news(&list, &e));
    note(100, 1, 2);
    EXPECT(!bad_list_news(&list, &e));
    note(10, 1, 1);
    note(200, 1, 1);
    EXPECT(bad_list_news(&list, &e) && e.base == at(10));
    EXPECT(bad_list_news(&list, &e) && e.base == at(200));
    note(101, 1, 4);
    EXPECT(bad_list_news(&list, &e) && e.base == at(100) && e.pages == 2 && e.bits == 7);
    EXPECT(!bad_list_news(&list, &e));
}

int main(void)
{
    expect_run("B1 B2 B3 any pages lie in entries, with all their words", any_pages);
    expect_run("a thousand pages are told one by one", a_thousand);
    expect_run("where there is no room the nearest become one", nearest_are_joined);
    expect_run("news are given once", news);
    return expect_total();
}
