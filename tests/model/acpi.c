/* kernel/machine/acpi.c on the desk: hand-made tables for each rule of kernel/machine/acpi.h, and tables that QEMU
 * makes (tests/data/acpi), of which the expectations are what QEMU was asked for. */
#include "hal/short.h"
#include "kernel/machine/acpi.c"
#include "kernel/machine/acpi_power.c"
#include "kernel/machine/acpi_table.c"
#include "kernel/machine/acpi_topology.c"
#include "kernel/machine/hmat/hmat.c"
#include "kernel/machine/tree/cpu_list.c"
#include "kernel/machine/rsdp.c"

#include "tests/model/acpi_rig.h"
#include "tests/model/expect.h"

static struct acpi acpi;

struct told {
    char signature[5];
    uint64_t at;
    uint32_t times;
    char wrong[80];
};
static struct told told[200];
static size_t told_count;

static void hear(void *ctx, const unsigned char *header, hal_paddr_t at, const char *wrong,
                 uint32_t times)
{
    UNUSED(ctx);
    if (told_count == ARRAY_LEN(told))
        abort();
    struct told *t = &told[told_count++];
    *t = (struct told){.at = at, .times = times};
    if (header != NULL)
        memcpy(t->signature, header, 4);
    snprintf(t->wrong, sizeof t->wrong, "%s", wrong != NULL ? wrong : "");
}

static const char *run(void)
{
    told_count = 0;
    return acpi_read(&acpi, &rig_view, RIG_RSDP, hear, NULL);
}

/* How often something was told whose text holds `text`. */
static size_t heard(const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < told_count; i++)
        n += told[i].wrong[0] != '\0' && strstr(told[i].wrong, text) != NULL;
    return n;
}

/* And how often that was met, by its one line. */
static size_t heard_times(const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < told_count; i++)
        if (told[i].wrong[0] != '\0' && strstr(told[i].wrong, text) != NULL)
            n += told[i].times;
    return heard(text) == 1 ? n : 0;
}

static const uint64_t first[1] = {RIG_FIRST};

/* One table behind a sound XSDT; its bytes from 36 on are `body`. */
static unsigned char *alone(const char *signature, unsigned revision, const void *body, size_t size)
{
    rig_clear();
    rig_root(2, RIG_XSDT, 0);
    rig_list(RIG_XSDT, "XSDT", 8, first, 1);
    unsigned char *p = rig_table(RIG_FIRST, signature, 36 + size, revision);
    if (size > 0)
        memcpy(p + 36, body, size);
    rig_sum(p, 36 + size, 9);
    return p;
}

static void both_root_pointers(void)
{
    alone("WAET", 1, "1234", 4);
    EXPECT(run() == NULL && acpi.tables == 1 && acpi.refused == 0 && acpi.xsdt);
    rig_clear();
    rig_root(0, 0, RIG_RSDT);
    rig_list(RIG_RSDT, "RSDT", 4, first, 1);
    rig_sum(rig_table(RIG_FIRST, "WAET", 40, 1), 40, 9);
    EXPECT(run() == NULL && acpi.tables == 1 && !acpi.xsdt);
    EXPECT(acpi_read(&acpi, &rig_view, 0, hear, NULL) != NULL);
    EXPECT(acpi_read(&acpi, &rig_view, 0x1234, hear, NULL) == rig_nowhere);
    rig_blocks[0].bytes[9] ^= 1;
    EXPECT(run() != NULL && acpi.tables == 0);
}

/* The list must be what the pointer says; a damaged XSDT leaves the RSDT. */
static void lists_stand_in_for_each_other(void)
{
    const uint64_t both[2] = {RIG_FIRST, RIG_FIRST + RIG_STEP};
    for (unsigned damage = 0; damage < 4; damage++) {
        rig_clear();
        rig_root(2, RIG_XSDT, RIG_RSDT);
        rig_list(RIG_XSDT, damage == 2 ? "RSDT" : "XSDT", 8, both, 1);
        rig_blocks[1].bytes[20] ^= damage == 1;
        rig_list(RIG_RSDT, "RSDT", 4, both, 2);
        rig_blocks[2].bytes[20] ^= damage == 3;
        rig_sum(rig_table(both[0], "WAET", 40, 1), 40, 9);
        rig_sum(rig_table(both[1], "HPET", 56, 1), 56, 9);
        EXPECT(run() == NULL);
        EXPECT(acpi.tables == (damage == 3 ? 1 : 2));
        EXPECT(acpi.xsdt == (damage == 0 || damage == 3));
        EXPECT(heard("the XSDT does not") == (damage == 0));
    }
    rig_blocks[1].bytes[20] ^= 1;
    EXPECT(run() != NULL && acpi.tables == 0 && acpi.refused == 0);
}

static void same_table_twice_counts_once(void)
{
    const uint64_t list[5] = {RIG_FIRST, 0, RIG_FIRST, RIG_FIRST + RIG_STEP, RIG_FIRST};
    rig_clear();
    rig_root(2, RIG_XSDT, RIG_RSDT);
    rig_list(RIG_XSDT, "XSDT", 8, list, 5);
    rig_list(RIG_RSDT, "RSDT", 4, list, 5);
    for (unsigned i = 0; i < 2; i++) {
        unsigned char *p = rig_table(RIG_FIRST + i * (uint64_t)RIG_STEP, "HPET", 56, 1);
        rig_put(p + 44, 0x1000 + i, 8);
        rig_sum(p, 56, 9);
    }
    EXPECT(run() == NULL && acpi.tables == 2 && acpi.hpet.address == 0x1000);
    EXPECT(heard("second of its kind") == 1 && heard("the XSDT does not") == 0);
    EXPECT(acpi.refused == 0); /* an empty entry is none */
}

static void many_tables(void)
{
    uint64_t *list = calloc(1100, sizeof *list);
    list[1023] = RIG_FIRST;
    list[1024] = RIG_FIRST + RIG_STEP;
    rig_clear();
    rig_root(2, RIG_XSDT, 0);
    rig_list(RIG_XSDT, "XSDT", 8, list, 1100);
    rig_sum(rig_table(list[1023], "WAET", 40, 1), 40, 9);
    rig_sum(rig_table(list[1024], "WAET", 40, 1), 40, 9);
    EXPECT(run() == NULL && acpi.tables == 1 && heard("more than 1024 tables") == 1);
    free(list);
}

static void lengths_come_before_checksums(void)
{
    static const uint32_t bad[] = {0, 7, 35, 41, 0x01000001u, 0xFFFFFFFFu};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        unsigned char *p = alone("HPET", 1, "abcd", 4);
        rig_put(p + 4, bad[i], 4);
        rig_sum(p, 40, 9);
        EXPECT(run() == NULL && acpi.tables == 0 && acpi.refused == 1);
        EXPECT(heard("length is out of range") + heard(rig_nowhere) == 1);
    }
    unsigned char *huge = calloc(1, 16 * MIB);
    alone("HPET", 1, huge, 16 * MIB - 36);
    EXPECT(run() == NULL && acpi.tables == 1);
    alone("HPET", 1, huge, 16 * MIB - 35);
    EXPECT(run() == NULL && acpi.tables == 0 && heard("length is out of range") == 1);
    free(huge);
    alone("HPET", 1, "abcd", 4)[38] ^= 1;
    EXPECT(run() == NULL && acpi.refused == 1 && heard("checksum") == 1);
    alone("HPET", 1, "abcd", 4);
    rig_put(rig_blocks[1].bytes + 36, (uint64_t)1 << 50, 8); /* lies nowhere */
    rig_sum(rig_blocks[1].bytes, 44, 9);
    EXPECT(run() == NULL && acpi.refused == 1 && heard(rig_nowhere) == 1);
}

