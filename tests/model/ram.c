/* kernel/ram on the desk: SMBIOS tables made by hand for each rule of kernel/ram/smbios.h and slots.h, and
 * machines whose sums were worked out by hand for those of kernel/ram/ram.h.
 *
 * needs: kernel/log/format.c
 */
#include "kernel/ram/ram.c"
#include "kernel/ram/ram_tell.c"
#include "kernel/ram/slots.c"
#include "kernel/ram/smbios.c"

#include "tests/model/expect.h"
#include "tests/model/smbios_rig.h"

static struct slots s;

static const char *run(void)
{
    slots_read(&s, &dmi_view, DMI_ENTRY);
    return s.wrong;
}

/* Two modules of 8 GiB in four slots. */
static void plain(void)
{
    dmi_clear();
    dmi_array(0x1000, 3);
    dmi_slot(0x1100, 0x1000, 8192, 0, "DIMM A1", "BANK 0");
    dmi_slot(0x1101, 0x1000, 0, 0, "DIMM A2", "BANK 1");
    dmi_slot(0x1102, 0x1000, 8192, 0, "DIMM B1", "BANK 2");
    dmi_slot(0x1103, 0x1000, 0, 0, "DIMM B2", "BANK 3");
    dmi_end();
}

static bool is_plain(unsigned major, unsigned minor)
{
    return s.wrong == NULL && !s.broken && s.total == 4 && s.count == 4 && s.filled == 2 &&
           s.unknown == 0 && s.installed == 16 * GIB && s.major == major && s.minor == minor &&
           s.slot[2].size == 8 * GIB && s.slot[2].kind == 0x1A && s.slot[2].speed == 3200 &&
           strcmp(s.slot[2].place, "DIMM B1") == 0 && strcmp(s.slot[3].bank, "BANK 3") == 0;
}

static void both_entry_points(void)
{
    plain();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && is_plain(3, 4));
    plain();
    dmi_enter_2(dmi_count);
    EXPECT(run() == NULL && is_plain(2, 8));
    plain();
    unsigned char *p = dmi_enter_2(dmi_count);
    p[5] = 30; /* as some firmware has it */
    rig_sum(p, 31, 4);
    EXPECT(run() == NULL && is_plain(2, 8));
}

static void damaged_entry_points(void)
{
    for (unsigned kind = 2; kind <= 3; kind++) {
        unsigned size = kind == 2 ? 31 : 24;
        for (unsigned i = 0; i < size; i++) {
            plain();
            unsigned char *p = kind == 2 ? dmi_enter_2(dmi_count) : dmi_enter_3(dmi_size);
            p[i] ^= 0x40;
            EXPECT(run() != NULL && s.total == 0 && s.installed == 0);
        }
    }
    plain();
    slots_read(&s, &dmi_view, 0);
    EXPECT(strcmp(s.wrong, "the firmware gave none") == 0);
    EXPECT(run() == rig_nowhere);
    unsigned char *p = dmi_enter_2(dmi_count);
    p[21] ^= 1; /* the second half's sum; the whole is made right again */
    rig_sum(p, 31, 4);
    EXPECT(strcmp(run(), "its second half is damaged") == 0);
    plain();
    p = dmi_enter_3(dmi_size);
    p[6] = 23;
    rig_sum(p, 24, 5);
    EXPECT(strcmp(run(), "its length is out of range") == 0);
    plain();
    p = dmi_enter_3(0);
    EXPECT(strcmp(run(), "the table is empty") == 0);
}

/* The size is a limit: what lies beyond may be missing, and the end mark counts. */
static void limits(void)
{
    plain();
    dmi_enter_3(16 * MIB);
    EXPECT(run() == NULL && s.total <= 4);
    plain();
    dmi_enter_3(dmi_size - 1); /* the end mark can still be read */
    EXPECT(run() == NULL && is_plain(3, 4));
    plain();
    dmi_enter_3(dmi_size - 6); /* and now it cannot */
    EXPECT(run() == NULL && s.total == 4 && s.broken);
    plain();
    dmi_enter_2(3);
    EXPECT(run() == NULL && s.total == 2 && !s.broken);
    plain();
    dmi_slot(0x1104, 0x1000, 8192, 0, "behind the end", "");
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && is_plain(3, 4));
}

