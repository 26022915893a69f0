/* What the loader does before it leaves the firmware, on the desk: the menu, the report, the log of
 * the boot before. efi/ as it is, against tests/model/fake_firmware.h. What the report must say is
 * written down here, not computed by efi/. Ends with "N passed, N failed".
 *
 * needs: loader tests/test.c -lz
 */
#include "hal/short.h"
#include "tests/model/fake_firmware.h"

#include "tests/desk_suite.h"
#include "tests/test.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <zlib.h>

static void start(const char *config)
{
    fake_start();
    fw.config_path = "\\mortise.cfg";
    fw.config = config;
}

/* Boot and expect to arrive, whatever went wrong before. */
static bool arrives(struct test_state *t)
{
    EFI_STATUS status = EFI_SUCCESS;
    CHECK_EQ(fake_boot(&status), ENTERED);
    CHECK_EQ(fw.violations, 0);
    CHECK_EQ(fw.open_files, 0);
    return fw.gone && !t->failures;
}

static bool said(const char *text)
{
    return strstr(fw.said, text) != NULL;
}

static bool noted(const char *text)
{
    return strstr(fw.entered.notes, text) != NULL;
}

static unsigned times_said(const char *text)
{
    unsigned n = 0;
    for (const char *p = fw.said; (p = strstr(p, text)) != NULL; p++)
        n++;
    return n;
}

/* Tenths of a second in which the loader waited for keys; the clock is measured by three waits of 20 ms. */
static uint64_t tenths(void)
{
    return (fw.stalled - 3 * 20000) / 100000;
}

/* ---- the menu ---- */

TEST("menu.off and exit=1 show none, and no key is asked for")
{
    static const char *const configs[] = {"menu=off", "menu=0", "exit=1", "menu=5 menu=off"};
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        start(configs[i]);
        fw.keys = "r";
        CHECK(arrives(t));
        CHECK_EQ(fw.key_reads, 0);
        CHECK_EQ(tenths(), 0);
        CHECK(!said("Boots by itself"));
    }
    TEST_END;
}