static void cpus_of_every_kind(void)
{
    static const unsigned char
        body
            [] =
                {
                    0,    0,  0xE0, 0xFE, 1,    0,    0,    0, /* APIC at 0xFEE00000, below */
                    0,    8,  0,    0,    1,    0,    0,    0, /* id 0 */
                    0,    8,  1,    2,    1,    0,    0,    0, /* id 2 */
                    0,    8,  2,    3,    0,    0,    0,    0, /* not enabled */
                    0,    8,  3,    4,    2,    0,    0,    0, /* could be */
                    0,    8,  4,    0xFF, 1,    0,    0,    0, /* nobody */
                    9,    16, 0,    0,    2,    0,    0,    0,    1, 0,    0,    0,    9,
                    0,    0,  0, /* id 2 again */
                    9,    16, 0,    0,    0,    1,    0,    0,    1, 0,    0,    0,    9,
                    0,    0,  0, /* id 256 */
                    9,    16, 0,    0,    0xFF, 0xFF, 0xFF, 0xFF, 1, 0,    0,    0,    9,
                    0,    0,  0,    1,    12,   5,    0,    0,    0, 0xC0, 0xFE, 0,    0,
                    0,    0,                 /* I/O APIC */
                    0x7F, 5,  1,    2,    3, /* a type of days to come */
                    5,    12, 0,    0,    0,    0,    0xE0, 0xFE, 1, 0,    0,    0, /* the APIC above 4 GiB */
                    16,   16, 0,    0,    0,    0,    0,    0,    0, 0x30, 0xF7, 0x7F, 0,
                    0,    0,  0, /* CPUs wait at a mailbox */
                    16,   16, 0,    0,    0,    0,    0,    0,    0, 0x40, 0xF7, 0x7F, 0,
                    0,    0,  0, /* another one, which is none */
                    16,   15, 0,    0,    0,    0,    0,    0,    0, 0x50, 0xF7, 0x7F, 0,
                    0,    0,                                                  /* too short */
                    0,    7,  9,    9,    1,    0,    0,                      /* too short */
                    1,    11, 5,    0,    0,    0,    0xC0, 0xFE, 0, 0,    0, /* too short */
                };
    unsigned char bytes[sizeof body];
    memcpy(bytes, body, sizeof body);
    alone("APIC", 4, bytes, sizeof bytes);
    EXPECT(run() == NULL && acpi.has_madt);
    EXPECT(acpi.cpus == 3 && acpi.cpu_count == 3 && acpi.cpus_spare == 2 && acpi.cpus_x2 == 1);
    EXPECT(acpi.cpu[0].id == 0 && acpi.cpu[1].id == 2 && acpi.cpu[2].id == 256);
    EXPECT(acpi.cpu[2].node == ACPI_NO_NODE && acpi.mailbox == 0x7FF73000u);
    EXPECT(acpi.cpus_later == 1 && acpi.spare[0] == 3 && acpi.spare[1] == 4);
    EXPECT(acpi.io_apics == 1 && acpi.io_apic[0] == 0xFEC00000u && acpi.apic_base == 0x1FEE00000u);
    EXPECT(heard_times("too short") == 3);
    alone("APIC", 4, bytes, 8 + 16);
    EXPECT(run() == NULL && acpi.apic_base == 0xFEE00000u && acpi.cpus == 2 && told_count == 2);
}

static unsigned char *gicc(unsigned char *e, uint32_t uid, uint32_t flags, uint64_t mpidr)
{
    e[0] = 11;
    e[1] = 80;
    rig_put(e + 8, uid, 4);
    rig_put(e + 12, flags, 4);
    rig_put(e + 32, 0x8010000, 8);
    rig_put(e + 68, mpidr, 8);
    return e + 80;
}

/* The ids are the affinities; the SRAT names CPUs by another number (ACPI 6.5, 5.2.12.14 and 5.2.16.4). */
static void cpus_and_interrupt_controller_of_arm(void)
{
    unsigned char body[8 + 4 * 80 + 24 + 65 * 16 + 70] = {0};
    unsigned char *e = gicc(body + 8, 7, 1, 0x80000000u);
    e = gicc(e, 8, 1, 0x1281030201u);
    rig_put(e - 80 + 60, 0x123450000, 8);
    e = gicc(e, 9, 0, 3);
    e = gicc(e, 10, 8, 4);
    e[0] = 12; /* distributor */
    e[1] = 24;
    rig_put(e + 8, 0x8000000, 8);
    e[20] = 3;
    e += 24;
    for (unsigned i = 0; i < 65; i++, e += 16) { /* redistributors: room for 64 */
        e[0] = 14;
        e[1] = 16;
        rig_put(e + 4, 0x80A0000 + i * (uint64_t)0x1000000, 8);
        rig_put(e + 12, 0xF60000 + i, 4);
    }
    e[0] = 11; /* too short: the affinities are missing */
    e[1] = 70;
    alone("APIC", 4, body, sizeof body);
    EXPECT(run() == NULL && acpi.cpus == 2 && acpi.cpu_count == 2 && acpi.cpus_spare == 2);
    EXPECT(acpi.cpu[0].id == 0 && acpi.cpu[0].uid == 7 && acpi.cpus_x2 == 0);
    EXPECT(acpi.cpu[1].id == 0x12030201u && acpi.cpu[1].uid == 8);
    EXPECT(acpi.gic_version == 3 && acpi.gic_distributor == 0x8000000);
    EXPECT(acpi.gic_cpu_interface == 0x8010000 && acpi.redistributors == 65);
    EXPECT(acpi.redistributor[63].base == 0x470A0000 && acpi.redistributor[63].size == 0xF6003F);
    EXPECT(acpi.cpu[0].redistributor == 0 && acpi.cpu[1].redistributor == 0x123450000);
    EXPECT(heard_times("too short") == 1);
    body[8 + 4 * 80 + 20] = 0;
    alone("APIC", 3, body, sizeof body);
    EXPECT(run() == NULL && acpi.gic_version == 2);
}

static void entries_without_length_end_the_table(void)
{
    static const unsigned char lengths[] = {0, 1, 9, 255};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        unsigned char body[8 + 8 + 8] = {[8] = 0, 8, 0, 7, 1, [16] = 0, lengths[i], 7, 8, 1};
        alone("APIC", 4, body, sizeof body);
        EXPECT(run() == NULL && acpi.cpus == 1 && heard("of no sound length") == 1);
    }
    unsigned char body[8 + 8 + 1] = {[8] = 0, 8, 0, 7, 1};
    alone("APIC", 4, body, sizeof body);
    EXPECT(run() == NULL && acpi.cpus == 1 && heard("of no sound length") == 1);
    for (size_t size = 0; size < 8; size++) { /* ends before its entries begin */
        alone("APIC", 4, "\xE0\xFE\xE0\xFE\x01\x00\x00\x00", size);
        EXPECT(run() == NULL && acpi.has_madt && acpi.cpus == 0 && told_count == 2);
        EXPECT(acpi.apic_base == 0);
    }
}