static void broken_structures(void)
{
    plain();
    size_t at = (size_t)(dmi_count >= 5 ? 17 : 0); /* the first slot */
    dmi_enter_3(dmi_size);
    for (unsigned length = 0; length < 256; length++) {
        rig_blocks[0].bytes[at + 1] = (unsigned char)length;
        EXPECT(run() == NULL && s.total <= 4 && s.installed <= 16 * GIB);
        EXPECT(length >= 4 || (s.broken && s.total == 0));
    }
    for (size_t cut = 4; cut < dmi_size; cut++) {
        plain();
        dmi_enter_3(cut);
        EXPECT(run() == NULL && s.total <= 4);
        EXPECT(s.broken || cut >= dmi_size - 2);
    }
}

/* Cut at each byte, a structure is not used, or has no field that it does not reach. */
static void short_structures(void)
{
    dmi_clear();
    dmi_slot(0x1100, 0x1000, 0x7FFF, 24576, "X", "Y");
    dmi_bytes[1] = 28; /* without the extended size */
    memmove(dmi_bytes + 28, dmi_bytes + 34, dmi_size - 34);
    dmi_size -= 6;
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && s.total == 1 && s.slot[0].size == 0 && s.slot[0].speed == 3200);
    EXPECT(strcmp(s.slot[0].place, "X") == 0 && strcmp(s.slot[0].bank, "Y") == 0);
    dmi_clear();
    dmi_add(17, 13, 0x1100);
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && s.total == 0 && !s.broken);
}

static void texts(void)
{
    dmi_clear();
    dmi_slot(1, 2, 1024, 0, "a \"quoted\" \x01 name that is longer than thirty characters", "  ");
    dmi_slot(3, 2, 1024, 0, "x", "y");
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && strcmp(s.slot[0].place, "a ?quoted? ? name that") == 0);
    EXPECT(strcmp(s.slot[0].bank, "") == 0);
    dmi_clear();
    dmi_add(17, 34, 1)[16] = 9; /* a number that no string has */
    dmi_string("one", true);
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && strcmp(s.slot[0].place, "") == 0 && strcmp(s.slot[0].bank, "") == 0);
}

static void sizes(void)
{
    dmi_clear();
    dmi_slot(1, 9, 512, 0, "MiB", "");
    dmi_slot(2, 9, 0x8000 | 640, 0, "KiB", "");
    dmi_slot(3, 9, 0x8000 | 3, 0, "less than a page", "");
    dmi_slot(4, 9, 0x7FFF, 65536, "extended", "");
    dmi_slot(5, 9, 0, 0, "empty", "");
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && s.total == 5 && s.filled == 3 && s.unknown == 0);
    EXPECT(s.slot[0].size == 512 * MIB && s.slot[1].size == 640 * KIB && s.slot[2].size == 0);
    EXPECT(s.slot[3].size == 64 * GIB && s.slot[4].size == 0);
    EXPECT(s.installed == 64 * GIB + 512 * MIB + 640 * KIB);
    dmi_clear();
    dmi_slot(1, 9, 0xFFFF, 0, "nobody knows", "");
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && s.filled == 1 && s.unknown == 1 && s.installed == 0);
}

/* I2. */
static void other_arrays(void)
{
    dmi_clear();
    dmi_slot(1, 0x20, 1024, 0, "before its array", "");
    dmi_array(0x20, 4);
    dmi_array(0x21, 3);
    dmi_slot(2, 0x20, 1024, 0, "video", "");
    dmi_slot(3, 0x21, 1024, 0, "system", "");
    dmi_slot(4, 0x22, 1024, 0, "of no array", "");
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && s.total == 2 && s.installed == 2 * GIB);
    EXPECT(strcmp(s.slot[0].place, "system") == 0 && strcmp(s.slot[1].place, "of no array") == 0);
}

static void many_slots(void)
{
    dmi_clear();
    for (unsigned i = 0; i < 300; i++)
        dmi_slot(i, 0x1000, 1024, 0, "S", "B");
    for (unsigned i = 0; i < 600; i++)
        dmi_address(20, 7, 0, 1023);
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && s.total == 300 && s.count == 128 && s.installed == 300 * GIB);
    EXPECT(s.range_count == 128 && s.lost_ranges == 472);
}

