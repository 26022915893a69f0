/* kernel/monitor/bad_words.h: random sets of bad pages in the words of each system, read back here by
 * that system's documented grammar: the Linux kernel's admin-guide/kernel-parameters (memmap=nn$ss, numbers
 * as its memparse() has them), GRUB's manual (badram: a page is left out when the bits of its address that
 * the mask has are those of the base; and how its shell and sh read a backslash), Windows' boot
 * configuration (page frame numbers with 0x), FreeBSD's loader (vm.blacklist: addresses between commas).
 *
 * needs: kernel/monitor/bad_words.c kernel/log/format.c kernel/options.c -O1
 */
#include "hal/short.h"
#include "kernel/monitor/bad_words.h"
#include "kernel/options.h"
#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

#define PAGES 4096u /* of the universe, from FIRST on, over the border of 4 GiB */
#define FIRST (4 * GIB - 1024 * HAL_PAGE_SIZE)

static uint64_t random_state = 1;
static bool is_bad[PAGES], told[PAGES];
static struct bad_range list[64];
static size_t count;
static char text[LOG_LINE + 1];

static uint32_t below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % limit;
}

static hal_paddr_t address(uint32_t page)
{
    return FIRST + page * HAL_PAGE_SIZE;
}

/* Single pages and runs, some of which touch or overlap, in any order. */
static void make(uint32_t ranges, uint32_t longest)
{
    memset(is_bad, 0, sizeof is_bad);
    for (count = 0; count < ranges; count++) {
        uint32_t pages = 1 + below(longest);
        uint32_t page = below(PAGES - pages);
        list[count] = (struct bad_range){address(page), pages};
        memset(&is_bad[page], true, pages);
    }
    count = bad_join(list, count);
}

static void tell(hal_paddr_t base, hal_paddr_t end)
{
    EXPECT(base < end && base % HAL_PAGE_SIZE == 0 && end % HAL_PAGE_SIZE == 0);
    for (uint32_t page = 0; page < PAGES; page++)
        told[page] |= address(page) >= base && address(page) < end;
}

/* A number as C has it, with its 0x; where it ends. */
static char *number(char *at, uint64_t *to)
{
    EXPECT(at[0] == '0' && at[1] == 'x');
    *to = strtoull(at, &at, 0);
    return at;
}

static char *after(char *at, const char *word)
{
    bool is = strncmp(at, word, strlen(word)) == 0;
    EXPECT(is);
    return is ? at + strlen(word) : at + strlen(at);
}

/* ---- one reader for each system ---- */

static void read_mortise(char *at)
{
    struct options_bad pages;
    struct options o;
    size_t next = 0;
    options_parse(at, strlen(at), &o, NULL);
    while (options_next_bad(at, strlen(at), &next, &pages))
        tell(pages.first, pages.last + HAL_PAGE_SIZE);
}

static void read_linux(char *at)
{
    for (char *word = strtok(at, " "); word != NULL; word = strtok(NULL, " ")) {
        uint64_t size = 0, base = 0;
        char *p = number(after(word, "memmap="), &size);
        p = number(after(p, "$"), &base);
        EXPECT(*p == '\0');
        tell(base, base + size);
    }
}

/* Between double quotes sh takes a backslash away that stands before $, `, ", \ or a line's end. GRUB's
 * shell, for which grub-mkconfig writes the words as they are then, takes any backslash away. */
static void unquote(char *s, bool all)
{
    char *to = s;
    for (; *s != '\0'; s++) {
        if (*s == '\\' && (all || strchr("$`\"\\", s[1]) != NULL))
            s++;
        else
            EXPECT(*s != '$'); /* it would be the value of a variable, which is empty */
        *to++ = *s;
    }
    *to = '\0';
}

static char *between_quotes(char *at, const char *name)
{
    at = after(at, name);
    at = after(at, "=\"");
    size_t length = strlen(at);
    EXPECT(length > 0 && at[length - 1] == '"');
    at[length > 0 ? length - 1 : 0] = '\0';
    return at;
}

static void read_grub_linux(char *at)
{
    at = between_quotes(at, "GRUB_CMDLINE_LINUX");
    unquote(at, false);
    unquote(at, true);
    read_linux(at);
}

