/* The loader against a firmware that misbehaves: efi/ as it is, compiled for the desk, started by
 * tests/model/fake_firmware.h. Cites L1-L3 of efi/base/loader.h and the rows of the public record of
 * firmware quirks by what they are. Ends with "N passed, N failed".
 *
 * needs: loader tests/test.c
 */
#include "hal/short.h"
#include "tests/model/fake_firmware.h"

#include "efi/base/words.h"
#include "efi/machine/framebuffer.h"
#include "mm/memmap.h"
#include "tests/desk_suite.h"
#include "tests/test.h"

#include <stdio.h>

/* Boot and expect to arrive. */
static bool arrives(struct test_state *t)
{
    EFI_STATUS status = EFI_SUCCESS;
    CHECK_EQ(fake_boot(&status), ENTERED);
    CHECK_EQ(fw.violations, 0);
    CHECK_EQ(fw.open_files, 0);
    return fw.gone && !t->failures;
}

/* Boot and expect a sentence, a question for a key, and an error for the firmware. */
static void goes_back(struct test_state *t, const char *sentence)
{
    EFI_STATUS status = EFI_SUCCESS;
    CHECK_EQ(fake_boot(&status), RETURNED);
    CHECK((status & EFI_ERROR_MASK) != 0);
    CHECK_EQ(fw.exits, 0);
    CHECK_EQ(fw.violations, 0);
    CHECK(strstr(fw.said, "Mortise cannot start: ") != NULL);
    CHECK(strstr(fw.said, sentence) != NULL);
    CHECK(strstr(fw.said, "Press a key") != NULL);
    CHECK(fw.key_reads > 100 && fw.key_reads < 1000);
}

/* ---- page tables for the direct map, counted by looking at each 2 MiB ---- */

#define SPAN   TIB
#define LARGES (SPAN / (2 * MIB))
#define GIANTS (SPAN / GIB)

static uint32_t filled[LARGES]; /* bytes of RAM in each 2 MiB */

static void fill(uint64_t base, uint64_t end)
{
    for (uint64_t at = base; at < end;) {
        uint64_t next = hal_min_u64(end, hal_align_down(at, 2 * MIB) + 2 * MIB);
        filled[at / (2 * MIB)] += (uint32_t)(next - at);
        at = next;
    }
}

/* One of the third level; of the second where a GiB is not one page, of the first where 2 MiB are not. */
static uint64_t tables_wanted(bool giant_pages)
{
    uint64_t tables = 1;
    for (size_t g = 0; g < GIANTS; g++) {
        unsigned full = 0, empty = 0;
        for (size_t i = g * 512; i < (g + 1) * 512; i++) {
            full += filled[i] == 2 * MIB;
            empty += filled[i] == 0;
        }
        tables += 512 - full - empty;
        tables += empty < 512 && !(full == 512 && giant_pages);
    }
    return tables;
}

static uint64_t below(uint64_t limit)
{
    return ((uint64_t)rand() << 16 ^ (uint64_t)rand()) % limit;
}

/* Entries of RAM and others, touching or apart, none upon another: many of all sizes, or GiBs that share
 * no table, or few that are very large. */
static void random_map(unsigned seed)
{
    static const uint64_t most[] = {1, 3, 512, 5000, 262144, 1000000};
    uint64_t at = 16 * MIB;
    srand(seed);
    memset(filled, 0, sizeof filled);
    fw.map_count = 0;
    while (at < SPAN && fw.map_count < 1500) {
        uint64_t size = seed % 3 == 0 ? most[below(6)] : seed % 3 == 1 ? 700000 : 40000000;
        uint64_t gap = seed % 3 == 0 ? most[below(5)] : 700000;
        uint64_t pages = below(size) + 1;
        at += below(2) == 0 && seed % 3 == 0 ? 0 : below(gap) * HAL_PAGE_SIZE;
        at = below(4) == 0 ? hal_align_up(at, 2 * MIB) : at;
        pages = hal_min_u64(pages, at < SPAN ? (SPAN - at) / HAL_PAGE_SIZE : 0);
        bool ram = below(4) != 0;
        fake_map_entry(ram ? 7 : 0, at, pages, 0xf);
        if (ram)
            fill(at, at + pages * HAL_PAGE_SIZE);
        at += pages * HAL_PAGE_SIZE;
    }
}

static void check_map(struct test_state *t)
{
    CHECK_EQ(fw.entered.map_count, fw.map_count);
    CHECK(fw.entered.map_bytes >= fw.map_count * sizeof(struct boot_mem));
    for (size_t i = 0; i < fw.map_count; i++) {
        const struct fake_descriptor *d = &fw.map[i];
        const struct boot_mem *m = &fw.entered_map[i];
        if (m->base != d->base || m->end != d->base + d->pages * 4096 || m->type != d->type ||
            m->attributes != d->attributes || m->reserved != 0)
            CHECK_EQ(i, UINT64_MAX);
    }
}