static void ranges(void)
{
    struct slot_range r;
    plain();
    dmi_size -= 6; /* the end mark */
    dmi_address(19, 0x1000, 0, 8 * MIB - 1);
    dmi_address(20, 0x1102, 4 * MIB, 8 * MIB - 1);
    dmi_far_address(20, 0x1102, TIB, TIB + GIB - 1);
    dmi_far_address(20, 0x1100, 5, 5);          /* nothing */
    dmi_far_address(20, 0x1100, 5, UINT64_MAX); /* all */
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && s.range_count == 3 && s.lost_ranges == 0);
    EXPECT(slots_range(&s, 2, 0, &r) && r.base == 4 * GIB && r.end == 8 * GIB && !r.of_array);
    EXPECT(slots_range(&s, 2, 1, &r) && r.base == TIB && r.end == TIB + GIB);
    EXPECT(!slots_range(&s, 2, 2, &r));
    EXPECT(!slots_range(&s, 0, 0, &r)); /* the array has two filled slots */
    dmi_clear();
    dmi_array(0x1000, 3);
    dmi_slot(1, 0x1000, 4096, 0, "A", "");
    dmi_slot(2, 0x1000, 0, 0, "B", "");
    dmi_far_address(19, 0x1000, 4 * GIB, 8 * GIB - 1);
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL && slots_range(&s, 0, 0, &r) && r.base == 4 * GIB && r.end == 8 * GIB);
    EXPECT(!slots_range(&s, 0, 1, &r));
}

/* ---- where the RAM is ---- */

static struct mem_region storage[64];
static struct memmap map;

/* Rows of base, end, type; the last one is empty. */
static void lay(const uint64_t (*rows)[3])
{
    memmap_init(&map, storage, ARRAY_LEN(storage));
    for (; (*rows)[0] != (*rows)[1]; rows++)
        if (memmap_add(&map, (*rows)[0], (*rows)[1] - (*rows)[0], (enum mem_type)(*rows)[2]) !=
            MM_OK)
            abort();
    if (memmap_normalize(&map) != MM_OK)
        abort();
}

/* A PC of 16 GiB: 2 GiB of addresses below 4 GiB are for devices. */
static const uint64_t pc[][3] = {
    {0, 0xA0000, MEM_USABLE},
    {0x100000, 0x70000000, MEM_USABLE},
    {0x70000000, 0x71000000, MEM_RESERVED}, /* among RAM */
    {0x71000000, 0x72000000, MEM_ACPI_NVS},
    {0x72000000, 0x73000000, MEM_RUNTIME},
    {0x73000000, 0x74000000, MEM_BOOT},
    {0x74000000, 0x7C000000, MEM_RESERVED}, /* touches RAM: 128 MiB of graphics memory */
    {0xE0000000, 0xF0000000, MEM_RESERVED}, /* PCI Express */
    {0xFED00000, 0xFED10000, MEM_MMIO},
    {0x100000000, 0x470000000, MEM_USABLE},
    {0x470000000, 0x47F000000, MEM_RESERVED},    /* touches RAM: 240 MiB */
    {0xFD00000000, 0x10000000000, MEM_RESERVED}, /* HyperTransport */
    {0, 0, 0}};

static void sums(void)
{
    struct ram r;
    plain();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL);
    lay(pc);
    ram_count(&r, &map, &s);
    EXPECT(r.known && r.installed == 16 * GIB);
    EXPECT(r.allocatable == 0x70000000 - MIB + 16 * MIB + 0x370000000);
    EXPECT(r.kept[MEM_RESERVED] == 0xA0000 + 16 * MIB + 128 * MIB + 240 * MIB);
    EXPECT(r.kept[MEM_ACPI_NVS] == 16 * MIB && r.kept[MEM_RUNTIME] == 16 * MIB);
    EXPECT(r.kept[MEM_MMIO] == 0 && r.kept[MEM_USABLE] == 0);
    EXPECT(r.mapped == 0x7C000000 - 0x60000 + 0x37F000000);
    EXPECT(r.low == 0x7C000000 - 0x60000 && r.high == 0x37F000000);
    EXPECT(r.low_gap == 0x84000000 + 0x60000 && r.remapped == r.low_gap);
    EXPECT(r.missing == 16 * GIB - r.mapped && r.surplus == 0);
    EXPECT(r.missing == 64 * MIB + 16 * MIB + 0x60000);
}