static void put_x2apic(unsigned char *e, uint32_t id, uint32_t flags)
{
    e[0] = 9;
    e[1] = 16;
    rig_put(e + 4, id, 4);
    rig_put(e + 8, flags, 4);
}

#define MANY 70000u /* more than 16 bits can name */

/* Each id twice, from the highest down, and one entry that is not enabled. */
static unsigned char *many_entries(size_t *size)
{
    *size = 8 + 16 * (size_t)(2 * MANY + 1);
    unsigned char *body = calloc(1, *size);
    for (uint32_t i = 0; i < 2 * MANY; i++)
        put_x2apic(body + 8 + 16 * (size_t)i, 5000 + (MANY - i / 2) * 3, 1);
    put_x2apic(body + *size - 16, 1, 2);
    return body;
}

static void many_cpus(void)
{
    size_t size;
    unsigned char *body = many_entries(&size);
    alone("APIC", 4, body, size);
    EXPECT(run() == NULL && acpi.cpus == MANY && acpi.cpu_count == MANY && acpi.cpus_x2 == MANY);
    bool sorted = true;
    for (uint32_t i = 0; i < MANY; i++)
        sorted &= acpi.cpu[i].id == 5003 + i * 3 && acpi.cpu[i].node == ACPI_NO_NODE;
    EXPECT(sorted && told_count == 2 && acpi.cpus_spare == 1 && acpi.spare[0] == 1);
    free(body);
}

static void no_memory_for_the_list(void)
{
    static const unsigned char entries[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 5,
                                            1, 0, 0, 0, 0, 8, 0, 6, 1, 0, 0, 0};
    unsigned char body[sizeof entries];
    memcpy(body, entries, sizeof body);
    alone("APIC", 4, body, sizeof body);
    rig_is_full = true;
    EXPECT(run() == NULL && acpi.cpus == 2 && acpi.cpu_count == 0 && acpi.cpu == NULL);
    EXPECT(heard("no memory for the list of its CPUs") == 1);
    rig_is_full = false;
}

static void srat_memory(unsigned char *e, uint64_t base, uint64_t size, uint32_t node,
                        uint32_t flags)
{
    memset(e, 0, 40);
    e[0] = 1;
    e[1] = 40;
    rig_put(e + 2, node, 4);
    rig_put(e + 8, base, 8);
    rig_put(e + 16, size, 8);
    rig_put(e + 28, flags, 4);
}

static void nodes_and_their_memory(void)
{
    unsigned char body[12 + 10 * 40];
    for (unsigned revision = 1; revision <= 3; revision++) {
        memset(body, 0, sizeof body);
        srat_memory(body + 12, 0, 0xA0000, 0x101, 1);
        srat_memory(body + 52, 0x100000, 0x7FF00000, 0x101, 1);
        srat_memory(body + 92, (uint64_t)1 << 40, (uint64_t)1 << 40, 2, 3);
        srat_memory(body + 132, 0x80000000u, 0x1000, 2, 0);        /* not enabled */
        srat_memory(body + 172, 0x90000000u, 0, 2, 1);             /* empty */
        srat_memory(body + 212, ~(uint64_t)0 - 5, 0x1000, 2, 1);   /* wraps */
        srat_memory(body + 252, 0x7FFFF000, 0x2000, 2, 1);         /* overlaps */
        srat_memory(body + 292, 0x200000, 0x1000, 0x101, 1);       /* overlaps its own node */
        srat_memory(body + 332, 0x200000, 0x1000, 3, 3);           /* for later: may overlap */
        srat_memory(body + 372, ((uint64_t)1 << 40) + 1, 5, 4, 1); /* that one too */
        alone("SRAT", revision, body, sizeof body);
        EXPECT(run() == NULL && acpi.has_srat && acpi.range_count == 7 && !acpi.srat_cut);
        EXPECT(acpi.range[0].node == (revision < 2 ? 1 : 0x101) && !acpi.range[0].hot_plug);
        EXPECT(acpi.range[1].base == 0x100000 && acpi.range[1].size == 0x7FF00000);
        EXPECT(acpi.range[2].hot_plug && acpi.range[2].node == 2);
        EXPECT(acpi.range[2].base == (uint64_t)1 << 40);
        EXPECT(heard_times("wraps") == 1 && heard_times("two nodes overlap") == 1);
        EXPECT(heard_times("one node overlap") == 1 && acpi.range[5].hot_plug);
    }
}

/* The largest table that is read: what overlaps is found without comparing each with each, which would take
 * minutes. Every other range begins where one of another node has not ended. */
static void many_ranges(void)
{
    const uint32_t count = ((16 << 20) - 48) / 40;
    size_t size = 12 + (size_t)count * 40;
    unsigned char *body = calloc(1, size);
    for (uint32_t i = 0; i < count; i++) /* from the last to the first */
        srat_memory(body + 12 + 40 * (size_t)i, (uint64_t)(count - i) << 30,
                    i % 2 ? 2 << 29 : 5 << 28, i, 1);
    alone("SRAT", 2, body, size);
    EXPECT(run() == NULL && acpi.range_count == count && told_count == 3);
    EXPECT(heard_times("two nodes overlap") == (count - 1) / 2);
    for (uint32_t i = 0; i < count; i++)
        expect_case(acpi.range[i].node == i && acpi.range[i].base == (uint64_t)(count - i) << 30);
    rig_is_full = true;
    EXPECT(run() == NULL && acpi.has_srat && acpi.range_count == 0 && acpi.range == NULL);
    EXPECT(heard_times("no memory for the list of its memory ranges") == 1 && told_count == 3);
    rig_is_full = false;
    free(body);
}

/* Against a list that compares each with each. */
static void overlaps_are_counted(void)
{
    unsigned char body[12 + 30 * 40] = {0};
    srand(14);
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t two = 0, one = 0;
        struct acpi_range r[30];
        for (uint32_t i = 0; i < 30; i++) {
            r[i] = (struct acpi_range){(uint64_t)rand() % 200, 1 + (uint64_t)rand() % 15,
                                       (uint32_t)rand() % 4, rand() % 8 == 0};
            srat_memory(body + 12 + 40 * (size_t)i, r[i].base, r[i].size, r[i].node,
                        r[i].hot_plug ? 3 : 1);
        }
        for (uint32_t i = 0; i < 30; i++) {
            bool others = false, own = false;
            for (uint32_t j = 0; j < 30 && !r[i].hot_plug; j++) {
                bool before = r[j].base != r[i].base ? r[j].base < r[i].base : j < i;
                if (before && !r[j].hot_plug && r[j].base + r[j].size > r[i].base)
                    *(r[j].node == r[i].node ? &own : &others) = true;
            }
            two += others;
            one += own && !others;
        }
        alone("SRAT", 2, body, sizeof body);
        EXPECT(run() == NULL && acpi.range_count == 30);
        EXPECT(heard_times("two nodes overlap") == two && heard_times("one node overlap") == one);
    }
}