TEST("menu.time that nobody uses ends as was said")
{
    static const struct {
        const char *config;
        unsigned seconds;
    } rows[] = {
        {"", 3},         {"menu=1", 1}, {"menu=600", 600},    {"exit=1 menu=2", 2}, {"menu=601", 3},
        {"menu=602", 3}, {"help", 30},  {"help menu=40", 40}, {"help menu=off", 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char first[64];
        start(rows[i].config);
        CHECK(arrives(t));
        CHECK_EQ(tenths(), rows[i].seconds * 10);
        CHECK_EQ(times_said("Boots by itself in "),
                 rows[i].seconds < 200 ? rows[i].seconds : times_said("Boots by itself in "));
        snprintf(first, sizeof(first), "Boots by itself in %u s. ", rows[i].seconds);
        CHECK_EQ(said(first), rows[i].seconds != 0);
        CHECK_EQ(said("exit=0|1"), strncmp(rows[i].config, "help", 4) == 0);
    }
    TEST_END;
}

/* The menu's seconds are seconds, whatever Stall makes of what it is asked for: by a Stall that is put
 * right, and without one by the CPU's counter. */
TEST("menu.time is the machine's, not that of a bad Stall")
{
    static const struct {
        uint64_t hurry, slow, own;
        EFI_STATUS stall;
        uint64_t seconds;
    } rows[] = {{1, 1, 1000000000, EFI_SUCCESS, 10},
                {79, 1, 1000000000, EFI_SUCCESS, 10},
                {120, 1, 1000000000, EFI_SUCCESS, 10},
                {1, 50, 1000000000, EFI_SUCCESS, 10},
                {100000, 1, 1000000000, EFI_SUCCESS, 10},
                {1, 1, 1000000000, EFI_DEVICE_ERROR, 10},
                {1, 1, 0, EFI_DEVICE_ERROR, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start("menu=10");
        fw.hurry = rows[i].hurry;
        fw.slow = rows[i].slow;
        fw.own_hz = rows[i].own;
        fw.stall_status = rows[i].stall;
        uint64_t before = hal_cycles();
        CHECK(arrives(t));
        uint64_t measuring = rows[i].stall == EFI_SUCCESS ? 60 * 1000000 * fw.slow / fw.hurry : 0;
        uint64_t took = hal_cycles() - before - measuring;
        CHECK(took >= rows[i].seconds * 990000000 &&
              took <= rows[i].seconds * 1010000000 + 100000000);
    }
    TEST_END;
}

TEST("menu.b and Enter in all its forms boot; other keys do nothing")
{
    static const char *const keys[] = {"b", "B", "\r", "\n", "\x12"}; /* KEY_ENTER */
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        start("menu=9");
        fw.keys = keys[i];
        CHECK(arrives(t));
        CHECK_EQ(tenths(), 0);
        CHECK_STR(fw.entered.options, "menu=9");
    }
    start("menu=9"); /* what means nothing takes its tenth, and no more: 8.5 s are left, of which
                        the whole ones are waited for */
    fw.keys = (const char[]){KEY_NONE, KEY_NONE, KEY_ARROW, 'x', '?', 0};
    CHECK(arrives(t));
    CHECK_EQ(tenths(), 2 + 80);
    TEST_END;
}

TEST("menu.options are typed, corrected, named when unknown")
{
    static const char long_word[] =
        "o"
        "a23456789a23456789a23456789a23456789a23456789a23456789a23456789a23456789a23456789a23456789"
        "b23456789b23456789b23456789b23456789b23456789b23456789b23456789b23456789b23456789b23456789"
        "c23456789c23456789c23456789c23456789c23456789c23456789c23456789c23456789c23456789c2345678"
        "9";
    static const struct {
        const char *keys, *options;
        const char *sentence;
    } rows[] = {
        {"okaslr=off\r", "menu=9 z=1 kaslr=off", "z=1: not an option"},
        {"okeepX\bbsY\x7f colour=RED\r", "menu=9 z=1 keepbs colour=red",
         "colour=red: not an option"},
        {"o\b\b\bkeepbs\r", "menu=9 z=1 keepbs", "Options: "},
        {"o  keepbs   \n", "menu=9 z=1 keepbs", "Options: "},
        {"o# keepbs\r", "menu=9 z=1", "Options: "},
        {"o\r", "menu=9 z=1", "Options: "},
        {"okeepbs", "menu=9 z=1 keepbs", "keepbs"}, /* time is over */
        {"o", "menu=9 z=1", "Options: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start("menu=9 z=1");
        fw.keys = rows[i].keys;
        CHECK(arrives(t));
        CHECK_STR(fw.entered.options, rows[i].options);
        CHECK(said(rows[i].sentence));
        CHECK(tenths() <= 600);
    }
    start("menu=9");
    fw.keys = long_word; /* of one line 256 characters are taken: the rest is not shown either */
    CHECK(arrives(t));
    CHECK_EQ(strlen(fw.entered.options), 7 + 256);
    CHECK(strncmp(fw.entered.options + 7, long_word + 1, 256) == 0);
    CHECK(said("c23456789c23456789\r\n") == false && said("c23456789\r\n") == false);
    TEST_END;
}

/* The fake's map as lines, by the printf of this machine. */
static size_t map_lines(char *to, size_t size, const char *end, size_t first, size_t count)
{
    size_t n = 0;
    for (size_t i = first; i < first + count && i < fw.map_count; i++)
        n += (size_t)snprintf(to + n, size - n, "%u 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 "%s",
                              fw.map[i].type, fw.map[i].base,
                              fw.map[i].base + fw.map[i].pages * 4096, fw.map[i].attributes, end);
    return n;
}

TEST("menu.the map comes page by page, whole")
{
    static char lines[8192];
    start("menu=9");
    fw.map_count = 45; /* three pages */
    fw.keys = "m  b";
    CHECK(arrives(t));
    size_t n = (size_t)snprintf(lines, sizeof(lines), "attributes:\r\n");
    for (size_t page = 0; page < 3; page++) {
        n += map_lines(lines + n, sizeof(lines) - n, "\r\n", page * 20, 20);
        n += (size_t)snprintf(lines + n, sizeof(lines) - n, "%s",
                              page < 2 ? "-- a key: more, q: enough --\r\n" : "");
    }
    CHECK(said(lines));
    CHECK_EQ(tenths(), 0);
    start("menu=9");
    fw.map_count = 45;
    fw.keys = "mqb";
    CHECK(arrives(t));
    CHECK_EQ(times_said("a key: more"), 1);
    start("menu=9"); /* nobody presses a key any more: a minute for the page, one for the menu */
    fw.map_count = 45;
    fw.keys = "m";
    CHECK(arrives(t));
    CHECK_EQ(tenths(), 600 + 600);
    TEST_END;
}

TEST("menu.w writes the report without a boot, and not against report=off")
{
    EFI_STATUS status = EFI_SUCCESS;
    start("menu=9");
    fw.keys = "wr"; /* the report, and no boot */
    CHECK_EQ(fake_boot(&status), RESET);
    CHECK(fw.report.there && !fw.report.open && fw.report.size > 500);
    CHECK(said("Wrote mortise-report.txt"));
    CHECK_EQ(fw.exits, 0);
    CHECK_EQ(fw.violations, 0);
    start("menu=9 report=off");
    fw.keys = "wb";
    CHECK(arrives(t));
    CHECK_EQ(fw.write_opens, 0);
    CHECK(said("report=off: nothing is written."));
    start("menu=9 report=off"); /* a later word wins */
    fw.keys = "oreport=on\r";
    CHECK(arrives(t));
    CHECK(fw.report.there);
    TEST_END;
}

TEST("menu.r restarts, or says that it cannot")
{
    EFI_STATUS status = EFI_SUCCESS;
    start("");
    fw.keys = "r";
    CHECK_EQ(fake_boot(&status), RESET);
    CHECK_EQ(fw.write_opens, 0);
    for (unsigned missing = 0; missing < 2; missing++) {
        start("");
        fw.keys = "rb";
        if (missing == 0)
            fw.system.RuntimeServices = NULL;
        else
            fw.runtime.ResetSystem = NULL;
        CHECK(arrives(t));
        CHECK(said("This firmware cannot restart."));
    }
    TEST_END;
}

/* Whatever the consoles do, it goes on, and soon enough. */
TEST("menu.L3 no console, a mute one, a stuck key: it goes on in time")
{
    static const char *const stuck[] = {"o",  "m",   "w",    "h",    "x", "\b",
                                        "ox", "o\b", "\x11", "\x10", " "};
    for (unsigned broken = 0; broken < 6; broken++) {
        start("menu=9");
        fw.system.ConIn = broken == 0 ? NULL : fw.system.ConIn;
        fw.system.ConOut = broken == 1 ? NULL : fw.system.ConOut;
        fw.in.ReadKeyStroke = broken == 2 ? NULL : fw.in.ReadKeyStroke;
        fw.out.OutputString = broken == 3 ? NULL : fw.out.OutputString;
        fw.no_key = broken == 4 ? EFI_DEVICE_ERROR : broken == 5 ? EFI_UNSUPPORTED : fw.no_key;
        CHECK(arrives(t));
        CHECK_EQ(tenths(), broken == 0 ? 0 : 90);
    }
    start("menu=9"); /* a keyboard without a screen is obeyed all the same */
    fw.system.ConOut = NULL;
    fw.keys = "okeepbs\r";
    CHECK(arrives(t));
    CHECK_STR(fw.entered.options, "menu=9 keepbs");
    for (size_t i = 0; i < ARRAY_LEN(stuck); i++) {
        start("menu=9");
        fw.keys = stuck[i];
        fw.stuck_key = true;
        CHECK(arrives(t));
        CHECK(fw.key_reads <= 6100);
        CHECK(fw.stalled < 200000000);
    }
    TEST_END;
}

/* ---- words ---- */

/* Each option that the header lists stands in the help; `key` is what it begins with. */
TEST("options.help names every option, in lines that fit")
{
    static const char *const words[] = {
        "keepbs",
        "exit=0|1",
        "cpus=N",
        "selftest=on|off",
        "serial=off|0xPORT",
        "sp=use",
        "kaslr=on|off",
        "monitor=",
        "exercise=",
        "screen=map|log|off",
        "levels=5",
        "bad=0xADDRESS",
        "dma=0xEND",
        "tables=log",
        "help;",
        "menu=off|SECONDS",
        "report=on|off",
        "plant=panic|fault|triple|hang|failtest|stack|text|reset|off|nmi"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *at = strstr(options_help, words[i]);
        CHECK(at != NULL && (at == options_help || at[-1] == ' ' || at[-1] == '\n'));
    }
    for (const char *p = options_help, *end; *p != '\0'; p = end + 1) {
        end = strchr(p, '\n');
        CHECK(end != NULL && end - p <= 79); /* a line of the narrowest console */
        if (end == NULL)
            break;
    }
    TEST_END;
}

TEST("options.unknown words are named on the screen")
{
    start("colour=red kaslr=off screen= screen=map|log plant=p plant=pani monitor=o menu=x "
          "exercise=\r\nserial=0x3f8x");
    CHECK(arrives(t));
    CHECK(said("colour=red: not an option; ignored."));
    CHECK(said("screen=: not an option; ignored."));
    CHECK(said("screen=map|log: not an option; ignored."));
    CHECK(said("plant=p: not an option; ignored."));
    CHECK(said("plant=pani: not an option; ignored."));
    CHECK(said("monitor=o: not an option; ignored."));
    CHECK(said("menu=x: not an option; ignored."));
    CHECK(said("exercise=: not an option; ignored."));
    CHECK(said("serial=0x3f8x: not an option; ignored."));
    CHECK_EQ(times_said("not an option"), 9);
    TEST_END;
}

/* ---- the report ---- */

static char expected[100000];
static size_t expected_size;

static void expect(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    expected_size +=
        (size_t)vsnprintf(expected + expected_size, sizeof(expected) - expected_size, format, args);
    va_end(args);
}

static unsigned char acpi_root[76], acpi_table[64], acpi_long[64], acpi_dmar[36], acpi_ivrs[36];

static void acpi_header(unsigned char *table, const char *name, unsigned length)
{
    memcpy(table, name, 4);
    memcpy(table + 4, &length, 4);
}

/* RSDP -> XSDT -> a table, an address out of the map, a table that ends out of it, two of IOMMUs. */
static void make_acpi(void)
{
    uint64_t root = (uintptr_t)acpi_root, table = (uintptr_t)acpi_table, wild = 0xdead0000beef;
    uint64_t endless = (uintptr_t)acpi_long;
    memcpy(fake_rsdp + 24, &root, 8);
    fix_sum(fake_rsdp, 36, 32);
    uint64_t dmar = (uintptr_t)acpi_dmar, ivrs = (uintptr_t)acpi_ivrs;
    acpi_header(acpi_root, "XSDT", 76);
    memcpy(acpi_root + 36, &table, 8);
    memcpy(acpi_root + 44, &wild, 8);
    memcpy(acpi_root + 52, &endless, 8);
    memcpy(acpi_root + 60, &dmar, 8);
    memcpy(acpi_root + 68, &ivrs, 8);
    acpi_header(acpi_dmar, "DMAR", 36);
    acpi_header(acpi_ivrs, "IVRS", 36);
    acpi_header(acpi_long, "LONG", 1000000);
    acpi_header(acpi_table, "A\x01\xff\"", 64);
    fake_map_entry(9, hal_align_down(root, HAL_PAGE_SIZE), 2, 0xf);
    fake_map_entry(9, hal_align_down(table, HAL_PAGE_SIZE), 2, 0xf);
    fake_map_entry(9, hal_align_down(endless, HAL_PAGE_SIZE), 2, 0xf);
    fake_map_entry(9, hal_align_down(dmar, HAL_PAGE_SIZE), 2, 0xf);
    fake_map_entry(9, hal_align_down(ivrs, HAL_PAGE_SIZE), 2, 0xf);
}

/* Take the block "where is my RAM" out of the report, and give it: its numbers depend on where this process
 * lies. */
static const char *take_block(void)
{
    static char block[4096];
    char *begin = strstr(fw.report.text, "# ram: "), *end = strstr(fw.report.text, "# type, start");
    if (begin == NULL || end == NULL || begin > end || (size_t)(end - begin) >= sizeof block)
        return "";
    memcpy(block, begin, (size_t)(end - begin));
    block[end - begin] = '\0';
    memmove(begin, end, strlen(end) + 1);
    fw.report.size -= (size_t)(end - begin);
    return block;
}

/* The number behind `what`, all of them added. */
static uint64_t sum_of(const char *block, const char *what)
{
    uint64_t sum = 0;
    for (const char *p = block; (p = strstr(p, what)) != NULL;) {
        p += strlen(what);
        sum += strtoull(p, NULL, 10);
    }
    return sum;
}

TEST("report.where the RAM is stands before the map, and adds up")
{
    start("menu=off");
    CHECK(arrives(t));
    const char *block = take_block();
    CHECK(strstr(block, "# ram: slot 0 \"A\" \"\": 65536 pages, 256.0 MiB, DDR3\n"
                        "# ram: slot 1 \"B\" \"\": empty\n"
                        "# ram: installed 65536 pages, 256.0 MiB, in 1 of 2 slots\n") == block);
    CHECK_EQ(sum_of(block, "# ram: mapped "), sum_of(block, "page allocator ") +
                                                  sum_of(block, "ACPI tables, ") +
                                                  sum_of(block, "reserved, "));
    CHECK(sum_of(block, "page allocator ") >= 0x1000 + 0x700);
    CHECK_EQ(sum_of(block, "mapped ") + sum_of(block, "missing "),
             65536 + sum_of(block, "in the map and in no slot "));
    CHECK(strstr(block,
                 "\n# free: 1792 pages, 7.0 MiB, below 16 MiB; the longest run 4096 pages, 16.0 "
                 "MiB, at 0x0000000100000000\n") != NULL);
    char entries[64];
    snprintf(entries, sizeof entries, "\n# map: %zu entries of 48 bytes\n", fw.map_count);
    CHECK(strstr(block, entries) != NULL);
    TEST_END;
}

TEST("report.bad pages that the options name are told, and counted as kept from use")
{
    start("menu=off bad=0x200000-0x201000 bad=0x600000000");
    CHECK(arrives(t));
    const char *block = take_block();
    CHECK(strstr(fw.report.text,
                 "\n# bad: 0x0000000000200000 0x0000000000202000, 2 pages kept from use\n"
                 "# bad: 0x0000000600000000 0x0000000600001000 cannot be kept from use: "
                 "no memory\n") != NULL);
    CHECK(strstr(block, "\n# ram: kept from use, bad, 2 pages, 8.0 KiB\n") != NULL);
    CHECK(strstr(block, "# free: 1790 pages, ") != NULL);
    TEST_END;
}

TEST("report.each line is what it must be")
{
    start("menu=off kaslr=off");
    fw.secure = 1;
    fw.processors = 4;
    make_acpi();
    fw.protection.no_execute = true;
    fw.screens[0].mode.Mode = 1;
    fw.system.Hdr.Revision = 0x20046;
    fake_pages_of[0][0] = (uintptr_t)fake_pages_of[1] | 3;     /* 512 GiB: */
    fake_pages_of[1][0] = (uintptr_t)fake_pages_of[2] | 3;     /*   1 GiB: */
    fake_pages_of[1][1] = 0x40000000 | 0x83;                   /*   1 GiB rwx */
    fake_pages_of[1][2] = 0x80000000 | 0x81;                   /*   1 GiB r-x */
    fake_pages_of[2][0] = (uintptr_t)fake_pages_of[3] | 1;     /*     2 MiB, read-only above: */
    fake_pages_of[2][1] = 0x200000 | 0x83 | (uint64_t)1 << 63; /*     2 MiB rw- */
    fake_pages_of[2][2] = 0xdead00000 | 3;                     /*     no memory */
    fake_pages_of[3][5] = 0x5003 | (uint64_t)1 << 63;          /*       4 KiB r-- */
    fake_pages_of[3][6] = 0x6003;                              /*       4 KiB r-x */
    expected_size = 0;
    expect("# Mortise desk; firmware: Fake?, revision 0x10203, UEFI 0x20046; Secure Boot on\n");
    expect("# options: menu=off kaslr=off\n");
    expect("# image: 0x%" PRIxPTR " 0x%" PRIxPTR "\n", (uintptr_t)__ImageBase,
           (uintptr_t)__ImageBase + 0x5000);
    expect("# cpu: Fake CPU, 52 physical address bits, 4 paging levels; NX yes, 1 GiB pages yes, "
           "global pages yes\n");
    expect("# kind: 0x1 0x2 0x3 0x4 0xffffffff\n");
    expect("# other: 0x0 0x0 0x0 0x0 0x80000000\n");
    for (unsigned i = 0; i < 64; i++)
        expect("# caching: 0x%016" PRIx64 " 0x%016" PRIx64 " %s\n", i > 0 ? i * GIB : MIB,
               (i + 1) * GIB, i % 2 == 0 ? "write-back" : "uncached");
    expect("# caching: and more ranges from 0x0000001000000000 on\n");
    expect("# protection: read-only is not enforced, no-execute is on\n");
    expect("# register: one 0x80010033\n");
    expect("# register: two 0x0\n");
    expect("# mapped: r-- 4.0 KiB, rw- 2.0 MiB, r-x 1.0 GiB, rwx 1.0 GiB; 4 tables, 1 not read\n");
    expect("# this program: code ---, constants ---, data ---, stack ---; top page table ---\n");
    expect("# screen: 1 mode 0: 800x600, pitch 832, format 1\n");
    expect("# screen: 1 mode 1: 800x600, pitch 832, format 1, in use\n");
    expect("# acpi: XSDT at 0x%" PRIxPTR ", 76 bytes, all in the map\n", (uintptr_t)acpi_root);
    expect("# acpi: A??\" at 0x%" PRIxPTR ", 64 bytes, all in the map\n", (uintptr_t)acpi_table);
    expect("# acpi: none at 0xdead0000beef, 0 bytes, not all in the map\n");
    expect("# acpi: LONG at 0x%" PRIxPTR ", 1000000 bytes, not all in the map\n",
           (uintptr_t)acpi_long);
    expect("# acpi: DMAR at 0x%" PRIxPTR ", 36 bytes, all in the map\n", (uintptr_t)acpi_dmar);
    expect("# iommu: DMAR tells of Intel VT-d; it stays as the firmware set it\n");
    expect("# acpi: IVRS at 0x%" PRIxPTR ", 36 bytes, all in the map\n", (uintptr_t)acpi_ivrs);
    expect("# iommu: IVRS tells of AMD-Vi; it stays as the firmware set it\n");
    expect("# processors: 4, of which 3 are enabled, by EFI_MP_SERVICES\n");
    expect("# type, start, end, attributes:\n");
    expected_size += map_lines(expected + expected_size, 10000, "\n", 0, FAKE_MAP);
    CHECK(arrives(t));
    CHECK(*take_block() != '\0');
    CHECK_STR(fw.report.text, expected);
    CHECK_EQ(fw.report.size, expected_size);
    CHECK(said("Wrote mortise-report.txt to the disk this came from, and nothing else."));
    CHECK(!fw.log.there);
    CHECK_STR(fw.entered.notes, "");
    TEST_END;
}

/* The file system itself takes memory: the map is read when the file is open. */
TEST("report.the map is the latest")
{
    static char lines[65536]; /* and some buffers of efi/talk/volume.c long */
    start("");
    fw.map_count = 1000;
    fw.open_maps = true;
    CHECK(arrives(t));
    map_lines(lines, sizeof(lines), "\n", 0, FAKE_MAP);
    CHECK(fw.map_count > 1000 && strstr(lines, "4 0x1000000 0x1001000 0xf\n") != NULL);
    CHECK_STR(strstr(fw.report.text, "attributes:\n") + 12, lines);
    CHECK_EQ(fw.entered.map_count, fw.map_count);
    TEST_END;
}

TEST("report.what is not known or not there is said, or left out")
{
    start("");
    fw.secure = 0;
    CHECK(arrives(t));
    CHECK(strstr(fw.report.text, "Secure Boot off\n") != NULL);
    CHECK(strstr(fw.report.text, "read-only is not enforced, no-execute is off\n") != NULL);
    CHECK(strstr(fw.report.text,
                 "# processors: the firmware does not count them (no EFI_MP_SERVICES)\n") != NULL);
    start("");
    fw.system.RuntimeServices = NULL;
    fw.system.ConfigurationTable = NULL;
    fw.screen_count = 0;
    CHECK(arrives(t));
    CHECK(strstr(fw.report.text, "Secure Boot unknown\n") != NULL);
    CHECK(strstr(fw.report.text, "# note: No screen that can be drawn on; ") != NULL);
    CHECK(strstr(fw.report.text, "# screen:") == NULL);
    CHECK(strstr(fw.report.text, "# acpi:") == NULL);
    TEST_END;
}

TEST("report.a root pointer that the map does not list is named, not followed")
{
    start("");
    fw.tables[0].VendorTable = (void *)(uintptr_t)0xdead0000beef;
    CHECK(arrives(t));
    CHECK(strstr(fw.report.text, "# acpi: the root pointer at 0xdead0000beef is not in this map; "
                                 "the kernel reads it\n") != NULL);
    CHECK(strstr(strstr(fw.report.text, "# acpi:") + 1, "# acpi:") == NULL);
    TEST_END;
}

/* Options as long as they may be come whole, in pieces. */
TEST("report.long options come whole")
{
    static char config[1024], joined[1024];
    size_t n = 0;
    memset(config, 0, sizeof(config));
    memset(joined, 0, sizeof(joined));
    for (size_t i = 0; i + 9 < sizeof(config) - 8; i += 8)
        snprintf(config + i, 9, "w=%05u ", (unsigned)i);
    start(config);
    CHECK(arrives(t));
    for (const char *p = fw.report.text; (p = strstr(p, "# options: ")) != NULL;) {
        p += 11;
        size_t length = (size_t)(strchr(p, '\n') - p);
        memcpy(joined + n, p, length);
        n += length;
    }
    CHECK_STR(joined, fw.entered.options);
    CHECK_EQ(n, strlen(config) - 1); /* the last blank is no word */
    CHECK(n > 900);
    TEST_END;
}

/* The rights of this very program, by one table of 1 GiB pages each. */
TEST("report.the rights of the program's own memory")
{
    static const struct {
        uint64_t bits;
        const char *word;
    } rows[] = {{0x83, "rwx"},
                {0x81, "r-x"},
                {0x83 | (uint64_t)1 << 63, "rw-"},
                {0x81 | (uint64_t)1 << 63, "r--"}};
    uintptr_t here = (uintptr_t)&said;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start("");
        fake_levels(i % 2 == 0 ? 4 : 5);
        unsigned top = i % 2;
        if (top == 1)
            fake_pages_of[0][0] = (uintptr_t)fake_pages_of[1] | 3;
        fake_pages_of[top][here >> 39] = (uintptr_t)fake_pages_of[top + 1] | 3;
        for (unsigned page = 0; page < 512; page++)
            fake_pages_of[top + 1][page] = (uint64_t)page << 30 | rows[i].bits;
        char line[128];
        snprintf(line, sizeof(line),
                 "# this program: code %s, constants %s, data %s, stack ---; top page table %s\n",
                 rows[i].word, rows[i].word, rows[i].word, rows[i].word);
        CHECK(arrives(t));
        CHECK(strstr(fw.report.text, line) != NULL);
    }
    TEST_END;
}

/* Tables that lead to themselves, on all levels: as many are walked as the bound says. */
TEST("report.page tables without end or memory end the walk")
{
    start("");
    for (unsigned i = 0; i < 512; i++)
        fake_pages_of[0][i] = (uintptr_t)fake_pages_of | 3;
    CHECK(arrives(t));
    CHECK(strstr(fw.report.text, "; 65536 tables, ") != NULL);
    start("");
    hal_load_root(0x123456000);
    CHECK(arrives(t));
    CHECK(strstr(fw.report.text, "rwx 0 B; 0 tables, 1 not read\n") != NULL ||
          strstr(fw.report.text, "; 0 tables, 1 not read\n") != NULL);
    TEST_END;
}

static void put_old(struct fake_file *f)
{
    f->there = true;
    memset(f->text, 'o', 50000);
    f->size = 50000;
}

static bool old_is_whole(const struct fake_file *f)
{
    for (size_t i = 0; i < 50000; i++)
        if (f->text[i] != 'o')
            return false;
    return f->there && f->size == 50000;
}

TEST("report.an older, longer report leaves nothing behind; what is not ours stays")
{
    start("");
    CHECK(arrives(t));
    size_t size = fw.report.size;
    char *text = strdup(fw.report.text);
    start("");
    put_old(&fw.report);
    CHECK(arrives(t));
    CHECK_EQ(fw.report.size, size);
    CHECK_STR(fw.report.text, text);
    CHECK_EQ(fw.deletes, 1);
    free(text);
    for (uint64_t kind = 1; kind <= 0x10; kind <<= 4) { /* read-only; a folder */
        start("");
        fw.old_kind = kind;
        put_old(&fw.report);
        CHECK(arrives(t));
        CHECK(old_is_whole(&fw.report));
        CHECK_EQ(fw.deletes, 0);
        CHECK(noted("mortise-report.txt is not written: access denied. "));
    }
    TEST_END;
}

TEST("report.a disk that refuses is a sentence, and the boot goes on")
{
    static const struct {
        EFI_STATUS status;
        const char *words;
    } rows[] = {
        {EFI_WRITE_PROTECTED, "write protected"}, {EFI_VOLUME_FULL, "volume full"},
        {EFI_ACCESS_DENIED, "access denied"},     {EFI_NO_MEDIA, "no media"},
        {EFI_DEVICE_ERROR, "device error"},       {EFI_VOLUME_CORRUPTED, "file system damaged"}};
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        char sentence[100];
        start("");
        fw.no_write = rows[i / 2].status;
        if (i % 2 == 1)
            put_old(&fw.report);
        snprintf(sentence, sizeof(sentence),
                 "mortise-report.txt is not written: %s. It goes on without.", rows[i / 2].words);
        CHECK(arrives(t));
        CHECK(noted(sentence));
        CHECK(said(sentence));
        CHECK(!said("Wrote "));
        CHECK(i % 2 == 1 ? old_is_whole(&fw.report) : !fw.report.there);
    }
    TEST_END;
}