/* Within a tenth. */
static bool about(uint64_t value, uint64_t wanted)
{
    return value > wanted / 10 * 9 && value < wanted / 10 * 11;
}

TEST("loader.L1 all that the kernel needs arrives, in the firmware's order")
{
    fake_start();
    CHECK(arrives(t));
    check_map(t);
    CHECK_EQ(fw.entered.exit_attempts, 1);
    CHECK_EQ(fw.entered.rsdp, (uintptr_t)fake_rsdp);
    CHECK_EQ(fw.entered.smbios, (uintptr_t)fake_smbios);
    CHECK_EQ(fw.entered.runtime_services, (uintptr_t)&fw.runtime);
    CHECK_EQ(fw.entered.image_base, (uintptr_t)__ImageBase);
    CHECK_EQ(fw.entered.image_size, 0x5000);
    CHECK_EQ(fw.entered.trampoline, 0x9e000);
    CHECK_EQ(fw.entered.stack_size, 65536);
    CHECK_EQ(fw.entered.descriptor_size, 48);
    CHECK_EQ(fw.entered.firmware_revision, 0x10203);
    CHECK_EQ(fw.entered.framebuffer.base, 0xc0000000);
    CHECK_EQ(fw.entered.framebuffer.pitch, 832);
    CHECK(about(fw.entered.tsc_hz, 1000000000));
    CHECK(about(fw.entered.stall_hz, 1000000000));
    CHECK(fw.entered.exit_tsc != 0);
    CHECK_STR(fw.entered.firmware_vendor, "Fake?");
    CHECK_STR(fw.entered.options, "");
    CHECK_STR(fw.entered.notes, "");
    CHECK_EQ(fw.watchdog, 0);
    CHECK(strstr(fw.said, "Next: ") != NULL);
    TEST_END;
}

TEST("loader.L2 the exit is tried again up to 64 times while the map grows")
{
    for (unsigned refused = 0; refused < 64; refused++) {
        fake_start();
        fw.refuse_exits = refused;
        fw.grow = 6;
        CHECK(arrives(t));
        CHECK_EQ(fw.entered.exit_attempts, refused + 1);
        check_map(t);
    }
    TEST_END;
}

TEST("loader.L2 a firmware that never lets go is restarted and nothing else")
{
    EFI_STATUS status = EFI_SUCCESS;
    fake_start();
    fw.refuse_exits = 1000;
    uint64_t start = hal_cycles();
    CHECK_EQ(fake_boot(&status), RESET);
    CHECK(hal_cycles() - start >= 30000000000u); /* half a minute, in ticks of the desk */
    CHECK(about(fw.relaxed, 30000));
    CHECK_EQ(fw.exits, 64);
    CHECK_EQ(fw.violations, 0);
    CHECK(strstr(fw.said, "did not let go") != NULL);
    TEST_END;
}

TEST("loader a firmware that neither lets go nor restarts is halted")
{
    EFI_STATUS status = EFI_SUCCESS;
    for (unsigned missing = 0; missing < 2; missing++) {
        fake_start();
        fw.refuse_exits = 1000;
        if (missing == 0)
            fw.system.RuntimeServices = NULL;
        else
            fw.runtime.ResetSystem = NULL;
        CHECK_EQ(fake_boot(&status), HALTED);
        CHECK_EQ(fw.violations, 0);
    }
    TEST_END;
}