static void read_badram(char *at)
{
    at = between_quotes(at, "GRUB_BADRAM");
    while (*at != '\0') {
        uint64_t base = 0, mask = 0;
        at = number(after(number(at, &base), ","), &mask);
        for (uint32_t page = 0; page < PAGES; page++)
            told[page] |= (address(page) & mask) == base;
        at = *at != '\0' ? after(at, ",") : at;
    }
}

static void read_windows(char *at)
{
    at = after(at, "bcdedit /set {badmemory} badmemorylist ");
    for (char *word = strtok(at, " "); word != NULL; word = strtok(NULL, " ")) {
        uint64_t frame = 0;
        EXPECT(*number(word, &frame) == '\0');
        tell(frame << 12, (frame + 1) << 12);
    }
}

static void read_freebsd(char *at)
{
    at = between_quotes(at, "vm.blacklist");
    for (char *word = strtok(at, ","); word != NULL; word = strtok(NULL, ",")) {
        uint64_t page = 0;
        EXPECT(*number(word, &page) == '\0');
        tell(page, page + HAL_PAGE_SIZE);
    }
}

static void (*const readers[BAD_SYSTEMS])(char *at) = {
    [BAD_MORTISE] = read_mortise,       [BAD_LINUX] = read_linux,
    [BAD_GRUB_LINUX] = read_grub_linux, [BAD_GRUB_BADRAM] = read_badram,
    [BAD_WINDOWS] = read_windows,       [BAD_FREEBSD] = read_freebsd,
};

static void read_back(enum bad_system system, const struct format_line *l)
{
    memcpy(text, l->text, l->used);
    text[l->used] = '\0';
    memset(told, 0, sizeof told);
    readers[system](text);
}

/* ---- what must hold ---- */

static void ranges_are_joined(void)
{
    for (unsigned round = 0; round < 2000; round++) {
        make(1 + below(64), 1 + below(200));
        memset(told, 0, sizeof told);
        for (size_t i = 0; i < count; i++) {
            tell(list[i].base, list[i].base + list[i].pages * HAL_PAGE_SIZE);
            if (i > 0)
                EXPECT(list[i].base > list[i - 1].base + list[i - 1].pages * HAL_PAGE_SIZE);
        }
        EXPECT(memcmp(told, is_bad, sizeof told) == 0);
    }
    EXPECT(bad_join(list, 0) == 0);
}

static void each_system(enum bad_system system)
{
    unsigned fit = 0, cut = 0;
    for (unsigned round = 0; round < 600; round++) {
        make(1 + below(20), 1 + below(8));
        struct format_line l = bad_words(system, list, count);
        EXPECT(l.cut == (l.used > BAD_LINE));
        cut += l.cut;
        if (l.cut)
            continue;
        read_back(system, &l);
        EXPECT(memcmp(told, is_bad, sizeof told) == 0);
        fit++;
    }
    EXPECT(fit > 50 && cut > 0);
}

static void mortise(void)
{
    each_system(BAD_MORTISE);
}

static void linux_line(void)
{
    each_system(BAD_LINUX);
}

static void grub_file(void)
{
    each_system(BAD_GRUB_LINUX);
}

static void grub_badram(void)
{
    each_system(BAD_GRUB_BADRAM);
}

static void windows(void)
{
    each_system(BAD_WINDOWS);
}

static void freebsd(void)
{
    each_system(BAD_FREEBSD);
}

/* All bad pages are told, in whole pieces of the grain; with half of it they would not have fitted. */
static void rounded(enum bad_system system)
{
    make(40 + below(24), 1 + below(8));
    struct bad_range before[64];
    size_t old = count;
    memcpy(before, list, sizeof before);
    uint64_t grain = 0;
    struct format_line l = bad_words_rounded(system, list, &count, &grain);
    EXPECT(!l.cut && grain > HAL_PAGE_SIZE);
    read_back(system, &l);
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT(told[page] || !is_bad[page]);
        EXPECT(told[page] == told[page & ~((uint32_t)(grain / HAL_PAGE_SIZE) - 1)] || grain > MIB);
    }
    old = bad_round(before, old, grain / 2);
    EXPECT(bad_words(system, before, old).cut);
}

