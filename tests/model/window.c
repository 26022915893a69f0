/* kernel/memory/window.c on the desk: small machines against the rules V1 to V3, block by block.
 *
 * needs: kernel/log/format.c
 */
#include "hal/short.h"
#include "kernel/memory/window.c"

#include "tests/model/expect.h"

#include <stdlib.h>
#include <string.h>

#define TEXT 20000u

static char log_text[TEXT];

void log_line(const char *topic, const char *format, const union log_arg *args, size_t count)
{
    struct format_line l = {.used = 0};
    format_add(&l, format, args, count);
    if (strlen(log_text) + l.used + 100 < TEXT)
        snprintf(log_text + strlen(log_text), l.used + 50, "%s: %.*s\n", topic, (int)l.used,
                 l.text);
}

static struct mem_region storage[2600];
static struct memmap map;

static void start(size_t slots)
{
    log_text[0] = '\0';
    memmap_init(&map, storage, slots);
}

static void add(hal_paddr_t base, hal_paddr_t end, enum mem_type type)
{
    if (memmap_add(&map, base, end - base, type) != MM_OK)
        abort();
}

static void normalize(void)
{
    if (memmap_normalize(&map) != MM_OK)
        abort();
}

static uint64_t windows(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < map.count; i++)
        sum += map.regions[i].type == MEM_HOTPLUG ? map.regions[i].size : 0;
    return sum;
}

static bool says(const char *text)
{
    return strstr(log_text, text) != NULL;
}

/* Blocks from 3 GiB on; RAM, a device, or nothing, in any mixture, and a claim that begins and ends anywhere:
 * from 4 GiB on, or behind the RAM, a block is a window if all of it is claimed and was a hole, and if
 * not as many were taken already. */
#define BLOCKS 1024u
#define FIRST  (3 * GIB)

static enum mem_type was[BLOCKS + 1];

static void random_machine(void)
{
    static const enum mem_type types[] = {MEM_USABLE, MEM_MMIO, MEM_NONE, MEM_NONE, MEM_BOOT};
    memset(was, 0, sizeof was);
    unsigned top = (unsigned)rand() % BLOCKS;
    for (unsigned i = 0; i < top;) {
        unsigned length = 1 + (unsigned)rand() % 60;
        enum mem_type type = types[(unsigned)rand() % ARRAY_LEN(types)];
        for (; length > 0 && i < top; length--)
            was[i++] = type;
    }
    start(ARRAY_LEN(storage));
    add(MIB, 3 * MIB, MEM_USABLE);
    for (unsigned i = 0; i < BLOCKS; i++)
        if (was[i] != MEM_NONE)
            add(FIRST + i * BLOCK, FIRST + (i + 1) * BLOCK, was[i]);
    normalize();
}

static bool right(hal_paddr_t base, hal_paddr_t end)
{
    uint64_t ram = 2 * MIB, taken = 0;
    hal_paddr_t from = 3 * MIB;
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (was[i] != MEM_USABLE && was[i] != MEM_BOOT)
            continue;
        ram += BLOCK;
        from = FIRST + (i + 1) * BLOCK;
    }
    from = from > 4 * GIB ? 4 * GIB : from;
    for (unsigned i = 0; i < BLOCKS; i++) {
        hal_paddr_t at = FIRST + i * BLOCK;
        bool wanted = was[i] == MEM_NONE && at >= from && at >= base && at + BLOCK <= end;
        wanted = wanted && taken + BLOCK <= WINDOW_TIMES * ram;
        taken += wanted ? BLOCK : 0;
        for (hal_paddr_t page = at; page < at + BLOCK; page += BLOCK / 2) {
            const struct mem_region *r = memmap_find(&map, page);
            enum mem_type now = r != NULL ? r->type : MEM_NONE;
            if (now != (wanted ? MEM_HOTPLUG : was[i]))
                return false;
        }
    }
    return taken == windows() && memmap_check(&map) == NULL;
}

static void any_claim(void)
{
    srand(41);
    for (unsigned round = 0; round < 3000; round++) {
        random_machine();
        hal_paddr_t base = FIRST - 8 * MIB + (hal_paddr_t)rand() % (BLOCKS * BLOCK);
        hal_paddr_t end = base + 1 + (hal_paddr_t)rand() % (BLOCKS * BLOCK);
        end = end > FIRST + BLOCKS * BLOCK ? FIRST + BLOCKS * BLOCK : end;
        window_open(&map, base, end > base ? end - base : 0, 0);
        expect_case(right(base, end));
        window_open(&map, base, end > base ? end - base : 0, 0); /* again: nothing is new */
        expect_case(right(base, end));
    }
}

/* 512 MiB of RAM, and QEMU's window of 1 TiB: 16 GiB are kept. A second claim gets nothing more. */
static void a_claim_that_is_too_large(void)
{
    start(100);
    add(MIB, 513 * MIB, MEM_USABLE);
    normalize();
    window_open(&map, 4 * GIB, TIB, 0);
    EXPECT(windows() == 16 * GIB && memmap_find(&map, 20 * GIB) == NULL);
    EXPECT(says(
        "window: 0x0000000100000000 0x0000000500000000, 16.0 GiB: memory may be added here\n"));
    EXPECT(says("window: 0x0000000500000000 0x0000010100000000, 1008.0 GiB, is left a hole: "
                "windows are at most 32"));
    window_open(&map, 4 * TIB, GIB, 0);
    EXPECT(windows() == 16 * GIB &&
           says("0x0000040000000000 0x0000040040000000, 1.0 GiB, is left a hole"));
}

static void beyond_what_can_be_reached(void)
{
    start(100);
    add(MIB, 8 * GIB, MEM_USABLE);
    normalize();
    window_open(&map, SPACE_DIRECT_SIZE - GIB, 2 * GIB, 0);
    EXPECT(windows() == GIB && mem_region_end(&map.regions[map.count - 1]) == SPACE_DIRECT_SIZE);
    EXPECT(says("1.0 GiB, is left a hole: this kernel cannot reach it"));
    start(100);
    memmap_set_width(&map, 36); /* a CPU of 64 GiB */
    add(MIB, 8 * GIB, MEM_USABLE);
    normalize();
    window_open(&map, 60 * GIB, 8 * GIB, 0);
    window_open(&map, 70 * GIB, GIB, 0);
    EXPECT(windows() == 4 * GIB && says("0x0000001180000000 0x00000011c0000000, 1.0 GiB, is left"));
}

static void slots_are_left(void)
{
    start(20);
    add(MIB, GIB, MEM_USABLE);
    normalize();
    window_open(&map, 4 * GIB, GIB, 19);
    EXPECT(windows() == 0 && says("the memory map has no room for more"));
    window_open(&map, 4 * GIB, GIB, 18);
    EXPECT(windows() == GIB);
}

int main(void)
{
    expect_run("V1 a window is whole blocks of holes above the RAM or 4 GiB, whatever is claimed",
               any_claim);
    expect_run("V2 a claim of 1 TiB gets windows of 32 times the RAM, and the log says so",
               a_claim_that_is_too_large);
    expect_run("V3 what the CPU or the direct map cannot reach is no window",
               beyond_what_can_be_reached);
    expect_run("slots of the map are left for others", slots_are_left);
    return expect_total();
}