/* A second of the desk has 10^9 ticks: a Stall that is n times too short says 10^9 / n. */
TEST("clock a Stall that is far off is named, and what the machine's own clock says counts")
{
    static const struct {
        uint64_t hurry, slow, own, tsc;
        const char *note;
    } rows[] = {
        {1, 1, 0, 1000000000, ""},
        {1, 1, 1000000000, 1000000000, ""},
        {3, 1, 1000000000, 1000000000, ""},
        {3, 1, 0, 333333333, ""}, /* nobody knows better */
        {79, 1, 1000000000, 1000000000, "Stall waits 78 times too short, by the fake PIT"},
        {120, 1, 1000000000, 1000000000, "Stall waits 119 times too short, by the fake PIT"},
        {1, 10, 1000000000, 1000000000, "Stall waits 10 times too long, by the fake PIT"},
        {79, 1, 0, 0, "The time stamp counter cannot be measured"},
        {1, 30, 0, 0, "The time stamp counter cannot be measured"},
        {11, 1, 0, 0, "The time stamp counter cannot be measured"}, /* 91 MHz */
        {9, 1, 0, 111111111, ""},
        {1, 19, 0, 19000000000, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake_start();
        fw.hurry = rows[i].hurry;
        fw.slow = rows[i].slow;
        fw.own_hz = rows[i].own;
        CHECK(arrives(t));
        CHECK(rows[i].tsc == 0 ? fw.entered.tsc_hz == 0 : about(fw.entered.tsc_hz, rows[i].tsc));
        CHECK(about(fw.entered.stall_hz, 1000000000 * rows[i].slow / rows[i].hurry));
        CHECK_EQ(fw.entered.notes[0] == '\0', rows[i].note[0] == '\0');
        CHECK(strstr(fw.entered.notes, rows[i].note) != NULL);
    }
    TEST_END;
}

TEST("loader.L2 a map that outgrows its buffer is never written beyond it")
{
    EFI_STATUS status = EFI_SUCCESS;
    fake_start();
    fw.refuse_exits = 3;
    fw.grow = 1000;
    CHECK_EQ(fake_boot(&status), RESET);
    CHECK_EQ(fw.violations, 0);
    TEST_END;
}

TEST("loader descriptors are stepped over by the firmware's size, and absurd sizes refused")
{
    static const size_t good[] = {40, 48, 56, 64, 128};
    static const size_t bad[] = {0, 8, 32, 39, 44, 52};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        fake_start();
        fw.stride = good[i];
        CHECK(arrives(t));
        CHECK_EQ(fw.entered.descriptor_size, good[i]);
        check_map(t);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        fake_start();
        fw.stride = bad[i];
        goes_back(t, "the memory map cannot be read");
    }
    fake_start();
    fw.stride_unset = true;
    fw.stride = 40; /* that of the headers */
    CHECK(arrives(t));
    TEST_END;
}

TEST("loader a map has no largest size")
{
    static const size_t counts[] = {312, 1000, FAKE_MAP};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        fake_start();
        fw.map_count = counts[i];
        CHECK(arrives(t));
        check_map(t);
    }
    fake_start();
    fw.map_count = 0;
    goes_back(t, "the memory map cannot be read");
    TEST_END;
}

TEST("loader.R an end that wraps is seen as one")
{
    fake_start();
    fake_map_entry(7, 0xfffffffffffff000, 2, 0xf);
    fake_map_entry(7, 0x1000, UINT64_MAX, 0xf);
    fake_map_entry(7, 0, (uint64_t)1 << 52, 0xf);
    fake_map_entry(7, 0x2000, 0, 0xf);
    size_t n = fw.map_count;
    CHECK(arrives(t));
    CHECK_EQ(fw.entered_map[n - 4].end, 0x1000);
    CHECK_EQ(fw.entered_map[n - 3].end, 0);
    CHECK_EQ(fw.entered_map[n - 2].end, 0xfffffffffffff000);
    CHECK_EQ(fw.entered_map[n - 1].end, 0x2000);
    TEST_END;
}

TEST("loader.L3 every field of LoadedImage may be missing")
{
    for (unsigned missing = 0; missing < 5; missing++) {
        fake_start();
        fw.no_loaded_image = missing == 0;
        fw.loaded.FilePath = missing == 1 ? NULL : fw.loaded.FilePath;
        fw.loaded.DeviceHandle = missing == 2 ? NULL : fw.loaded.DeviceHandle;
        fw.loaded.ImageBase = missing == 3 ? NULL : fw.loaded.ImageBase;
        fw.loaded.LoadOptionsSize = missing == 4 ? 77 : 0; /* and no pointer */
        CHECK(arrives(t));
        CHECK_EQ(fw.entered.image_base, (uintptr_t)__ImageBase);
        CHECK_EQ(fw.entered.notes[0] != '\0', missing == 0 || missing == 2 || missing == 3);
    }
    fake_start();
    __ImageBase[0] = 0;
    goes_back(t, "headers were not loaded");
    TEST_END;
}

TEST("loader a machine that the architecture refuses goes back with the reason")
{
    fake_start();
    fw.refusal = "this machine is made of cheese.";
    goes_back(t, "this machine is made of cheese.");
    CHECK_EQ(fw.block_count, 0); /* before anything is taken */
    TEST_END;
}