static void too_many_are_rounded(void)
{
    for (unsigned round = 0; round < 100; round++)
        for (unsigned system = BAD_MORTISE; system <= BAD_GRUB_BADRAM; system++)
            rounded((enum bad_system)system);
}

/* No page that is sound is named one by one: the line is left out. */
static void too_many_pages(void)
{
    uint64_t grain = 0;
    make(50, 8);
    size_t same = count;
    EXPECT(bad_words_rounded(BAD_WINDOWS, list, &count, &grain).cut && count == same);
    EXPECT(bad_words_rounded(BAD_FREEBSD, list, &count, &grain).cut && grain == HAL_PAGE_SIZE);
    list[0] = (struct bad_range){0x1000, (uint64_t)1 << 40};
    EXPECT(bad_words(BAD_WINDOWS, list, 1).cut);
}

static void as_people_see_them(void)
{
    static const char *const lines[BAD_SYSTEMS] = {
        "bad=0x7fe41000-0x7fe42000 bad=0x123456000",
        "memmap=0x2000$0x7fe41000 memmap=0x1000$0x123456000",
        "GRUB_CMDLINE_LINUX=\"memmap=0x2000\\\\\\$0x7fe41000 memmap=0x1000\\\\\\$0x123456000\"",
        ("GRUB_BADRAM=\"0x7fe41000,0xfffffffffffff000,0x7fe42000,0xfffffffffffff000,0x123456000,"
         "0xfffffffffffff000\""),
        "bcdedit /set {badmemory} badmemorylist 0x7fe41 0x7fe42 0x123456",
        "vm.blacklist=\"0x7fe41000,0x7fe42000,0x123456000\"",
    };
    static const struct bad_range two[] = {{0x7fe41000, 2}, {0x123456000, 1}};
    for (unsigned system = 0; system < BAD_SYSTEMS; system++) {
        struct format_line l = bad_words((enum bad_system)system, two, 2);
        EXPECT(l.used == strlen(lines[system]) && memcmp(l.text, lines[system], l.used) == 0);
        EXPECT(strlen(bad_system_name((enum bad_system)system)) > 5);
    }
    EXPECT(strcmp(bad_system_name(BAD_SYSTEMS), "?") == 0);
}

/* ---- the option ---- */

static bool next_is(const char *words, size_t *at, uint64_t first, uint64_t last)
{
    struct options_bad pages;
    return options_next_bad(words, strlen(words), at, &pages) && pages.first == first &&
           pages.last == last;
}

static unsigned unknown;

static void count_unknown(const char *word)
{
    unknown += word[0] != '\0';
}

static void option(void)
{
    static const char words[] =
        "cpus=1 bad=0x1000 bad=x bad= bad=0x bad=0x2000-0x1000 bad=1000\n"
        "bad=0x10000000000000 bad=0x3000- bad=0x3abc-0xfFfffffffffff bad=0x1-2";
    struct options_bad pages;
    struct options o;
    size_t at = 0;
    EXPECT(next_is(words, &at, 0x1000, 0x1000));
    EXPECT(next_is(words, &at, 0x3abc, 0xfffffffffffff));
    EXPECT(!options_next_bad(words, strlen(words), &at, &pages));
    at = 0;
    EXPECT(options_next_bad("bad=0x1000", 9, &at, &pages) && pages.first == 0x100);
    options_parse(words, strlen(words), &o, count_unknown);
    EXPECT(unknown == 8 && o.cpus == 1);
}

int main(void)
{
    expect_run("bad pages that touch are one range, in order", ranges_are_joined);
    expect_run("words of Mortise mean the pages that are bad", mortise);
    expect_run("words of Linux mean the pages that are bad", linux_line);
    expect_run("words of Linux in GRUB's file mean the pages that are bad, through two shells",
               grub_file);
    expect_run("words of GRUB_BADRAM mean the pages that are bad", grub_badram);
    expect_run("words of Windows mean the pages that are bad", windows);
    expect_run("words of FreeBSD mean the pages that are bad", freebsd);
    expect_run("too many ranges are rounded outward, no further than they must",
               too_many_are_rounded);
    expect_run("too many pages for words of one page each are left out", too_many_pages);
    expect_run("the words are those of the manuals", as_people_see_them);
    expect_run("bad= is read as it stands in the header, and nothing else for it", option);
    return expect_total();
}