/* A disk with room for any number of bytes: all of the report, or none of it and a sentence. */
TEST("report.a full disk holds all of the report or nothing of it")
{
    start("");
    CHECK(arrives(t));
    size_t whole = fw.report.size;
    CHECK(whole > 600 && whole < 20000);
    for (size_t room = 0; room < whole; room += room < whole - 70 ? 61 : 1) {
        start("");
        fw.room = room;
        fw.short_writes = room % 2 == 0;
        CHECK(arrives(t));
        CHECK(!fw.report.there && !fw.report.open);
        CHECK(noted("mortise-report.txt is not written: volume full. It goes on without."));
    }
    start("");
    fw.room = whole;
    CHECK(arrives(t));
    CHECK_EQ(fw.report.size, whole);
    start("");
    fw.lazy_writes = true;
    CHECK(arrives(t));
    CHECK(!fw.report.there);
    CHECK(noted("mortise-report.txt is not written: device error. It goes on without."));
    TEST_END;
}

TEST("report.no file system is a sentence")
{
    start("");
    fw.loaded.DeviceHandle = NULL; /* as after a boot by network */
    CHECK(arrives(t));
    CHECK(noted("mortise-report.txt is not written: unsupported. It goes on without."));
    CHECK_EQ(fw.write_opens, 0);
    start("");
    fw.no_loaded_image = true;
    CHECK(arrives(t));
    CHECK(noted("mortise-report.txt is not written: unsupported. It goes on without."));
    TEST_END;
}