TEST("loader the firmware's count of processors is handed over, if it has one")
{
    static const struct {
        UINTN processors;
        EFI_STATUS status;
        uint64_t told, enabled;
    } rows[] = {{0, EFI_SUCCESS, 0, 0}, {8, EFI_SUCCESS, 8, 7}, {8, EFI_DEVICE_ERROR, 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake_start();
        fw.processors = rows[i].processors;
        fw.no_count = rows[i].status;
        CHECK(arrives(t));
        CHECK_EQ(fw.entered.processors, rows[i].told);
        CHECK_EQ(fw.entered.processors_enabled, rows[i].enabled);
        CHECK_STR(fw.entered.notes, "");
    }
    TEST_END;
}

/* One section, with 0x200 bytes in the file of 0x1800, all over ones: the firmware has cleared nothing. */
static void add_section(void)
{
    static const uint32_t words[4] = {0x1800, 0x2000, 0x200, 0x400}; /* in memory, where, in the file, where */
    uint8_t *optional = __ImageBase + 64 + 24;
    __ImageBase[64 + 6] = 1;
    __ImageBase[64 + 20] = 112; /* no data directory */
    optional[0] = 0x0b;
    optional[1] = 0x02;
    memcpy(optional + 112 + 8, words, sizeof words);
    optional[112 + 39] = 0xc0; /* readable, writable */
    memset(__ImageBase + 0x2000, 0xff, 0x3000);
}

TEST("loader variables are cleared where the firmware has not done it")
{
    fake_start();
    add_section();
    CHECK(arrives(t));
    for (unsigned at = 0; at < 0x3000; at++)
        CHECK_EQ(__ImageBase[0x2000 + at], at >= 0x200 && at < 0x1800 ? 0 : 0xff);
    fake_start();
    add_section();
    __ImageBase[64 + 24] = 0; /* damaged headers are not trusted */
    CHECK(arrives(t));
    for (unsigned at = 0; at < 0x3000; at++)
        CHECK_EQ(__ImageBase[0x2000 + at], 0xff);
    TEST_END;
}

TEST("loader pages that are not what was asked for are not used")
{
    static const uint64_t wrong[] = {0x123456789, 0xfffffffffffff000};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        fake_start();
        fw.wrong_pages = wrong[i];
        goes_back(t, "no memory for a stack and the first page tables");
    }
    static const uint64_t low[] = {0x9f000, 0x100000, 0x9e001};
    for (size_t i = 0; i < ARRAY_LEN(low); i++) {
        fake_start();
        fw.low_page = low[i];
        fw.same_low = true;
        CHECK(arrives(t));
        CHECK_EQ(fw.entered.trampoline, 0);
    }
    TEST_END;
}

TEST("loader there are always enough pages for the kernel's page tables, and not far too many")
{
    struct hal_paging paging = hal_paging_features();
    for (unsigned seed = 1; seed <= 100; seed++) {
        fake_start();
        random_map(seed);
        paging.pages_1g = seed % 2 == 0;
        host_set_paging(&paging);
        CHECK(arrives(t));
        uint64_t wanted = tables_wanted(paging.pages_1g);
        uint64_t taken = fw.entered.tables_bytes / HAL_PAGE_SIZE;
        CHECK(taken >= wanted + 48); /* what lies beside the direct map */
        CHECK(taken <= 5 * wanted + 250);
        CHECK(fw.entered.tables != 0 && fw.entered.tables_bytes % HAL_PAGE_SIZE == 0);
        CHECK(fw.entered.regions_bytes / sizeof(struct mem_region) >=
              memmap_capacity_for(fw.map_count, BOOT_OWNERS));
    }
    paging.pages_1g = true;
    host_set_paging(&paging);
    for (unsigned ram = 0; ram < 2;
         ram++) { /* pieces of one run, and what is no RAM, cost nothing */
        fake_start();
        fw.map_count = 0;
        for (uint64_t i = 0; i < 1000; i++)
            fake_map_entry(ram == 1 ? (uint32_t)(i % 7 + 1) : 0, 16 * MIB + i * 8192, ram == 1 ? 2 : 1, 0xf);
        CHECK(arrives(t));
        CHECK(fw.entered.tables_bytes <= 64 * HAL_PAGE_SIZE); /* 24 MiB end there */
    }
    TEST_END;
}

TEST("loader.L3 consoles may be missing")
{
    EFI_STATUS status = EFI_SUCCESS;
    fake_start();
    fw.system.ConOut = NULL;
    fw.system.ConIn = NULL;
    CHECK(arrives(t));
    fake_start();
    fw.system.ConOut = NULL;
    fw.system.ConIn = NULL;
    fw.stride = 12;
    CHECK_EQ(fake_boot(&status), RETURNED);
    CHECK((status & EFI_ERROR_MASK) != 0);
    fake_start();
    fw.system.BootServices = NULL;
    CHECK_EQ(fake_boot(&status), RETURNED);
    CHECK(strstr(fw.said, "no boot services") != NULL);
    CHECK((efi_main(&fw, NULL) & EFI_ERROR_MASK) != 0);
    TEST_END;
}

/* Whatever service fails, at whatever call: arrive, or go back with a sentence (L3). */
TEST("loader.L3 whichever service fails, it arrives or goes back with a sentence")
{
    unsigned calls = 1, arrived = 0, returned = 0;
    for (unsigned k = 1; k <= calls; k++) {
        EFI_STATUS status = EFI_SUCCESS;
        fake_start();
        fw.config_path = "\\EFI\\TOOLS\\mortise.cfg";
        fw.config = "a=b";
        fw.fail_call = k;
        enum fake_outcome how = fake_boot(&status);
        calls = how == ENTERED && fw.calls > calls ? fw.calls : calls;
        arrived += how == ENTERED;
        returned += how == RETURNED;
        CHECK(how == ENTERED || (how == RETURNED && strstr(fw.said, "Press a key") != NULL));
        CHECK_EQ(fw.violations, 0);
        CHECK_EQ(fw.open_files, 0);
    }
    CHECK(arrived >= 8);
    CHECK(returned >= 4);
    TEST_END;
}