/* The borders of the rule for reserved memory. */
static void reserved_memory(void)
{
    struct ram r;
    const uint64_t rows[][3] = {{MIB, GIB, MEM_USABLE},
                                {GIB, GIB + 256 * MIB, MEM_RESERVED}, /* too large */
                                {5 * GIB, 6 * GIB, MEM_USABLE},
                                {5 * GIB - 128 * MIB, 5 * GIB, MEM_RESERVED},
                                {6 * GIB + 4096, 6 * GIB + 8192, MEM_RESERVED}, /* does not touch */
                                {0, 0, 0}};
    lay(rows);
    ram_count(&r, &map, &s);
    EXPECT(r.kept[MEM_RESERVED] == 128 * MIB && r.low == GIB - MIB);
    const uint64_t less[][3] = {
        {MIB, GIB, MEM_USABLE}, {GIB, GIB + 256 * MIB - 4096, MEM_RESERVED}, {0, 0, 0}};
    lay(less);
    ram_count(&r, &map, &s);
    EXPECT(r.kept[MEM_RESERVED] == 256 * MIB - 4096 && r.remapped == 0 && r.high == 0);
    /* One region of reserved memory, whoever owns its parts. */
    EXPECT(memmap_reserve(&map, GIB, 64 * MIB, "somebody") == MM_OK);
    ram_count(&r, &map, &s);
    EXPECT(r.kept[MEM_RESERVED] == 256 * MIB - 4096);
    /* Runtime services in flash memory make no RAM of what lies below. */
    const uint64_t flash[][3] = {{MIB, GIB, MEM_USABLE},
                                 {0xE0000000, 0xF0000000, MEM_RESERVED},
                                 {0xFFE00000, 0x100000000, MEM_RUNTIME},
                                 {0, 0, 0}};
    lay(flash);
    ram_count(&r, &map, &s);
    EXPECT(r.kept[MEM_RESERVED] == 0 && r.kept[MEM_RUNTIME] == 2 * MIB);
    /* RAM that crosses 4 GiB, and a map without RAM. */
    const uint64_t across[][3] = {{3 * GIB, 5 * GIB, MEM_USABLE}, {0, 0, 0}};
    lay(across);
    ram_count(&r, &map, &s);
    EXPECT(r.low == GIB && r.high == GIB && r.remapped == GIB && r.low_gap == 3 * GIB);
    const uint64_t none[][3] = {{0, 0, 0}};
    lay(none);
    ram_count(&r, &map, &s);
    EXPECT(r.mapped == 0 && r.low_gap == 4 * GIB && r.remapped == 0);
}

/* ---- in words ---- */

static char said[65536];

static void hear(void *ctx, const char *line)
{
    UNUSED(ctx);
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", line);
}

static void tell(void)
{
    struct ram r;
    ram_count(&r, &map, &s);
    said[0] = '\0';
    ram_tell(&r, &map, &s, hear, NULL);
}

static void words(void)
{
    plain();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL);
    lay(pc);
    tell();
    EXPECT(strcmp(said, "slot 0 \"DIMM A1\" \"BANK 0\": 2097152 pages, 8.0 GiB, DDR4, 3200 MT/s\n"
                        "slot 1 \"DIMM A2\" \"BANK 1\": empty\n"
                        "slot 2 \"DIMM B1\" \"BANK 2\": 2097152 pages, 8.0 GiB, DDR4, 3200 MT/s\n"
                        "slot 3 \"DIMM B2\" \"BANK 3\": empty\n"
                        "installed 4194304 pages, 16.0 GiB, in 2 of 4 slots\n"
                        "mapped 4173728 pages, 15.9 GiB\n"
                        "for the page allocator 4067072 pages, 15.5 GiB\n"
                        "kept by the firmware, ACPI NVS, 4096 pages, 16.0 MiB\n"
                        "kept by the firmware, runtime services, 4096 pages, 16.0 MiB\n"
                        "kept by the firmware, reserved, 98464 pages, 384.6 MiB\n"
                        "missing 20576 pages, 80.3 MiB\n"
                        "no RAM below 4 GiB 540768 pages, 2.0 GiB\n"
                        "remapped above 4 GiB 540768 pages, 2.0 GiB\n"
                        "less than a module is missing: memory for graphics, for SMM or for the "
                        "firmware itself, which its map does not list\n") == 0);
    lay((const uint64_t[][3]){{MIB, GIB, MEM_USABLE}, {0, 0, 0}});
    tell();
    EXPECT(strstr(said, "\nas much as a whole module is missing: ") != NULL);
    lay((const uint64_t[][3]){{MIB, 32 * GIB, MEM_USABLE}, {0, 0, 0}});
    tell();
    EXPECT(strstr(said, "\nin the map and in no slot 4194048 pages, 15.9 GiB\n") != NULL);
    EXPECT(strstr(said, "missing") == NULL);
    EXPECT(memmap_retire(&map, 2 * GIB, 8192) == MM_OK);
    tell();
    EXPECT(strstr(said, "\nfor the page allocator 8388350 pages, 31.9 GiB\n"
                        "kept from use, bad, 2 pages, 8.0 KiB\n") != NULL);
}