static void make_log(const char *text)
{
    struct keep *block = (struct keep *)(uintptr_t)fw.fixed;
    uint32_t words[2] = {(uint32_t)strlen(text), 0};
    words[1] = (uint32_t)crc32(0, (const Bytef *)text, words[0]);
    memcpy(block, "MORTLOG1", 8);
    memcpy((char *)block + 8, words, 8);
    memcpy((char *)block + 16, text, words[0]);
}

TEST("report.off opens nothing for writing")
{
    start("report=off");
    make_log("old\r\n");
    put_old(&fw.report);
    put_old(&fw.log);
    CHECK(arrives(t));
    CHECK_EQ(fw.write_opens, 0);
    CHECK(old_is_whole(&fw.report) && old_is_whole(&fw.log));
    CHECK_EQ(fw.entered.keep, MIB); /* the next boot may want it */
    TEST_END;
}

/* ---- the log of the boot before ---- */

TEST("log.of the boot before is written to the disk, once")
{
    static const char text[] = "[0.000000] mortise: commit\r\n[0.1] the last line\r\n";
    start("");
    make_log(text);
    put_old(&fw.log);
    CHECK(arrives(t));
    CHECK_STR(fw.log.text, text);
    CHECK_EQ(fw.log.size, sizeof(text) - 1);
    CHECK(fw.report.there);
    CHECK_EQ(times_said("The log of an earlier boot was found in memory."), 1);
    CHECK(noted("The log of an earlier boot was found in memory."));
    CHECK(said("Wrote mortise-log.txt"));
    CHECK(strstr(fw.report.text, "# note: The log of an earlier boot was found in memory.\n") !=
          NULL);
    CHECK_EQ(fw.entered.keep, MIB);
    CHECK_EQ(fw.frees, 0);
    start(""); /* by the menu, and not once more */
    make_log(text);
    fw.keys = "wwb";
    CHECK(arrives(t));
    CHECK_EQ(times_said("Wrote mortise-log.txt"), 1);
    CHECK_EQ(times_said("Wrote mortise-report.txt"), 3);
    start("");
    make_log(text);
    fw.no_write = EFI_WRITE_PROTECTED;
    CHECK(arrives(t));
    CHECK(noted("mortise-log.txt is not written: write protected. It goes on without."));
    TEST_END;
}

