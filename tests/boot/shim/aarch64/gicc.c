/* ACPI 6.5, 5.2.12: the MADT, changed where it lies. */
#include "tests/boot/shim/aarch64/gicc.h"
#include "hal/unaligned.h"
#include "tests/boot/shim/shim.h"

#define MADT          0x43495041u /* "APIC" */
#define ENTRIES       44u
#define GICC          11u
#define GICR          14u
#define UNKNOWN       0x7Fu
#define REDISTRIBUTOR 0x080A0000u /* of the first CPU; the next 128 KiB further on */

/* ACPI 2.0's root pointer in the firmware's table of tables. */
static uint8_t *find_xsdt(void)
{
    for (UINTN i = 0; i < st->NumberOfTableEntries; i++) {
        const uint64_t *id = (const uint64_t *)(const void *)&st->ConfigurationTable[i].VendorGuid;
        const uint8_t *rsdp = st->ConfigurationTable[i].VendorTable;
        if (id[0] == 0x11d3e4f18868e871u && id[1] == 0x81883cc7800022bcu)
            return (uint8_t *)(uintptr_t)load64(rsdp + 24);
    }
    stop("there is no ACPI to be changed", 0);
}

static uint8_t *find_madt(void)
{
    const uint8_t *xsdt = find_xsdt();
    for (uint32_t at = 36; at + 8 <= load32(xsdt + 4); at += 8) {
        uint8_t *table = (uint8_t *)(uintptr_t)load64(xsdt + at);
        if (load32(table) == MADT)
            return table;
    }
    stop("there is no MADT to be changed", 0);
}

void gicc_tell(void)
{
    uint8_t *madt = find_madt(), sum = 0;
    uint64_t next = REDISTRIBUTOR;
    for (uint32_t at = ENTRIES; at < load32(madt + 4); at += madt[at + 1]) {
        if (madt[at] == GICR)
            madt[at] = UNKNOWN;
        for (unsigned i = 0; madt[at] == GICC && i < 8; i++)
            madt[at + 60 + i] = (uint8_t)(next >> 8 * i);
        next += madt[at] == GICC ? 0x20000 : 0;
    }
    for (uint32_t i = 0; i < load32(madt + 4); i++)
        sum = (uint8_t)(sum + madt[i]);
    madt[9] = (uint8_t)(madt[9] - sum);
}
