/* kernel/memory/bad.c on the desk: which pages that the user calls bad become so, page by page, and what
 * is said of the others.
 *
 * needs: kernel/log/format.c kernel/options.c
 */
#include "hal/short.h"
#include "kernel/memory/bad.c"
#include "tests/model/expect.h"

#include <string.h>

static char log_text[20000];

static void tell_line(void *ctx, const char *line)
{
    size_t used = strlen(log_text);
    EXPECT(ctx == log_text);
    if (used + strlen(line) + 50 < sizeof log_text)
        snprintf(log_text + used, sizeof log_text - used, "bad: %s\n", line);
}

static struct mem_region storage[64];
static struct memmap map;

/* A hole, free RAM, the image in it, the firmware's memory, a device. */
static void make(void)
{
    log_text[0] = '\0';
    memmap_init(&map, storage, ARRAY_LEN(storage));
    EXPECT(memmap_add(&map, 2 * MIB, 2 * MIB, MEM_USABLE) == MM_OK);
    EXPECT(memmap_add(&map, 4 * MIB, MIB, MEM_BOOT) == MM_OK);
    EXPECT(memmap_add(&map, 5 * MIB, MIB, MEM_RUNTIME) == MM_OK);
    EXPECT(memmap_add(&map, 8 * MIB, MIB, MEM_MMIO) == MM_OK);
    EXPECT(memmap_normalize(&map) == MM_OK);
    EXPECT(memmap_reserve(&map, 3 * MIB, MIB, "kernel image") == MM_OK);
}

static void reserve(const char *words, size_t spare)
{
    bad_reserve(&map, words, strlen(words), spare, tell_line, log_text);
    EXPECT(memmap_check(&map) == NULL);
}

static void each_page(void)
{
    for (hal_paddr_t at = MIB; at < 10 * MIB; at += 17 * HAL_PAGE_SIZE) {
        char words[64];
        make();
        snprintf(words, sizeof words, "bad=0x%" PRIx64, at + 5);
        const struct mem_region *r = memmap_find(&map, at);
        bool usable = r != NULL && r->label == NULL && mem_type_is_allocatable(r->type);
        size_t before = map.count;
        reserve(words, 0);
        r = memmap_find(&map, at);
        EXPECT(usable == (r != NULL && r->type == MEM_BAD));
        EXPECT(!usable || (r->base == at && r->size == HAL_PAGE_SIZE));
        EXPECT(usable || map.count == before);
        EXPECT((strstr(log_text, "1 pages kept from use") != NULL) == usable);
        EXPECT((strstr(log_text, "cannot be kept") != NULL) != usable);
    }
}

static void a_range_piece_by_piece(void)
{
    make();
    reserve("menu=off bad=0x1ff000-0x8fffff bad=0x250000 bad=0x400000", 0);
    static const char told[] =
        "bad: 0x00000000001ff000 0x0000000000200000 cannot be kept from use: no memory\n"
        "bad: 0x0000000000200000 0x0000000000300000, 256 pages kept from use\n"
        "bad: 0x0000000000300000 0x0000000000400000 cannot be kept from use: kernel image\n"
        "bad: 0x0000000000400000 0x0000000000500000, 256 pages kept from use\n"
        "bad: 0x0000000000500000 0x0000000000600000 cannot be kept from use: runtime services\n"
        "bad: 0x0000000000600000 0x0000000000800000 cannot be kept from use: no memory\n"
        "bad: 0x0000000000800000 0x0000000000900000 cannot be kept from use: device\n";
    EXPECT(strcmp(log_text, told) == 0);
}

static void behind_all_memory(void)
{
    make();
    reserve("bad=0x900000-0xfffffffffffff", 0);
    EXPECT(strcmp(log_text, "bad: 0x0000000000900000 0x0010000000000000 cannot be kept from use: "
                            "no memory\n") == 0);
}

static void slots_are_left(void)
{
    make();
    size_t spare = map.capacity - map.count - 3;
    reserve("bad=0x210000 bad=0x220000", spare);
    EXPECT(memmap_find(&map, 0x210000)->type == MEM_BAD);
    EXPECT(memmap_find(&map, 0x220000)->type == MEM_USABLE);
    EXPECT(strstr(log_text, "cannot be kept from use: there are too many bad pages") != NULL);
    EXPECT(map.capacity - map.count >= spare);
}

int main(void)
{
    expect_run("pages that would be used become bad, no other, and each is told", each_page);
    expect_run("a range that runs through everything is told piece by piece",
               a_range_piece_by_piece);
    expect_run("what lies behind all memory is none", behind_all_memory);
    expect_run("slots for those to come are left, and what stays in use is told", slots_are_left);
    return expect_total();
}