/* What the report says of the boot before. */
static const char *result_of(const char *text)
{
    static char line[512];
    const char *found;
    start("");
    make_log(text);
    fw.keys = "wb"; /* two reports, and the second has it too */
    EFI_STATUS status;
    if (fake_boot(&status) != ENTERED || (found = strstr(fw.report.text, "# result: ")) == NULL)
        return "none";
    snprintf(line, sizeof line, "%.*s", (int)strcspn(found, "\n"), found);
    return line;
}

TEST("log.its result is a line of the report, as JSON")
{
    CHECK_STR(
        result_of(
            "[0.1] result: {\"us\":1}\r\n[0.2] result: {\"us\":2}\r\n[0.2] verdict: pass\r\n"),
        "# result: {\"us\":2}");
    CHECK_STR(result_of("[0.1] panic: it\r\n[0.2] verdict: fail\r\n"),
              "# result: {\"verdict\":\"fail\"}");
    CHECK_STR(result_of("[0.1] map: 7\r\n"), "# result: {\"verdict\":\"none\"}");
    CHECK_STR(result_of("[0.1] verdict: and much more\r\n"), "# result: {\"verdict\":\"and muc\"}");
    CHECK_STR(result_of("[0.1] result: \x01\r\n"), "# result: ?");
    CHECK_STR(result_of("[0.1] result: cut off"), "# result: cut off");
    start("");
    CHECK(arrives(t));
    CHECK(strstr(fw.report.text, "# result:") == NULL);
    TEST_END;
}