TEST("loader mortise.cfg is looked for beside the image, in EFI BOOT, in the root")
{
    static const char *const places[] = {"\\EFI\\TOOLS\\mortise.cfg", "\\EFI\\BOOT\\mortise.cfg",
                                         "\\mortise.cfg"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        fake_start();
        fw.config_path = places[i];
        fw.config = "\xef\xbb\xbfsmp=4\r\n# note\nserial=off";
        CHECK(arrives(t));
        CHECK_STR(fw.entered.options, "smp=4 serial=off");
    }
    fake_start();
    memset(fw.device_path, 4, sizeof(fw.device_path)); /* file nodes without an end */
    fw.device_path[3] = fw.device_path[67] = 0;
    fw.device_path[2] = 64;
    fw.device_path[66] = 0; /* a length of 0 */
    CHECK(arrives(t));
    TEST_END;
}

/* A device path that nothing ends, in nodes that a path of 64 nodes would not be too long for: not a byte
 * beyond its 4096 is read, which ASan sees. */
TEST("loader a device path is read as far as one can go, and no further")
{
    static const size_t sizes[] = {1000, 4, 65535, 4096, 100};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        fake_start();
        uint8_t *path = malloc(4096);
        memset(path, 'x', 4096);
        for (size_t at = 0; at + 4 <= 4096; at += sizes[i]) {
            path[at] = path[at + 1] = 4;
            path[at + 2] = (uint8_t)sizes[i];
            path[at + 3] = (uint8_t)(sizes[i] >> 8);
        }
        fw.loaded.FilePath = (void *)path;
        fw.config_path = "\\EFI\\BOOT\\mortise.cfg";
        fw.config = "smp=4";
        CHECK(arrives(t));
        CHECK_STR(fw.entered.options, "smp=4");
        free(path);
    }
    TEST_END;
}

TEST("loader LoadOptions are bounded UTF-16 and end at the first character not ASCII")
{
    static uint16_t plain_words[] = {0xfeff, 'b', '=', '2', 0, 'x', 'y'};
    static uint16_t shell[] = {'f', 's', '0', ':', '\\', 'M', '.',
                               'E', 'F', 'I', ' ', 'a',  '=', '1'};
    static uint16_t binary[] = {'c', '=', '3', ' ', 'd', 0x6261, 'e', '=', '4'};
    static const struct {
        uint16_t *words;
        uint32_t bytes;
        const char *options;
        bool noted;
    } rows[] = {{plain_words, sizeof(plain_words), "z=1 b=2", false},
                {shell, sizeof(shell), "z=1 a=1", false},
                {shell, sizeof(shell) - 1, "z=1 a=", false},
                {binary, sizeof(binary), "z=1 c=3", true},
                {binary, 1, "z=1", false},
                {binary, 0, "z=1", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake_start();
        fw.config_path = "\\mortise.cfg";
        fw.config = "z=1";
        fw.loaded.LoadOptions = rows[i].words;
        fw.loaded.LoadOptionsSize = rows[i].bytes;
        CHECK(arrives(t));
        CHECK_STR(fw.entered.options, rows[i].options);
        CHECK_EQ(strstr(fw.entered.notes, "LoadOptions: reading stopped") != NULL, rows[i].noted);
    }
    TEST_END;
}

TEST("loader a config that is too long is cut between words, with a note")
{
    static char text[40000];
    for (size_t i = 0; i + 1 < sizeof(text); i++)
        text[i] = "word=7 "[i % 7];
    fake_start();
    fw.config_path = "\\mortise.cfg";
    fw.config = text;
    CHECK(arrives(t));
    size_t length = strlen(fw.entered.options);
    CHECK_EQ(length, 146 * 6 + 145); /* words and the blanks between; the 147th would not fit */
    CHECK_STR(fw.entered.options + length - 6, "word=7");
    CHECK(strstr(fw.entered.notes, "left out") != NULL);
    CHECK(strstr(fw.entered.notes, "first 16 KiB") != NULL);
    TEST_END;
}

TEST("loader the screen with the firmware's text is preferred")
{
    fake_start();
    fake_screen(0, 0, 3);
    fake_screen(1, 0xd0000000, 0);
    fake_screen(2, 0xfc10000000, 1);
    fw.screens[2].console = true;
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.framebuffer.base, 0xfc10000000); /* the one with the firmware's text */
    CHECK(strstr(fw.entered.notes, "Screen 1 is not used: only the firmware") != NULL);
    fake_start();
    fw.screens[0].gop.Mode = NULL;
    CHECK(arrives(t));
    CHECK_EQ(fw.set_modes, 1);
    CHECK_EQ(fw.entered.framebuffer.base, 0xc0000000);
    fake_start();
    fw.screens[0].mode.Info = NULL;
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.framebuffer.base, 0);
    CHECK(strstr(fw.entered.notes, "it has no mode") != NULL);
    fake_start();
    fw.screen_count = 0;
    CHECK(arrives(t));
    CHECK(strstr(fw.entered.notes, "No screen") != NULL);
    TEST_END;
}

