/* kernel/memory/unfit.c on the desk, against page by page; the CPU and the machine are this file's. And
 * which machines have the graphics that spoil RAM (hal/x86_64/pc/spoilt.c), with the map of one.
 *
 * needs: kernel/log/format.c hal/any/caching_run.c
 */
#include "hal/short.h"
#include "kernel/memory/unfit.c"
#include "hal/x86_64/pc/spoilt.c"

#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

static char log_text[20000];

void log_line(const char *topic, const char *format, const union log_arg *args, size_t count)
{
    struct format_line l = {.used = 0};
    format_add(&l, format, args, count);
    if (strlen(log_text) + l.used + 100 < sizeof log_text)
        snprintf(log_text + strlen(log_text), l.used + 50, "%s: %.*s\n", topic, (int)l.used,
                 l.text);
}

/* ---- the CPU: a kind for each of some pages, the last for all beyond ---- */

#define PAGES 300u

static const char *const kinds[3] = {"write-back", "uncached", "write-through"};
static uint8_t kind_of[PAGES];
static hal_paddr_t first_page; /* of the array */

static uint8_t kind_at(hal_paddr_t at)
{
    uint64_t page = at < first_page ? 0 : (at - first_page) / HAL_PAGE_SIZE;
    return kind_of[page < PAGES ? page : PAGES - 1];
}

struct cpu_caching cpu_caching(hal_paddr_t at, hal_paddr_t *until)
{
    uint8_t kind = kind_at(at);
    *until = hal_align_down(at, HAL_PAGE_SIZE) + HAL_PAGE_SIZE;
    while (*until < first_page + PAGES * HAL_PAGE_SIZE && kind_at(*until) == kind)
        *until += HAL_PAGE_SIZE;
    if (*until >= first_page + PAGES * HAL_PAGE_SIZE)
        *until = UINT64_MAX;
    return (struct cpu_caching){kinds[kind], kind == 0};
}

static uint32_t graphics_id;

uint32_t machine_read_pci(unsigned device, unsigned function, unsigned offset)
{
    return device == 2 && function == 0 && offset == 0 ? graphics_id : 0xFFFFFFFFu;
}

/* ---- maps ---- */

static struct mem_region storage[700];
static struct memmap map, before;
static struct mem_region kept[700];

static void start(size_t slots)
{
    memmap_init(&map, storage, slots);
    memset(kind_of, 0, sizeof kind_of);
    first_page = MIB;
    graphics_id = 0xFFFFFFFFu;
    log_text[0] = '\0';
}

static void add(hal_paddr_t base, hal_paddr_t end, enum mem_type type)
{
    if (memmap_add(&map, base, end - base, type) != MM_OK)
        abort();
}

static void own(hal_paddr_t base, uint64_t size)
{
    if (memmap_reserve(&map, base, size, "somebody") != MM_OK)
        abort();
}

static void normalize(void)
{
    if (memmap_normalize(&map) != MM_OK)
        abort();
}

static void run_it(size_t spare)
{
    memcpy(kept, storage, sizeof kept);
    before = map;
    before.regions = kept;
    unfit_reserve(&map, spare);
}

/* Each page of [from, to): a free one that is unfit has the label now, all else is as it was. */
static bool right(hal_paddr_t from, hal_paddr_t to, bool (*unfit)(hal_paddr_t), const char *label)
{
    bool good = memmap_check(&map) == NULL;
    for (hal_paddr_t at = from; at < to; at += HAL_PAGE_SIZE) {
        const struct mem_region *old = memmap_find(&before, at), *now = memmap_find(&map, at);
        if (old == NULL || now == NULL) {
            good &= old == now;
            continue;
        }
        bool taken = is_free(old) && unfit(at);
        good &= now->type == old->type;
        good &=
            taken ? now->label != NULL && strcmp(now->label, label) == 0 : now->label == old->label;
    }
    return good;
}

static bool is_uncached(hal_paddr_t at)
{
    return kind_at(at) != 0;
}

static bool nothing(hal_paddr_t at)
{
    UNUSED(at);
    return false;
}

static void random_map(void)
{
    static const enum mem_type types[] = {MEM_USABLE,  MEM_USABLE, MEM_BOOT, MEM_LOADER,
                                          MEM_RUNTIME, MEM_MMIO,   MEM_NONE};
    for (uint64_t page = 0; page < PAGES - 20;) {
        uint64_t length = 1 + (uint64_t)rand() % 20;
        enum mem_type type = types[(unsigned)rand() % ARRAY_LEN(types)];
        if (type != MEM_NONE)
            add(MIB + page * HAL_PAGE_SIZE, MIB + (page + length) * HAL_PAGE_SIZE, type);
        page += length;
    }
    normalize();
    for (unsigned i = 0; i < 5; i++)
        (void)!memmap_reserve(&map, MIB + (uint64_t)rand() % PAGES * HAL_PAGE_SIZE, HAL_PAGE_SIZE,
                              "somebody");
}