/* ---- bad pages ---- */

/* As the exerciser has told them: twice, with what stands around them, and with nonsense. */
static const char bad_log[] =
    "[1.0] bad: Mortise, in mortise.cfg:\r\n[1.1] bad:     bad=0x3000-0x5000 bad=0x9000\r\n"
    "[1.2] bad:     memmap=0x1000$0x3000\r\n[2.0] bad:     bad=0x9000 bad=0x20000 bad=x exit=1\r\n"
    "[2.1] options: bad=0x77000\r\n[2.2] bad:     bad=0x4";

TEST("bad.what the last run found is kept from use when k is pressed, and not before")
{
    start("menu=5 bad=0x20000");
    make_log(bad_log);
    CHECK(arrives(t));
    CHECK(said("The last run found bad memory: bad=0x0 bad=0x3000-0x5000 bad=0x9000\r\n"));
    CHECK_STR(fw.entered.options, "menu=5 bad=0x20000");
    CHECK(!fw.list.there);
    start("menu=5 bad=0x20000");
    make_log(bad_log);
    fw.keys = "kb";
    CHECK(arrives(t));
    CHECK_STR(fw.list.text, "bad=0x0 bad=0x3000-0x5000 bad=0x9000\n");
    CHECK_STR(fw.entered.options, "menu=5 bad=0x20000 bad=0x0 bad=0x3000-0x5000 bad=0x9000");
    CHECK_EQ(times_said("Wrote mortise-bad.txt to the disk this came from, and nothing else."), 1);
    TEST_END;
}

