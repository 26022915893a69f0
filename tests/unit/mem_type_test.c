/* Unit tests of mm/mem_type.h: what a UEFI descriptor becomes, which types are RAM, and names. */
#include "hal/short.h"
#include "mm/memmap.h"
#include "tests/test.h"

TEST("mem_type.UEFI types become ours")
{
    static const enum mem_type table[] = {
        MEM_RESERVED, MEM_LOADER,   MEM_LOADER,     MEM_BOOT,         MEM_BOOT,     MEM_RUNTIME,
        MEM_RUNTIME,  MEM_USABLE,   MEM_UNUSABLE,   MEM_ACPI_RECLAIM, MEM_ACPI_NVS, MEM_MMIO,
        MEM_MMIO,     MEM_RESERVED, MEM_PERSISTENT, MEM_UNACCEPTED};
    for (uint32_t i = 0; i < ARRAY_LEN(table); i++) {
        bool known = false;
        CHECK_EQ(mem_type_from_uefi(i, 0xf, &known), table[i]);
        CHECK(known);
        CHECK_EQ(mem_type_from_uefi(i, 0xf, NULL), table[i]);
    }
    static const uint32_t unknown[] = {16, 17, 0x6fffffff, 0x70000000, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        bool known = true;
        CHECK_EQ(mem_type_from_uefi(unknown[i], 0xf, &known), MEM_RESERVED);
        CHECK(!known);
    }
    TEST_END;
}

TEST("mem_type.RAM needs WB and neither RP nor SP")
{
    static const uint32_t ram[] = {1, 2, 3, 4, 7};
    for (size_t i = 0; i < ARRAY_LEN(ram); i++) {
        enum mem_type type = mem_type_from_uefi(ram[i], 8, NULL);
        CHECK(mem_type_is_allocatable(type));
        CHECK_EQ(mem_type_from_uefi(ram[i], 0, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 7, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x2008, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x40008, NULL), MEM_SPECIFIC);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x42008, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], 0x40000, NULL), MEM_RESERVED);
        CHECK_EQ(mem_type_from_uefi(ram[i], ~(uint64_t)0x42000, NULL), type);
    }
    CHECK_EQ(mem_type_from_uefi(14, 0, NULL), MEM_PERSISTENT);
    CHECK_EQ(mem_type_from_uefi(6, 0x42000, NULL), MEM_RUNTIME);
    TEST_END;
}

/* Asked of every number that can be a type, and of some that cannot. */
TEST("mem_type.what is RAM, and what the allocator may get")
{
    static const struct {
        bool stored, ram, allocatable;
    } table[MEM_TYPE_COUNT + 1] = {
        [MEM_NONE] = {false, false, false},      [MEM_HOTPLUG] = {true, false, true},
        [MEM_USABLE] = {true, true, true},       [MEM_BOOT] = {true, true, true},
        [MEM_LOADER] = {true, true, true},       [MEM_ACPI_RECLAIM] = {true, true, false},
        [MEM_SPECIFIC] = {true, true, false},    [MEM_PERSISTENT] = {true, false, false},
        [MEM_UNACCEPTED] = {true, false, false}, [MEM_ACPI_NVS] = {true, true, false},
        [MEM_RUNTIME] = {true, true, false},     [MEM_RESERVED] = {true, false, false},
        [MEM_MMIO] = {true, false, false},       [MEM_UNUSABLE] = {true, false, false},
        [MEM_BAD] = {true, true, false},         [MEM_TYPE_COUNT] = {false, false, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
        CHECK_EQ(mem_type_is_stored((enum mem_type)i), table[i].stored);
        CHECK_EQ(mem_type_is_ram((enum mem_type)i), table[i].ram);
        CHECK_EQ(mem_type_is_allocatable((enum mem_type)i), table[i].allocatable);
    }
    CHECK(!mem_type_is_stored((enum mem_type)0x7fffffff));
    CHECK(!mem_type_is_ram((enum mem_type)0x7fffffff));
    TEST_END;
}

TEST("mem_type.what lacks nothing but write-back")
{
    static const uint32_t ram[] = {1, 2, 3, 4, 7};
    for (size_t i = 0; i < ARRAY_LEN(ram); i++) {
        CHECK(mem_type_lacks_write_back(ram[i], 0));
        CHECK(mem_type_lacks_write_back(ram[i], 0x8000000000000007u)); /* UC, WC and WT; RUNTIME */
        CHECK(!mem_type_lacks_write_back(ram[i], 8));
        CHECK(!mem_type_lacks_write_back(ram[i], 0x2000)); /* with it, it would be reserved too */
        CHECK(!mem_type_lacks_write_back(ram[i], 0x40000));
    }
    for (uint32_t type = 0; type < 20; type++)
        if (type == 0 || type == 5 || type == 6 || type > 7)
            CHECK(!mem_type_lacks_write_back(type, 0));
    TEST_END;
}

TEST("mem_type.every type and anomaly has its own name")
{
    CHECK_STR(mem_type_name(MEM_USABLE), "usable");
    CHECK_STR(mem_type_name(MEM_ACPI_NVS), "ACPI NVS");
    CHECK_STR(mem_type_name(MEM_TYPE_COUNT), "unknown type");
    CHECK_STR(mem_type_name((enum mem_type)0x7fffffff), "unknown type");
    CHECK_STR(memmap_anomaly_text(MEMMAP_OVERLAP), "overlap");
    CHECK_STR(memmap_anomaly_text(MEMMAP_ANOMALY_COUNT), "unknown anomaly");
    for (unsigned i = 0; i <= MEM_TYPE_COUNT; i++) {
        CHECK(mem_type_name((enum mem_type)i)[0] != '\0');
        for (unsigned j = 0; j < i; j++)
            CHECK(mem_type_name((enum mem_type)i) != mem_type_name((enum mem_type)j));
    }
    for (unsigned i = 0; i <= MEMMAP_ANOMALY_COUNT; i++)
        CHECK(memmap_anomaly_text((enum memmap_anomaly)i)[0] != '\0');
    TEST_END;
}

TEST_SUITE(mem_type);