static void ram_that_is_not_write_back(void)
{
    srand(37);
    for (unsigned round = 0; round < 500; round++) {
        start(ARRAY_LEN(storage));
        random_map();
        unsigned share = 2 + (unsigned)rand() % 12;
        for (unsigned i = 0; i < PAGES - 1; i++)
            kind_of[i] = (uint8_t)((unsigned)rand() % share == 0 ? 1 + rand() % 2 : 0);
        uint64_t good = 0, bad = 0;
        for (hal_paddr_t at = MIB; at < MIB + PAGES * HAL_PAGE_SIZE; at += HAL_PAGE_SIZE) {
            const struct mem_region *r = memmap_find(&map, at);
            bool free = r != NULL && is_free(r);
            good += free && kind_at(at) == 0;
            bad += free && kind_at(at) != 0;
        }
        run_it(100);
        bool believed = bad <= good;
        expect_case(right(MIB, MIB + PAGES * HAL_PAGE_SIZE, believed ? is_uncached : nothing,
                          "not write-back"));
        expect_case((strstr(log_text, "not believed") != NULL) == !believed);
    }
}

static void most_of_it_is_not_believed(void)
{
    for (unsigned share = 0; share < 3; share++) { /* less than half, half, more */
        start(ARRAY_LEN(storage));
        add(MIB, MIB + 100 * HAL_PAGE_SIZE, MEM_USABLE);
        normalize();
        memset(kind_of, 1, 49 + share);
        run_it(100);
        EXPECT((strstr(log_text, "not believed") != NULL) == (share == 2));
        EXPECT(right(MIB, MIB + 200 * HAL_PAGE_SIZE, share < 2 ? is_uncached : nothing,
                     "not write-back"));
    }
}

/* Slots run out: the rest is used, and told; what others will need stays. */
static void slots_are_left(void)
{
    start(140);
    add(MIB, MIB + 2 * 60 * HAL_PAGE_SIZE, MEM_USABLE);
    normalize();
    for (unsigned i = 0; i < 120; i += 3)
        kind_of[i] = 1;
    run_it(100);
    EXPECT(map.capacity - map.count >= 100 && map.capacity - map.count < 103);
    EXPECT(memmap_check(&map) == NULL);
    uint64_t labelled = 0;
    for (size_t i = 0; i < map.count; i++)
        labelled += map.regions[i].label != NULL ? map.regions[i].size / HAL_PAGE_SIZE : 0;
    char want[100];
    snprintf(want, sizeof want, "reserve: %u more pages are unfit and used",
             (unsigned)(40 - labelled));
    EXPECT(labelled > 15 && labelled < 40 && strstr(log_text, want) != NULL);
}

static void how_memory_is_cached_is_told(void)
{
    start(ARRAY_LEN(storage));
    add(MIB, 2 * MIB, MEM_USABLE);
    add(3 * MIB, 4 * MIB, MEM_ACPI_NVS);
    add(4 * GIB, 5 * GIB, MEM_MMIO);
    normalize();
    memset(kind_of + 10, 2, 5);
    run_it(100);
    EXPECT(strstr(log_text,
                  "caching: 0x0000000000100000 0x000000000010a000 write-back\n"
                  "caching: 0x000000000010a000 0x000000000010f000 write-through\n"
                  "caching: 0x000000000010f000 0x0000000000400000 write-back\n"
                  "reserve: not write-back 0x000000000010a000 0x000000000010f000, 5 pages\n") ==
           log_text);
    start(ARRAY_LEN(storage));
    add(MIB, 2 * MIB, MEM_USABLE);
    normalize();
    for (unsigned i = 0; i < 256; i += 4)
        kind_of[i] = 1;
    run_it(100);
    EXPECT(strstr(log_text, "caching: and more ranges from 0x0000000000140000 on\n") != NULL);
}

/* ---- Sandy Bridge ---- */

/* Written down from the public record (a row of tests/data/maps was seen to lack it). */
static bool of_graphics(hal_paddr_t at)
{
    return at == 0x20050000 || at == 0x20110000 || at == 0x20130000 || at == 0x20138000 ||
           at == 0x40004000;
}