static void put_list(const char *text)
{
    strcpy(fw.list.text, text);
    fw.list.size = strlen(text);
    fw.list.there = true;
}

TEST("bad.the list on the disk is read at each start, and grows by what is found")
{
    start("menu=5");
    put_list("# mine\r\nbad=0x3000-0x5000 exit=1 bad=0x1000\nbad=0x1000");
    make_log(bad_log);
    fw.keys = "kb";
    CHECK(arrives(t));
    CHECK(said("Kept from use by mortise-bad.txt: bad=0x1000 bad=0x3000-0x5000\r\n"));
    CHECK(said("The last run found bad memory: bad=0x0 bad=0x9000 bad=0x20000\r\n"));
    CHECK_STR(fw.list.text, "bad=0x0-0x1000 bad=0x3000-0x5000 bad=0x9000 bad=0x20000\n");
    CHECK_STR(fw.entered.options, "menu=5 bad=0x0-0x1000 bad=0x3000-0x5000 bad=0x9000 bad=0x20000");
    TEST_END;
}

TEST("bad.one key forgets the list, on the disk and for this boot")
{
    start("menu=5 bad=0x20000");
    put_list("bad=0x3000-0x5000 bad=0x1000");
    fw.keys = "fb";
    CHECK(arrives(t));
    CHECK(!fw.list.there && said("Removed mortise-bad.txt from the disk this came from."));
    CHECK_STR(fw.entered.options, "menu=5 bad=0x20000");
    start("menu=5");
    fw.keys = "fkb"; /* there is nothing to forget, or to keep */
    CHECK(arrives(t));
    CHECK(!said("Removed") && !said("Wrote mortise-bad.txt") && fw.deletes == 0);
    TEST_END;
}