/* A root pointer whose last bytes lie behind the end of the memory that the map knows. The kernel,
 * which maps what it reads, gets the address. */
TEST("loader a table that reaches out of the map is not read")
{
    uint8_t *page = aligned_alloc(HAL_PAGE_SIZE, HAL_PAGE_SIZE);
    fake_start();
    memcpy(page + HAL_PAGE_SIZE - 24, fake_rsdp, 24);
    fake_map_entry(9, (uintptr_t)page, 1, 0xf);
    fw.tables[0].VendorTable = page + HAL_PAGE_SIZE - 24;
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.rsdp, (uintptr_t)page + HAL_PAGE_SIZE - 24);
    free(page);
    TEST_END;
}

TEST("loader the root pointer of ACPI 1.0 will do")
{
    static const uint8_t acpi1[16] = {0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
                                      0x9a, 0x16, 0,    0x90, 0x27, 0x3f, 0xc1, 0x4d};
    fake_start();
    fake_rsdp[15] = 0; /* revision 0: 20 bytes, one sum */
    fix_sum(fake_rsdp, 20, 8);
    memcpy(&fw.tables[0], acpi1, 16);
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.rsdp, (uintptr_t)fake_rsdp);
    fake_start();
    fake_rsdp[15] = 0;
    fix_sum(fake_rsdp, 20, 8);
    fake_rsdp[9]++;
    memcpy(&fw.tables[0], acpi1, 16);
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.rsdp, 0);
    CHECK(strstr(fw.entered.notes, "ACPI 1.0 root pointer is damaged") != NULL);
    TEST_END;
}

/* Which of two root pointers, 2.0 and 1.0, the kernel gets: sound, unseen (not in the map), of a
 * device (where the bytes would be damaged, were they read), damaged. */
static void check_choice(struct test_state *t, char second, char first, char chosen)
{
    static const uint8_t acpi1[16] = {0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
                                      0x9a, 0x16, 0,    0x90, 0x27, 0x3f, 0xc1, 0x4d};
    static uint8_t damaged[36] = "RSD PTR ?";
    static _Alignas(HAL_PAGE_SIZE) uint8_t registers[HAL_PAGE_SIZE];
    const uint64_t unseen[2] = {0xdeadbeefdeadbee0, 0xdead0000beef};
    const char of[2] = {second, first};
    uint64_t at[2];
    fake_start();
    fake_map_entry(9, hal_align_down((uintptr_t)damaged, HAL_PAGE_SIZE), 2, 0xf);
    fake_map_entry(11, (uintptr_t)registers, 1, 1);
    memcpy(&fw.tables[1], acpi1, 16);
    for (unsigned i = 0; i < 2; i++) {
        at[i] = of[i] == 's'   ? (uintptr_t)fake_rsdp
                : of[i] == 'o' ? (uintptr_t)registers
                : of[i] == 'd' ? (uintptr_t)damaged
                               : unseen[i];
        fw.tables[i].VendorTable = (void *)(uintptr_t)at[i];
    }
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.rsdp, chosen == '2' ? at[0] : chosen == '1' ? at[1] : 0);
    CHECK_EQ(strstr(fw.entered.notes, "ACPI 2.0 root pointer is damaged") != NULL, second == 'd');
}

TEST("loader a root pointer that the map does not list is handed over unread")
{
    check_choice(t, 's', 's', '2');
    check_choice(t, 's', 'u', '2');
    check_choice(t, 'u', 'u', '2');
    check_choice(t, 'u', 's', '1');
    check_choice(t, 'u', 'd', '2');
    check_choice(t, 'd', 'u', '1');
    check_choice(t, 'd', 's', '1');
    check_choice(t, 'd', 'd', '0');
    check_choice(t, 'o', 's', '1');
    check_choice(t, 'o', 'd', '2');
    TEST_END;
}