/* However many entries are bad, each kind is one line with its count. */
static void two_hundred_bad_entries(void)
{
    size_t size = 12 + (size_t)600 * 40;
    unsigned char *body = calloc(1, size);
    for (unsigned i = 0; i < 200; i++) {
        unsigned char *e = body + 12 + 40 * (size_t)i;
        srat_memory(e, ~(uint64_t)0 - 5, 0x1000, 0, 1);  /* wraps */
        srat_memory(e + 40 * 200, 0x1000, 0x1000, i, 1); /* lies where 199 others lie */
        srat_memory(e + 40 * 400, 0x1000, 0x1000, i, 1); /* twice, and of another's */
        e[40 * 400] = 2;
        e[40 * 400 + 1] = 20; /* too short, as is what comes next */
        e[40 * 400 + 20] = 0;
        e[40 * 400 + 21] = 20;
    }
    body[12 + 40 * 400 + 21] = 15;
    alone("SRAT", 3, body, size);
    EXPECT(run() == NULL && acpi.range_count == 200 && told_count == 6);
    EXPECT(heard_times("wraps") == 200 && heard_times("two nodes overlap") == 199);
    EXPECT(heard_times("too short") > 0 && heard_times("no sound length") == 1 && acpi.srat_cut);
    for (unsigned i = 0; i < 400; i++) { /* CPUs' entries of 8 bytes want 8 */
        unsigned char *e = body + 8 + 7 * (size_t)i;
        memcpy(e, "\0\7\0\0\1\0\0", 7);
    }
    alone("APIC", 3, body, 8 + (size_t)400 * 7);
    EXPECT(run() == NULL && acpi.cpus == 0 && heard_times("too short") == 400 && told_count == 3);
    free(body);
}

static void slit(uint64_t places, const unsigned char *matrix, size_t size)
{
    unsigned char *body = calloc(1, 8 + size);
    rig_put(body, places, 8);
    memcpy(body + 8, matrix, size);
    alone("SLIT", 1, body, 8 + size);
    EXPECT(run() == NULL && acpi.tables == 1);
    free(body);
}

static void distances_of_places(void)
{
    static unsigned char matrix[1000 * 1000];
    memcpy(matrix, "\12\25\37\26\12\45\40\50\12", 9);
    slit(3, matrix, 9);
    static const struct acpi_pair sound[] = {{0, 1, 21}, {0, 2, 31}, {1, 0, 22},
                                             {1, 2, 37}, {2, 0, 32}, {2, 1, 40}};
    EXPECT(acpi.distance.count == 6 && told_count == 2);
    EXPECT(memcmp(acpi.distance.pair, sound, sizeof sound) == 0);
    slit(3, matrix, 8); /* cut off */
    EXPECT(acpi.distance.count == 0 && heard("shorter than its matrix") == 1);
    slit(0, matrix, 9);
    EXPECT(acpi.distance.count == 0 && heard("of no place") == 1);
    slit((uint64_t)1 << 32, matrix, 9); /* its square is 0 */
    EXPECT(acpi.distance.count == 0 && heard("shorter than its matrix") == 1);
    for (unsigned i = 0; i < 9; i++) {
        unsigned char was = matrix[i];
        matrix[i] = i % 4 == 0 ? 11 : 9; /* not 10 from itself; reserved */
        slit(3, matrix, 9);
        EXPECT(acpi.distance.count == 0 && heard("contradict themselves") == 1);
        matrix[i] = was;
    }
    memset(matrix, 10, sizeof matrix);
    matrix[999 * 1000] = 254; /* from the last place to the first */
    slit(1000, matrix, sizeof matrix);
    EXPECT(acpi.distance.count == 999000 && told_count == 2);
    const struct acpi_pair *last = &acpi.distance.pair[998001];
    EXPECT(last->from == 999 && last->to == 0 && last->value == 254);
    rig_is_full = true;
    slit(1000, matrix, sizeof matrix);
    EXPECT(acpi.distance.count == 0 && heard("no memory for what it says of pairs") == 1);
    rig_is_full = false;
    slit(1, matrix, 1);
    EXPECT(acpi.distance.count == 0 && told_count == 2);
    alone("SLIT", 1, "1234567", 7);
    EXPECT(run() == NULL && acpi.distance.count == 0 && heard("of no place") == 1);
}

/* --- HMAT: field by field as ACPI 6.5, 5.2.27.3 and 5.2.27.4 have them --- */

static unsigned char hmat[400000];
static size_t hmat_size;

static unsigned char *structure(unsigned type, size_t size)
{
    unsigned char *s = hmat + hmat_size;
    memset(s, 0, size);
    rig_put(s, type, 2);
    rig_put(s + 4, size, 4);
    hmat_size += size;
    return s;
}

static void clear_hmat(void)
{
    hmat_size = 4; /* reserved bytes behind the table's header */
}

static void attributes(unsigned flags, uint32_t initiator, uint32_t memory)
{
    unsigned char *s = structure(0, 40);
    rig_put(s + 8, flags, 2);
    rig_put(s + 12, initiator, 4);
    rig_put(s + 16, memory, 4);
}

/* Places that ask and that are asked are `from` and `to` and those behind them; entries are 1, 2, 3 and so on. */
static unsigned char *matrix(unsigned conditions, unsigned kind, uint32_t from, uint32_t rows,
                             uint32_t to, uint32_t columns, uint64_t unit)
{
    unsigned char *s = structure(1, 32 + 4 * (size_t)(rows + columns) + 2 * (size_t)rows * columns);
    s[8] = (unsigned char)conditions;
    s[9] = (unsigned char)kind;
    rig_put(s + 12, rows, 4);
    rig_put(s + 16, columns, 4);
    rig_put(s + 24, unit, 8);
    for (uint32_t i = 0; i < rows + columns; i++)
        rig_put(s + 32 + 4 * i, i < rows ? from + i : to + i - rows, 4);
    unsigned char *entries = s + 32 + 4 * (rows + columns);
    for (uint32_t i = 0; i < rows * columns; i++)
        rig_put(entries + 2 * i, i + 1, 2);
    return entries;
}

static void read_hmat(unsigned revision)
{
    alone("HMAT", revision, hmat, hmat_size);
    EXPECT(run() == NULL && acpi.tables == 1);
}

/* What the first says that tells of the pair; 0: none does. */
static uint32_t latency(uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < acpi.latency.count; i++)
        if (acpi.latency.pair[i].from == from && acpi.latency.pair[i].to == to)
            return acpi.latency.pair[i].value;
    return 0;
}

/* Likewise, and one more than that. */
static uint64_t attached(uint32_t from)
{
    for (uint32_t i = 0; i < acpi.attached.count; i++)
        if (acpi.attached.pair[i].from == from)
            return (uint64_t)acpi.attached.pair[i].to + 1;
    return 0;
}