TEST("bad.a disk that cannot be written is said, and the pages are kept from use this time")
{
    start("menu=5");
    make_log(bad_log);
    fw.no_write = EFI_WRITE_PROTECTED;
    fw.keys = "kb";
    CHECK(arrives(t));
    CHECK(noted("mortise-bad.txt is not written: write protected. It goes on without."));
    CHECK(strstr(fw.entered.options, " bad=0x9000 ") != NULL);
    start("menu=5 report=off");
    make_log(bad_log);
    fw.keys = "kb";
    CHECK(arrives(t));
    CHECK(!fw.list.there && strstr(fw.entered.options, " bad=0x9000 ") != NULL);
    TEST_END;
}

/* Do the options keep this page? Read here by sscanf(). */
static bool keeps(unsigned page)
{
    for (const char *at = fw.entered.options; (at = strstr(at, "bad=0x")) != NULL; at++) {
        unsigned first = 0, last;
        int ends = sscanf(at, "bad=0x%x-0x%x", &first, &last);
        if (first <= page && page <= (ends == 2 ? last : first))
            return true;
    }
    return false;
}

TEST("bad.more pages than there is room for are kept all the same")
{
    char text[4096] = "", options[BOOT_TEXT_SIZE] = "menu=5 ";
    for (unsigned i = 0; i < 200; i++)
        sprintf(text + strlen(text), "bad=0x%x000 ", 2 * i + 16);
    start("menu=5");
    put_list(text);
    CHECK(arrives(t));
    for (unsigned i = 0; i < 200; i++)
        CHECK(keeps((2 * i + 16) << 12));
    CHECK(!keeps(15 << 12) && !keeps(415 << 12) && strlen(fw.entered.options) < BOOT_TEXT_SIZE);
    memset(options + 7, 'x', sizeof options - 20);
    start(options);
    put_list(text);
    CHECK(arrives(t));
    CHECK(noted("mortise-bad.txt: the options leave no room for the bad pages."));
    TEST_END;
}

TEST("log.none, or no place for one")
{
    start("");
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.keep, MIB);
    CHECK(!fw.log.there && !said("earlier boot"));
    start("");
    fw.fixed = 0; /* the firmware is there itself */
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.keep, 0);
    CHECK(noted("No memory at a known place: the log will not outlive a restart."));
    TEST_END;
}

TEST("log.K2 a damaged one is not written")
{
    for (size_t at = 0; at < 16 + 5; at++) {
        start("");
        make_log("old\r\n");
        ((char *)(uintptr_t)fw.fixed)[at] ^= 0x10;
        CHECK(arrives(t));
        CHECK(!fw.log.there);
        CHECK_EQ(fw.entered.keep, MIB);
        CHECK_EQ(noted("A log of an earlier boot was found in memory, but it is damaged; ignored."),
                 at >= 8);
        CHECK_EQ(fw.frees, 1);
    }
    TEST_END;
}

/* Whatever fails, with all that can be there: it goes on, or back with a sentence; nothing stays
 * open, and a report is whole or not there. */
TEST("report.L3 whichever service fails, files are whole or gone")
{
    unsigned calls = 1, arrived = 0;
    for (unsigned k = 1; k <= calls; k++) {
        EFI_STATUS status = EFI_SUCCESS;
        start("menu=2");
        make_acpi();
        make_log("old\r\n");
        put_old(&fw.report);
        put_old(&fw.log);
        fw.keys = "hmwb";
        fw.fail_call = k;
        enum fake_outcome how = fake_boot(&status);
        calls = how == ENTERED && fw.calls > calls ? fw.calls : calls;
        arrived += how == ENTERED;
        CHECK(how == ENTERED || (how == RETURNED && said("Press a key")));
        CHECK_EQ(fw.violations, 0);
        CHECK_EQ(fw.open_files, 0);
        CHECK(!fw.report.there || old_is_whole(&fw.report) ||
              strstr(fw.report.text, "\n2147483649 0xfee00000 0xfee01000 0x8000000000000001\n") !=
                  NULL);
        CHECK(!fw.log.there || old_is_whole(&fw.log) || strcmp(fw.log.text, "old\r\n") == 0);
    }
    CHECK(arrived > 60);
    TEST_END;
}

TEST_SUITE(report);

/* CPUID tells the number of the CPU that asks, so lines of two reports are only as long as each
 * other on one CPU. */
static void stay_on_this_cpu(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0)
        perror("report: it may move between CPUs, and fail for that");
}

int main(void)
{
    stay_on_this_cpu();
    int status = desk_suite_run(&report_suite);
    for (size_t i = 0; i < fw.block_count; i++)
        free(fw.blocks[i]);
    return status;
}