TEST("loader the SMBIOS of 3.0 goes before that of 2.1, a sound one before an unseen one")
{
    static const uint8_t second[] = {0x31, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
                                     0x9a, 0x16, 0,    0x90, 0x27, 0x3f, 0xc1, 0x4d};
    fake_start(); /* not in the map: handed on unread */
    fw.tables[1].VendorTable = (void *)(uintptr_t)0x123;
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.smbios, 0x123);
    CHECK(strstr(fw.entered.notes, "SMBIOS") == NULL);
    CHECK(strstr(fw.report.text, "the SMBIOS: it is not in the memory map; the kernel reads it\n") !=
          NULL);
    for (unsigned kind = 0; kind < 3; kind++) {
        fake_start();
        memcpy(fake_smbios + 96, "_SM_", 4);
        memcpy(&fw.tables[2], second, sizeof(second));
        fw.tables[2].VendorTable = fake_smbios + 96;
        fw.system.NumberOfTableEntries = 3;
        if (kind == 1)
            fake_smbios[0]++;
        if (kind == 2)
            fw.tables[1].VendorTable = (void *)(uintptr_t)0x123;
        CHECK(arrives(t));
        CHECK_EQ(fw.entered.smbios, (uintptr_t)fake_smbios + (kind == 0 ? 0 : 96));
    }
    TEST_END;
}

TEST("loader pages in the first MiB are not taken for stack, map and page tables")
{
    fake_start();
    fw.low_pages = 0x14000;
    CHECK(arrives(t));
    CHECK(fw.entered.stack_base >= MIB);
    CHECK(fw.entered.regions >= MIB);
    CHECK(fw.entered.tables >= MIB);
    TEST_END;
}

TEST("loader tables that are damaged or out of the map are not read")
{
    fake_start();
    fake_rsdp[9]++; /* breaks both sums */
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.rsdp, 0);
    CHECK(strstr(fw.entered.notes, "ACPI 2.0 root pointer is damaged") != NULL);
    fake_start();
    fake_smbios[2] = 'X';
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.smbios, 0);
    CHECK(strstr(fw.entered.notes, "SMBIOS entry point is damaged") != NULL);
    fake_start();
    fw.system.ConfigurationTable = NULL;
    CHECK(arrives(t));
    fake_start();
    fw.system.NumberOfTableEntries = UINT64_MAX;
    CHECK(arrives(t));
    CHECK(strstr(fw.entered.notes, "absurd number of tables") != NULL);
    TEST_END;
}

TEST("loader notes that do not fit are said to be missing, once")
{
    fake_start();
    fake_screen(2, 0, 3);
    struct loader l = {.system = &fw.system, .boot = &fw.boot, .info = &fw.entered};
    char sentence[200];
    memset(sentence, 's', sizeof(sentence));
    sentence[sizeof(sentence) - 1] = '\0';
    for (unsigned i = 0; i < 100; i++)
        console_note(&l, sentence);
    console_note(&l, "Short.");
    CHECK(memchr(fw.entered.notes, 0, BOOT_TEXT_SIZE) != NULL);
    const char *more = strstr(fw.entered.notes, "Further notes did not fit");
    CHECK(more != NULL);
    CHECK(more != NULL && strstr(more + 1, "Further") == NULL);
    TEST_END;
}

TEST("loader page 0 is never the trampoline")
{
    fake_start();
    fw.low_page = 0;
    CHECK(arrives(t));
    CHECK_EQ(fw.entered.trampoline, 0x9e000);
    TEST_END;
}