static void words_for_less(void)
{
    lay(pc);
    slots_read(&s, &dmi_view, 0);
    tell();
    EXPECT(strncmp(said, "what is installed is not known: the SMBIOS: the firmware gave none\n",
                   67) == 0);
    EXPECT(strstr(said, "missing") == NULL && strstr(said, "\nfor the page allocator ") != NULL);
    dmi_clear();
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL);
    tell();
    EXPECT(strstr(said, "the SMBIOS: it tells of no filled slot\n") != NULL);
    dmi_clear();
    dmi_slot(1, 9, 0xFFFF, 0, "A", "");
    dmi_slot(2, 9, 1024, 0, "B", "");
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL);
    tell();
    EXPECT(strstr(said, "slot 0 \"A\" \"\": a module of unknown size, DDR4\n") != NULL);
    EXPECT(strstr(said, "the SMBIOS: it does not tell the size of every module\n") != NULL);
    plain();
    dmi_enter_3(dmi_size - 6);
    EXPECT(run() == NULL);
    tell();
    EXPECT(strstr(said, "the SMBIOS: it ends before its last structure\n") != NULL);
    many_slots();
    tell();
    EXPECT(strstr(said, "\n172 more slots hold 45088768 pages, 172.0 GiB\n") != NULL);
    EXPECT(strstr(said, "\n472 more address ranges of slots are not kept\n") != NULL);
}

/* A module that is installed, and of which the map has nothing. */
static void lacking_slots(void)
{
    plain();
    dmi_size -= 6;
    dmi_far_address(20, 0x1100, 0, 8 * GIB - 1);
    dmi_far_address(20, 0x1102, 32 * GIB, 40 * GIB - 1);
    dmi_end();
    dmi_enter_3(dmi_size);
    EXPECT(run() == NULL);
    lay((const uint64_t[][3]){{MIB, 2 * GIB, MEM_USABLE},
                              {4 * GIB, 10 * GIB, MEM_USABLE},
                              {32 * GIB, 40 * GIB, MEM_RESERVED},
                              {0, 0, 0}});
    EXPECT(!ram_lacks_slot(&map, &s, 0) && ram_lacks_slot(&map, &s, 2));
    tell();
    EXPECT(strstr(said, "slot 0 at 0x0000000000000000 0x0000000200000000\n") != NULL);
    EXPECT(strstr(said, "slot 2 is filled, and nothing of its module is in the map\n") != NULL);
    EXPECT(strstr(said, "slot 0 is filled") == NULL && strstr(said, "a whole module") == NULL);
}

int main(void)
{
    expect_run("smbios.D2 both kinds of entry point lead to the table", both_entry_points);
    expect_run("smbios.D2 any byte of an entry point changed is seen", damaged_entry_points);
    expect_run("smbios.D3 the table ends at its mark, its size or its count", limits);
    expect_run("smbios.D3 a structure that does not fit ends the table, and that is told",
               broken_structures);
    expect_run("smbios.D4 a field beyond a structure's length is not there", short_structures);
    expect_run("smbios.D4 texts are printable, short and without quotation marks", texts);
    expect_run("slots.I1 sizes in KiB and MiB and extended ones add up", sizes);
    expect_run("slots.I1 slots and ranges beyond the room are counted", many_slots);
    expect_run("slots.I2 memory of video, flash and caches is not counted", other_arrays);
    expect_run("slots.addresses are those of the slot, or of an array with one module", ranges);
    expect_run("ram.W1 to W4 on a PC of 16 GiB, worked out by hand", sums);
    expect_run("ram.reserved memory counts as RAM by where it lies", reserved_memory);
    expect_run("ram.the block says it in words", words);
    expect_run("ram.what is not known is said with its reason", words_for_less);
    expect_run("ram.a slot whose addresses the map lacks is named", lacking_slots);
    return expect_total();
}