static void latencies_of_places(void)
{
    for (unsigned revision = 1; revision <= 2; revision++) {
        uint32_t scale = revision == 1 ? 100 : 1;
        clear_hmat();
        structure(7, 8); /* of no type that is known */
        matrix(0, 0, 1, 2, 1, 3, 1000);
        structure(2, 32); /* of a cache */
        read_hmat(revision);
        EXPECT(told_count == 2 && acpi.latency.count == 6);
        for (uint32_t i = 0; i < 6; i++)
            EXPECT(latency(1 + i / 3, 1 + i % 3) == (i + 1) * 1000 * scale);
    }
    clear_hmat();
    unsigned char *entries =
        matrix(0, 1, 0, 1, 0, 3, 2000); /* of reading, when nothing else is told */
    rig_put(entries, 0, 2);
    rig_put(entries + 2, 0xFFFF, 2);
    matrix(0, 0, 0, 1, 0, 3, 1); /* of two that tell of a pair the first counts */
    read_hmat(2);
    EXPECT(acpi.latency.count == 4);
    EXPECT(latency(0, 0) == 1 && latency(0, 1) == 2 && latency(0, 2) == 6000);
}

static void latencies_that_are_none(void)
{
    clear_hmat();
    matrix(1, 0, 0, 2, 0, 2, 1000);    /* of a cache */
    matrix(0x10, 0, 0, 2, 0, 2, 1000); /* with a least size */
    for (unsigned kind = 2; kind < 6; kind++)
        matrix(0, kind, 0, 2, 0, 2, 1000); /* writing, and bandwidths */
    unsigned char *entries = matrix(0, 0, 0, 1, 0, 2, UINT32_MAX);
    rig_put(entries, 0xFFFE, 2); /* more than 32 bits; the second is just as much */
    rig_put(entries + 2, 1, 2);
    matrix(0, 0, 1, 1, 1, 1, (uint64_t)1 << 63);
    matrix(0, 0, 2, 1, 2, 1, 0);
    read_hmat(2);
    EXPECT(told_count == 2 && acpi.latency.count == 1 && latency(0, 1) == UINT32_MAX);
}

/* Of any number, in lists of any length; or none, where there is no memory for all. */
static void latencies_of_many_places(void)
{
    clear_hmat();
    attributes(1, 1000, 0xFFFFFFFE);
    matrix(0, 0, 0xFFFFFFF0, 3, 62, 300, 5);
    for (unsigned full = 0; full < 2; full++) {
        rig_is_full = full != 0;
        read_hmat(2);
        EXPECT(acpi.latency.count == (full ? 0 : 900) && acpi.attached.count == (full ? 0 : 1));
        EXPECT(heard("no memory for what it says of pairs") == full && told_count == 2 + full);
        for (uint32_t i = 0; i < 900 && !full; i++)
            expect_case(latency(0xFFFFFFF0 + i / 300, 62 + i % 300) == 5 * (i + 1));
        EXPECT(attached(0xFFFFFFFE) == (full ? 0 : 1001));
    }
    rig_is_full = false;
}

static void initiators_that_are_valid(void)
{
    clear_hmat();
    attributes(1, 3, 0);
    attributes(0, 3, 1);
    attributes(3, 0, 2);
    attributes(2, 3, 3);
    attributes(1, 4, 0); /* the first counts */
    attributes(1, 3, 64);
    attributes(1, 0xFFFFFFFF, 5);
    structure(0, 39);
    for (unsigned revision = 1; revision <= 2; revision++) {
        read_hmat(revision);
        EXPECT(attached(0) == (revision == 1 ? 0 : 4) && attached(1) == 0);
        EXPECT(attached(2) == 1 && attached(3) == 0);
        EXPECT(attached(5) == (revision == 1 ? 0 : (uint64_t)1 << 32));
        EXPECT(attached(64) == (revision == 1 ? 0 : 4));
        EXPECT(acpi.attached.count == (revision == 1 ? 1 : 5) && acpi.latency.count == 0);
        EXPECT(heard_times("too short for its type") == 1);
    }
}

/* Each number that a table's own length must be held against, and every cut of a sound one. */
static void hmat_that_lies(void)
{
    static const uint32_t counts[] = {0, 3, 16, 0x3FFFFFFF, 0x40000000, 0x80000000, 0xFFFFFFFF};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        for (size_t j = 0; j < ARRAY_LEN(counts); j++) {
            clear_hmat();
            matrix(0, 0, 0, 2, 0, 2, 1);
            rig_put(hmat + 4 + 12, counts[i], 4);
            rig_put(hmat + 4 + 16, counts[j], 4);
            read_hmat(2);
            bool fits = 4 * (uint64_t)counts[i] + 4 * (uint64_t)counts[j] <= 24 &&
                        2 * counts[i] * counts[j] + 4 * counts[i] + 4 * counts[j] <= 24;
            EXPECT(fits == (heard("too short for its type") == 0));
        }
    }
    clear_hmat();
    unsigned char *wraps = structure(1, 300000); /* lists and entries of 2^64 + 5484 bytes */
    rig_put(wraps + 12, 3000124091, 4);
    rig_put(wraps + 16, 3074330176, 4);
    read_hmat(2);
    EXPECT(heard("too short for its type") == 1);
    clear_hmat();
    attributes(1, 1, 1);
    matrix(0, 0, 0, 2, 0, 2, 1);
    size_t whole = hmat_size;
    for (hmat_size = 0; hmat_size < whole; hmat_size++) {
        alone("HMAT", 2, hmat, hmat_size);
        EXPECT(run() == NULL && acpi.latency.count == 0 && attached(1) == (hmat_size < 44 ? 0 : 2));
        bool between = hmat_size <= 4 || hmat_size == 44;
        EXPECT((heard("no sound length ends it") == 1) == !between);
    }
    for (uint32_t length = 0; length < 8; length++) {
        clear_hmat();
        rig_put(structure(0, 40) + 4, length, 4);
        read_hmat(2);
        EXPECT(heard("no sound length ends it") == 1);
    }
}