TEST("framebuffer.F what cannot be drawn on is refused with the reason")
{
    static const struct {
        struct boot_framebuffer fb;
        uint32_t format;
        const char *why;
        uint32_t height;
    } rows[] = {
        {{0x1000, 4096000, 1280, 800, 1280, 0, 0, 0}, 0, NULL, 800},
        {{0x1000, 4096000, 1280, 800, 1280, 0xff0000, 0xff00, 0xff}, 2, NULL, 800},
        {{0x1000, 4096000, 1280, 800, 1280, 0x3ff00000, 0xffc00, 0x3ff}, 2, NULL, 800},
        {{0x1000, 4096000, 1280, 800, 1280, 0, 0, 0}, 2, "masks", 0},
        {{0x1000, 4096000, 1280, 800, 1280, 0xff00, 0xff00, 0xff}, 2, "masks", 0},
        {{0x1000, 4096000, 1280, 800, 1280, 0xf0f000, 0xf00, 0xff}, 2, "masks", 0},
        {{0x1000, 4096000, 1280, 800, 1280, 0xf800, 0x7e0, 0x1f}, 2, "not 32 bits", 0},
        {{0, 0, 1280, 800, 1280, 0, 0, 0}, 3, "only the firmware", 0},
        {{0x1000, 4096000, 1280, 800, 1280, 0, 0, 0}, 4, "format is unknown", 0},
        {{0, 4096000, 1280, 800, 1280, 0, 0, 0}, 1, "no memory", 0},
        {{0x1002, 4096000, 1280, 800, 1280, 0, 0, 0}, 1, "no memory", 0},
        {{0x1000, 4096000, 0, 800, 1280, 0, 0, 0}, 1, "no pixels", 0},
        {{0x1000, 4096000, 1280, 800, 1024, 0, 0, 0}, 1, "shorter than its width", 0},
        {{0x1000, 4096000, 1280, 800, 0, 0, 0, 0}, 1, NULL, 800},
        {{0x1000, 256 * MIB, 1280, 800, 1280, 0, 0, 0}, 1, NULL, 800},
        {{0x1000, 0, 1280, 800, 0, 0, 0, 0}, 1, NULL, 800},
        {{0x1000, 4096000, 1280, 800, 65536, 0, 0, 0}, 1, "absurd", 0},
        {{0x1000, 5119, 1280, 800, 1280, 0, 0, 0}, 1, "cannot hold one line", 0},
        {{0x1000, 5120 * 799 + 1, 1280, 800, 1280, 0, 0, 0}, 1, NULL, 799},
        {{0x1000, 0, 1280, 800, 1280, 0, 0, 0}, 1, NULL, 800},
        {{(uint64_t)1 << 52, 4096000, 1280, 800, 1280, 0, 0, 0}, 1, "beyond any", 0},
        {{0x1000, UINT64_MAX, 1280, 800, 1280, 0, 0, 0}, 1, NULL, 800},
        {{((uint64_t)1 << 52) - 4096000, UINT64_MAX, 1280, 800, 1280, 0, 0, 0}, 1, NULL, 800},
        {{((uint64_t)1 << 52) - 4095996, 4096000, 1280, 800, 1280, 0, 0, 0}, 1, "beyond any", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct boot_framebuffer fb = rows[i].fb;
        const char *why = framebuffer_accept(&fb, rows[i].format);
        CHECK_EQ(why == NULL, rows[i].why == NULL);
        CHECK(why == NULL || rows[i].why == NULL || strstr(why, rows[i].why) != NULL);
        CHECK(why != NULL || (fb.height == rows[i].height && fb.red_mask != 0 && fb.pitch == 1280));
        CHECK(why != NULL || fb.size == (uint64_t)5120 * rows[i].height);
    }
    TEST_END;
}

TEST("words.W words are whole or out")
{
    static const struct {
        const char *before, *bytes;
        size_t count, capacity;
        const char *after;
        enum words_end end;
    } rows[] = {
        {"", "", 0, 16, "", WORDS_ALL},
        {"", "  a=1\t\tb \r\n", 11, 16, "a=1 b", WORDS_ALL},
        {"x", "y", 1, 16, "x y", WORDS_ALL},
        {"", "a#b #c d\ne", 10, 16, "a#b e", WORDS_ALL},
        {"", "#\xc3\xa4\nk", 5, 16, "k", WORDS_ALL}, /* what a comment says is nobody's business */
        {"", "a b\xc3\xa4 c", 7, 16, "a", WORDS_NOT_ASCII},
        {"", "a\0b", 3, 16, "a", WORDS_ALL},
        {"", "abc def", 7, 8, "abc def", WORDS_ALL},
        {"", "abc defg", 8, 8, "abc", WORDS_FULL},
        {"", "abcdefgh", 8, 8, "", WORDS_FULL},
        {"abcdefg", "h", 1, 8, "abcdefg", WORDS_FULL},
        {"",
         "\xff\xfe"
         "a\0=\0"
         "1\0",
         8, 16, "a=1", WORDS_ALL},
        {"", "\xef\xbb\xbf", 3, 16, "", WORDS_ALL},
        {"", "x", 1, 1, "", WORDS_FULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = malloc(rows[i].capacity);
        uint8_t *bytes = malloc(rows[i].count + 1);
        memcpy(text, rows[i].before, strlen(rows[i].before) + 1);
        memcpy(bytes, rows[i].bytes, rows[i].count);
        CHECK_EQ(words_add_bytes(text, rows[i].capacity, bytes, rows[i].count), rows[i].end);
        CHECK_STR(text, rows[i].after);
        free(bytes);
        free(text);
    }
    TEST_END;
}

TEST("words the shell's program name is dropped")
{
    static const struct {
        const char *text, *after;
        size_t from;
    } rows[] = {{"m.efi", "", 0},
                {"m.efi a=1", "a=1", 0},
                {"z=1 \\X.EFI", "z=1", 3},
                {"z=1 \\X.EFI b", "z=1 b", 3},
                {"efi", "efi", 0},
                {"", "", 0},
                {"a=1 x.efi", "a=1 x.efi", 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s", rows[i].text);
        words_drop_program(text, rows[i].from);
        CHECK_STR(text, rows[i].after);
    }
    TEST_END;
}

TEST_SUITE(loader);

int main(void)
{
    return desk_suite_run(&loader_suite);
}