static void which_graphics(void)
{
    static const uint32_t spoils[] = {0x0102, 0x0112, 0x0122, 0x0106, 0x0116, 0x0126, 0x010A};
    uint64_t found = 0;
    for (uint32_t device = 0; device < 0x10000; device++) {
        graphics_id = device << 16 | 0x8086;
        bool listed = false;
        for (size_t i = 0; i < ARRAY_LEN(spoils); i++)
            listed |= device == spoils[i];
        unsigned ranges = 0;
        while (machine_spoilt(ranges).size != 0)
            ranges++;
        EXPECT(ranges == (listed ? 5 : 0));
        found += ranges;
        graphics_id = device << 16 | 0x1022;
        EXPECT(machine_spoilt(0).size == 0);
    }
    EXPECT(found == 35);
}

static void pages_of_the_graphics(void)
{
    for (unsigned with = 0; with < 2; with++) {
        start(ARRAY_LEN(storage));
        add(MIB, 0x20110000, MEM_USABLE);
        add(0x20110000, 0x20130000, MEM_BOOT);
        add(0x20130000, 0x20200000, MEM_RESERVED); /* two pages that this firmware knows */
        add(0x20200000, 0x50000000, MEM_USABLE);
        normalize();
        own(0x40004000, HAL_PAGE_SIZE); /* somebody was faster */
        graphics_id = with != 0 ? 0x01268086 : 0x01668086;
        run_it(100);
        EXPECT(right(0x20000000, 0x20300000, with != 0 ? of_graphics : nothing,
                     "Sandy Bridge graphics"));
        EXPECT(right(0x40000000, 0x40010000, nothing, ""));
        EXPECT((strstr(log_text,
                       "Sandy Bridge graphics 0x0000000020050000 0x0000000020051000, 1 pages") !=
                NULL) == (with != 0));
    }
}

/* Three of them lie in no region, before one, behind the last. */
static void pages_that_are_no_ram(void)
{
    start(ARRAY_LEN(storage));
    add(MIB, 0x20050000, MEM_USABLE);
    add(0x20060000, 0x20130000, MEM_USABLE);
    normalize();
    graphics_id = 0x01028086;
    run_it(100);
    EXPECT(right(0x20000000, 0x20200000, of_graphics, "Sandy Bridge graphics"));
    EXPECT(strstr(strstr(log_text, "Sandy Bridge") + 1, "Sandy Bridge") == NULL && map.count == 4);
    EXPECT(strstr(log_text, "used all the same") == NULL);
}

/* From the top of the sources, or from a folder a little below. */
static FILE *open_map(const char *name)
{
    static const char *const up[] = {"", "../", "../../"};
    FILE *f = NULL;
    for (size_t i = 0; f == NULL && i < ARRAY_LEN(up); i++) {
        char path[100];
        snprintf(path, sizeof path, "%stests/data/maps/%s.map", up[i], name);
        f = fopen(path, "r");
    }
    return f;
}

/* A firmware that hands all five out. */
static void a_machine_that_has_them(void)
{
    char line[200];
    uint64_t type, base, end, owned = 0;
    start(ARRAY_LEN(storage));
    FILE *f = open_map("ami-v210-sandybridge-16g-lowbs");
    if (!EXPECT(f != NULL))
        return;
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%" SCNu64 " %" SCNi64 " %" SCNi64, &type, &base, &end) == 3 &&
            memmap_add_uefi(&map, base, end - base, (uint32_t)type, 0xF) != MM_OK)
            abort();
    fclose(f);
    normalize();
    graphics_id = 0x01168086;
    run_it(100);
    for (size_t i = 0; i < map.count; i++)
        if (map.regions[i].label != NULL) {
            EXPECT(of_graphics(map.regions[i].base) && map.regions[i].size == HAL_PAGE_SIZE);
            owned++;
        }
    EXPECT(owned == 5);
}

int main(void)
{
    expect_run("free RAM that is not write-back gets an owner, page by page",
               ram_that_is_not_write_back);
    expect_run("where most of it would be, the CPU is not believed", most_of_it_is_not_believed);
    expect_run("slots for those to come are left, and what is used all the same is told",
               slots_are_left);
    expect_run("how memory is cached is told, as far as there is RAM",
               how_memory_is_cached_is_told);
    expect_run("the graphics that spoil RAM are known by maker and device", which_graphics);
    expect_run("the pages that they spoil get an owner, unless they have one",
               pages_of_the_graphics);
    expect_run("pages that they spoil where there is no RAM are left alone", pages_that_are_no_ram);
    expect_run("a machine whose firmware offers all five pages", a_machine_that_has_them);
    return expect_total();
}