static void cpus_are_placed(void)
{
    static const uint64_t list[2] = {RIG_FIRST, RIG_FIRST + RIG_STEP};
    static const unsigned char madt[] = {0, 0,  0, 0, 0, 0, 0, 0, 0, 8, 0, 5, 1, 0, 0, 0,
                                         0, 8,  0, 6, 1, 0, 0, 0, 0, 8, 0, 7, 1, 0, 0, 0,
                                         9, 16, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char srat[] = {
        1, 0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 3, 5, 1, 0, 0, 0, 9, 1, 2, 4,
        0, 0,  0, 0,                                       /* id 5: node 0x4020103 */
        0, 16, 4, 6,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, /* id 6: not enabled */
        0, 16, 4, 99, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, /* no such CPU */
        0, 15, 4, 7,  1, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,    /* too short */
        2, 24, 0, 0,  9, 0, 0, 0, 0, 2, 0, 0, 1, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0}; /* 512: 9 */
    for (unsigned order = 0; order < 2; order++) {
        rig_clear();
        rig_root(2, RIG_XSDT, 0);
        rig_list(RIG_XSDT, "XSDT", 8, list, 2);
        unsigned char *p = rig_table(list[order], "APIC", 36 + sizeof madt, 4);
        memcpy(p + 36, madt, sizeof madt);
        rig_sum(p, 36 + sizeof madt, 9);
        p = rig_table(list[1 - order], "SRAT", 36 + sizeof srat, 3);
        memcpy(p + 36, srat, sizeof srat);
        rig_sum(p, 36 + sizeof srat, 9);
        EXPECT(run() == NULL && acpi.cpus == 4 && heard_times("too short") == 1);
        EXPECT(acpi.cpu[0].node == 0x4020103 && acpi.cpu[1].node == ACPI_NO_NODE);
        EXPECT(acpi.cpu[2].node == ACPI_NO_NODE && acpi.cpu[3].node == 9);
    }
}

/* By the numbers that the processors have in ACPI, not by their affinities. */
static void cpus_of_arm_are_placed(void)
{
    static const uint64_t list[2] = {RIG_FIRST, RIG_FIRST + RIG_STEP};
    static const unsigned char srat[] = {
        1, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 18, 5, 0, 0, 0,
        7, 0,  0, 0, 1, 0, 0, 0, 0, 0, 0, 0,                    /* 7: node 5 */
        3, 18, 6, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, /* 8: not enabled */
        3, 17, 6, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0,  0, 0, 0};   /* too short */
    rig_clear();
    rig_root(2, RIG_XSDT, 0);
    rig_list(RIG_XSDT, "XSDT", 8, list, 2);
    unsigned char *p = rig_table(list[0], "APIC", 36 + 8 + 2 * 80 + 24, 4);
    unsigned char *e = gicc(gicc(p + 44, 8, 1, 0), 7, 1, 1);
    e[0] = 12; /* a distributor */
    e[1] = 24;
    rig_sum(p, 36 + 8 + 2 * 80 + 24, 9);
    p = rig_table(list[1], "SRAT", 36 + sizeof srat, 3);
    memcpy(p + 36, srat, sizeof srat);
    rig_sum(p, 36 + sizeof srat, 9);
    EXPECT(run() == NULL && acpi.cpus == 2 && heard_times("too short") == 1);
    EXPECT(acpi.cpu[0].id == 0 && acpi.cpu[0].node == ACPI_NO_NODE);
    EXPECT(acpi.cpu[1].id == 1 && acpi.cpu[1].node == 5);
}

static void put_address(unsigned char *p, unsigned space, unsigned bits, uint64_t address)
{
    p[0] = (unsigned char)space;
    p[1] = (unsigned char)bits;
    rig_put(p + 4, address, 8);
}

/* All of revision 6; `fadt` begins at the table's byte 0. */
static void fill_fadt(unsigned char *fadt, uint32_t flags)
{
    memset(fadt, 0, 276);
    rig_put(fadt + 40, 0x11111111u, 4);
    rig_put(fadt + 48, 0xB2, 4);
    fadt[52] = 0xA1;
    rig_put(fadt + 64, 0x604, 4);
    rig_put(fadt + 68, 0x704, 4);
    rig_put(fadt + 76, 0x608, 4);
    rig_put(fadt + 112, flags, 4);
    put_address(fadt + 116, 1, 8, 0xCF9);
    fadt[128] = 0x0F;
    put_address(fadt + 172, 1, 16, 0x804);
    put_address(fadt + 208, 0, 32, 0xFED00808u);
    put_address(fadt + 244, 1, 8, 0x400);
}

static void registers_of_the_fadt(void)
{
    unsigned char fadt[276];
    fill_fadt(fadt, 1u << 10 | 1u << 8);
    alone("FACP", 6, fadt + 36, 276 - 36);
    EXPECT(run() == NULL && !acpi.hardware_reduced);
    EXPECT(acpi.reset.address == 0xCF9 && acpi.reset.space == ACPI_PORT && acpi.reset_value == 15);
    EXPECT(acpi.pm1a.address == 0x804 && acpi.pm1b.address == 0x704); /* wide before narrow */
    EXPECT(acpi.pm_timer.address == 0xFED00808u && acpi.pm_timer.space == ACPI_MEMORY);
    EXPECT(acpi.pm_timer_32 && acpi.smi_port == 0xB2 && acpi.acpi_enable == 0xA1);
    EXPECT(acpi.sleep_control.address == 0x400);
    EXPECT(heard(rig_nowhere) == 1 && acpi.refused == 1); /* the DSDT */
    alone("FACP", 1, fadt + 36, 116 - 36);
    EXPECT(run() == NULL && acpi.reset.address == 0 && acpi.sleep_control.address == 0);
    EXPECT(acpi.pm1a.address == 0x604 && acpi.pm1a.space == ACPI_PORT);
    EXPECT(acpi.pm_timer.address == 0x608 && acpi.pm_timer.space == ACPI_PORT);
    put_address(fadt + 172, 3, 16, 0x804); /* in the embedded controller? */
    alone("FACP", 6, fadt + 36, 276 - 36);
    EXPECT(run() == NULL && acpi.pm1a.address == 0x604 && acpi.pm1a.space == ACPI_PORT);
    fill_fadt(fadt, 1u << 20);
    alone("FACP", 6, fadt + 36, 276 - 36);
    EXPECT(run() == NULL && acpi.hardware_reduced && acpi.pm1a.address == 0);
    EXPECT(acpi.reset.address == 0 && acpi.pm_timer.address == 0 && !acpi.pm_timer_32);
    EXPECT(acpi.sleep_control.address == 0x400);
    for (unsigned arm = 0; arm < 4; arm++) { /* PSCI, and by HVC; ACPI 6.5, table 5.11 */
        fadt[129] = (unsigned char)arm;
        alone("FACP", 6, fadt + 36, 276 - 36);
        EXPECT(run() == NULL && acpi.psci == (arm % 2 == 1) && acpi.psci_by_hvc == (arm >= 2));
    }
    fill_fadt(fadt, 0);
    fadt[129] = 3; /* a PC */
    alone("FACP", 6, fadt + 36, 276 - 36);
    EXPECT(run() == NULL && !acpi.psci);
}

static bool s5(const void *aml, size_t size, unsigned a, unsigned b)
{
    uint8_t type[2] = {99, 99};
    unsigned char *copy = malloc(size != 0 ? size : 1);
    memcpy(copy, aml, size);
    bool found = acpi_find_s5(copy, size, type);
    free(copy);
    return found && type[0] == a && type[1] == b;
}
#define S5(text, a, b) s5((text), sizeof(text) - 1, (a), (b))

static void s5_in_its_spellings(void)
{
    EXPECT(S5("\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0));
    EXPECT(S5("rubbish\x08_S5_\x12\x0A\x04\x0A\x05\x0A\x06\x00\x00\x00\x00", 5, 6));
    EXPECT(S5("\x08\\_S5_\x12\x06\x04\x01\x0A\x07\x00\x00", 1, 7));
    EXPECT(S5("\x08_S5_\x12\x47\x00\x02\x0B\x03\x00\x01", 3, 1)); /* length in two bytes */
    EXPECT(S5("\x08_S5_\x12\x89\x00\x00\x02\x0C\x02\x00\x00\x00", 2, 0) == false);
    EXPECT(S5("\x08_S5_\x12\x8A\x00\x00\x02\x0C\x02\x00\x00\x00\x01", 2, 1));
    EXPECT(S5("\x08_S5_\x12\x05\x01\x0B\x05\x04", 5, 4)); /* one number: two bytes of it */
    EXPECT(S5("\x08_S5_\x12\x05\x01\x0B\x05\x04 \x08_S5_\x12\x04\x02\x01\x01", 5, 4));
    EXPECT(S5("\x08_S5_\x12\x02\x00 \x08_S5_\x12\x04\x02\x01\x01", 1, 1)); /* the first is empty */
}

static void what_is_no_s5(void)
{
    uint8_t type[2];
    static const char whole[] = "\x08_S5_\x12\x0A\x04\x0A\x05\x0A\x06\x00\x00\x00\x00";
    for (size_t size = 0; size < sizeof whole - 1; size++)
        EXPECT(!s5(whole, size, 5, 6));                    /* cut anywhere */
    EXPECT(!S5("_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0)); /* no Name */
    EXPECT(!S5("\x08_S4_\x12\x06\x04\x00\x00\x00\x00", 0, 0));
    EXPECT(!S5("\x08_S5_\x11\x06\x04\x00\x00\x00\x00", 0, 0));    /* no package */
    EXPECT(!S5("\x08_S5_\x12\x06\x04\xFF\x00\x00\x00", 0xFF, 0)); /* Ones */
    EXPECT(!S5("\x08_S5_\x12\x06\x04\x0A\x08\x00\x00", 8, 0));    /* no type has four bits */
    EXPECT(!S5("\x08_S5_\x12\x01\x04\x00\x00\x00\x00", 0, 0));    /* shorter than itself */
    EXPECT(!S5("\x08_S5_\x12\x03\x04\x00\x00\x00\x00", 0, 0));    /* ends before the second */
    EXPECT(!S5("\x08_S5_\x12\x06\x04\x00\x0A\x08\x00", 0, 8));
    EXPECT(!S5("\x08_S5_\x12\x04\x02\x00\x0A\x05", 0, 5)); /* ends inside the second */
    EXPECT(!S5("\x08_S5_\x12\x03\x00\x01", 1, 0));         /* has no elements */
    EXPECT(!S5("\x08_S5_\x12\xC0", 0, 0));                 /* a length of which no byte is there */
    EXPECT(!S5("x_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0));
    EXPECT(!S5("\\_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0)); /* nothing before the root sign */
    EXPECT(!acpi_find_s5((const unsigned char *)"", 0, type));
}

/* In an SSDT too; the first that is met counts. */
static void s5_in_other_tables(void)
{
    const uint64_t both[2] = {RIG_FIRST, RIG_FIRST + RIG_STEP};
    rig_clear();
    rig_root(2, RIG_XSDT, 0);
    rig_list(RIG_XSDT, "XSDT", 8, both, 2);
    for (unsigned i = 0; i < 2; i++) {
        unsigned char *p = rig_table(both[i], "SSDT", 36 + 12, 2);
        memcpy(p + 36, "\x08_S5_\x12\x05\x02\x0A\x03\x01", 11);
        p[45] = (unsigned char)(3 + i);
        rig_sum(p, 36 + 12, 9);
    }
    EXPECT(run() == NULL && acpi.tables == 2 && acpi.has_s5 && acpi.s5[0] == 3 && acpi.s5[1] == 1);
}

static void serial_and_hpet(void)
{
    unsigned char spcr[80] = {0};
    spcr[36] = 0;
    put_address(spcr + 40, 1, 8, 0x2F8);
    spcr[58] = 3;
    alone("SPCR", 2, spcr + 36, sizeof spcr - 36);
    EXPECT(run() == NULL && acpi.serial.address == 0x2F8 && acpi.serial.space == ACPI_PORT);
    EXPECT(acpi.serial_kind == 0 && acpi.serial_baud == 3 && acpi.serial_access == 0);
    spcr[36] = 0x12;
    spcr[43] = 2;
    alone("SPCR", 2, spcr + 36, sizeof spcr - 36);
    EXPECT(run() == NULL && acpi.serial_kind == 0x12 && acpi.serial_access == 2);
    alone("SPCR", 2, spcr + 36, 10); /* its address is cut off */
    EXPECT(run() == NULL && acpi.serial.address == 0);
    unsigned char hpet[56] = {0};
    put_address(hpet + 40, 0, 64, 0xFED00000u);
    alone("HPET", 1, hpet + 36, sizeof hpet - 36);
    EXPECT(run() == NULL && acpi.hpet.address == 0xFED00000u && acpi.hpet.space == ACPI_MEMORY);
}

/* Microsoft, "Debug Port Table 2": 36 offset, 40 count; then devices of a length of their own. */
static void consoles_of_a_debug_table(void)
{
    unsigned char dbg2[44 + 3 * 40] = {0};
    unsigned char *device[3] = {dbg2 + 44, dbg2 + 84, dbg2 + 124};
    static const unsigned kinds[3] = {0, 0x0E,
                                      0x03}; /* a 16550, which may be a debugger's, comes first */
    rig_put(dbg2 + 36, 44, 4);
    rig_put(dbg2 + 40, 3, 4);
    for (unsigned i = 0; i < 3; i++) {
        rig_put(device[i] + 1, 40, 2);
        rig_put(device[i] + 12, 0x8000, 2);
        rig_put(device[i] + 14, kinds[i], 2);
        rig_put(device[i] + 18, 22 + i, 2);
        put_address(device[i] + 22 + i, 0, 32, 0x9000000 + i);
    }
    alone("DBG2", 0, dbg2 + 36, sizeof dbg2 - 36);
    EXPECT(run() == NULL && acpi.serial.address == 0x9000001 && acpi.serial_kind == 0x0E);
    rig_put(device[1] + 12, 0x8003, 2); /* no serial port */
    alone("DBG2", 0, dbg2 + 36, sizeof dbg2 - 36);
    EXPECT(run() == NULL && acpi.serial.address == 0x9000002 && acpi.serial_kind == 0x03);
    rig_put(device[2] + 18, 29, 2); /* its address goes beyond it */
    alone("DBG2", 0, dbg2 + 36, sizeof dbg2 - 36);
    EXPECT(run() == NULL && acpi.serial.address == 0);
    rig_put(device[2] + 18, 24, 2);
    rig_put(device[0] + 1, 0, 2); /* no length */
    rig_put(dbg2 + 40, 0xFFFFFFFFu, 4);
    alone("DBG2", 0, dbg2 + 36, sizeof dbg2 - 36);
    EXPECT(run() == NULL && acpi.serial.address == 0);
}

/* Every byte of a sound set of tables, changed: nothing is read outside, and it ends. */
static void every_byte_changed(void)
{
    unsigned char fadt[276];
    fill_fadt(fadt, 1u << 10);
    rig_put(fadt + 140, RIG_FIRST + RIG_STEP, 8);
    alone("FACP", 6, fadt + 36, 276 - 36);
    unsigned char *dsdt = rig_table(RIG_FIRST + RIG_STEP, "DSDT", 36 + 16, 2);
    memcpy(dsdt + 36, "\x08_S5_\x12\x06\x04\x05\x00\x00\x00", 12);
    rig_put(dsdt + 44, 1, 1);
    rig_sum(dsdt, 36 + 16, 9);
    EXPECT(run() == NULL && acpi.has_s5 && acpi.s5[0] == 1 && acpi.tables == 2);
    for (size_t b = 0; b < rig_count; b++) {
        for (size_t i = 0; i < rig_blocks[b].size; i++) {
            for (unsigned change = 1; change < 256; change += 63) {
                rig_blocks[b].bytes[i] = (unsigned char)(rig_blocks[b].bytes[i] + change);
                const char *wrong = run();
                EXPECT(wrong != NULL || acpi.refused > 0); /* some checksum sees each of them */
                rig_blocks[b].bytes[i] = (unsigned char)(rig_blocks[b].bytes[i] - change);
            }
        }
    }
}

/* From the top of the sources, or from a folder a little below. */
static FILE *open_data(const char *name)
{
    static const char *const up[] = {"", "../", "../../"};
    FILE *f = NULL;
    for (size_t i = 0; f == NULL && i < ARRAY_LEN(up); i++) {
        char path[100];
        snprintf(path, sizeof path, "%stests/data/acpi/%s.hex", up[i], name);
        f = fopen(path, "r");
    }
    if (f == NULL)
        printf("  tests/data/acpi/%s.hex is not here; run this from the top of the sources\n",
               name);
    return f;
}

/* tests/data/acpi/NAME.hex: "@ADDRESS" begins a block, the first is the root pointer. */
static uint64_t load(const char *name)
{
    static unsigned char bytes[65536];
    char line[200];
    uint64_t at = 0, rsdp = 0;
    size_t size = 0;
    rig_clear();
    FILE *f = open_data(name);
    if (f == NULL)
        return 0;
    for (bool more = true; more;) {
        more = fgets(line, sizeof line, f) != NULL;
        if (line[0] == '#' && more)
            continue;
        if (!more || line[0] == '@') {
            if (size > 0)
                memcpy(rig_place(at, size), bytes, size);
            rsdp = rsdp == 0 ? at : rsdp;
            at = strtoull(line + 1, NULL, 16);
            size = 0;
            continue;
        }
        for (const char *p = line; size < sizeof bytes && p[0] > ' ' && p[1] > ' '; p += 2) {
            const char pair[3] = {p[0], p[1], '\0'};
            bytes[size++] = (unsigned char)strtoul(pair, NULL, 16);
        }
    }
    fclose(f);
    return rsdp;
}

static bool read_real(const char *name, unsigned cpus, unsigned spare, unsigned off_port)
{
    uint64_t rsdp = load(name);
    told_count = 0;
    const char *wrong = acpi_read(&acpi, &rig_view, rsdp, hear, NULL);
    return EXPECT(wrong == NULL) && EXPECT(acpi.refused == 0 && acpi.xsdt) &&
           EXPECT(acpi.cpus == cpus && acpi.cpus_spare == spare && acpi.cpus_x2 == 0) &&
           EXPECT(acpi.io_apics == 1 && acpi.apic_base == 0xFEE00000u) &&
           EXPECT(acpi.hpet.address == 0xFED00000u) &&
           EXPECT(acpi.has_s5 && acpi.s5[0] == 0 && acpi.s5[1] == 0) &&
           EXPECT(acpi.pm1a.address == off_port && acpi.pm1a.space == ACPI_PORT) &&
           EXPECT(acpi.pm_timer.address == off_port + 4 && told_count > 0);
}

static void tables_of_qemu(void)
{
    EXPECT(read_real("q35-smp4", 4, 0, 0x604) && acpi.reset.address == 0xCF9 &&
           acpi.reset_value == 0x0F && !acpi.has_srat);
    EXPECT(read_real("pc", 1, 0, 0xB004) && acpi.reset.address == 0);
    EXPECT(read_real("hotplug", 2, 6, 0x604));
    EXPECT(read_real("numa", 4, 0, 0x604) && acpi.has_srat);
    uint64_t of_node[2] = {0, 0};
    for (uint32_t i = 0; i < acpi.range_count; i++)
        if (EXPECT(acpi.range[i].node < 2))
            of_node[acpi.range[i].node] += acpi.range[i].size;
    /* The hole between 640 KiB and 1 MiB is in no range. */
    EXPECT(of_node[0] == (384 << 20) - (384 << 10) && of_node[1] == 128 << 20);
    for (uint32_t i = 0; i < 4; i++)
        EXPECT(acpi.cpu[i].id == i && acpi.cpu[i].node == (i < 3 ? 0 : 1));
}

int main(void)
{
    expect_run("root pointers of both revisions lead to the tables", both_root_pointers);
    expect_run("XSDT and RSDT stand in for each other", lists_stand_in_for_each_other);
    expect_run("a table that is listed twice counts once", same_table_twice_counts_once);
    expect_run("A4 tables beyond the bound are told", many_tables);
    expect_run("A2 lengths are judged before checksums", lengths_come_before_checksums);
    expect_run("CPUs of every kind of entry are counted", cpus_of_every_kind);
    expect_run("Arm CPUs and their interrupt controller", cpus_and_interrupt_controller_of_arm);
    expect_run("A3 an entry without length ends its table", entries_without_length_end_the_table);
    expect_run("CPUs in any number and order, and ids with gaps, are listed once each by id",
               many_cpus);
    expect_run("A4 no memory for the list of CPUs is told, and they are counted",
               no_memory_for_the_list);
    expect_run("nodes and their memory", nodes_and_their_memory);
    expect_run("ranges are as many as there are, or none, where there is no memory for them",
               many_ranges);
    expect_run("ranges that overlap are counted as a naive list does", overlaps_are_counted);
    expect_run("A4 two hundred bad entries make one line and a count", two_hundred_bad_entries);
    expect_run("CPUs are placed in their nodes", cpus_are_placed);
    expect_run("Arm CPUs are placed in their nodes", cpus_of_arm_are_placed);
    expect_run("H1 latencies by the HMAT, as its numbers say", latencies_of_places);
    expect_run("H1 what the HMAT does not tell of memory itself is no latency",
               latencies_that_are_none);
    expect_run("H3 latencies of places of any number, as many as there are",
               latencies_of_many_places);
    expect_run("H2 an initiator counts with its valid flag alone", initiators_that_are_valid);
    expect_run("H3 an HMAT of any length and any count is read within its bytes", hmat_that_lies);
    expect_run("distances between nodes", distances_of_places);
    expect_run("registers of the FADT, old and new", registers_of_the_fadt);
    expect_run("_S5 is found in each of its spellings", s5_in_its_spellings);
    expect_run("what is no _S5 is not taken for one", what_is_no_s5);
    expect_run("_S5 may stand in an SSDT", s5_in_other_tables);
    expect_run("serial console and HPET", serial_and_hpet);
    expect_run("a debug port of an Arm machine is a console", consoles_of_a_debug_table);
    expect_run("A1 any byte changed is seen, and does no harm", every_byte_changed);
    expect_run("tables that QEMU made say what it was asked for", tables_of_qemu);
    rig_clear();
    return expect_total();
}
