#include "efi/machine/tables.h"
#include "hal/short.h"
#include "efi/arch/places.h"
#include "efi/base/text.h"
#include "efi/talk/console.h"
#include "hal/unaligned.h"

/* Real system tables list about a dozen tables. A count beyond this is not believed. */
#define TABLES_MAX 1024u

#define HEADER 36u /* bytes of an ACPI table's header */

static const EFI_GUID acpi2 = {
    0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88, 0x81}};
static const EFI_GUID acpi1 = {
    0xeb9d2d30, 0x2d88, 0x11d3, {0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};
static const EFI_GUID smbios3 = {
    0xf2fd1544, 0x9794, 0x4a2c, {0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94}};
static const EFI_GUID smbios2 = {
    0xeb9d2d31, 0x2d88, 0x11d3, {0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};

static const EFI_GUID device_tree = {
    0xb1b621d5, 0xf19c, 0x41a5, {0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0}};

static bool same_bytes(const void *a, const void *b, size_t count)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < count; i++)
        if (x[i] != y[i])
            return false;
    return true;
}

static uint64_t find(const struct loader *l, const EFI_GUID *id)
{
    size_t count = l->system->NumberOfTableEntries;
    const EFI_CONFIGURATION_TABLE *table = l->system->ConfigurationTable;
    for (size_t i = 0; table != NULL && count <= TABLES_MAX && i < count; i++)
        if (same_bytes(&table[i].VendorGuid, id, 16))
            return (uint64_t)(uintptr_t)table[i].VendorTable;
    return 0;
}

static bool readable(const struct loader *l, uint64_t address, uint64_t size)
{
    return address != 0 && (places_tables(address, size) || rawmap_covers(&l->map, address, size));
}

static bool begins(const struct loader *l, uint64_t address, const char *mark, size_t length,
                   size_t size)
{
    return readable(l, address, size) && same_bytes((const void *)(uintptr_t)address, mark, length);
}

static bool sums_to_zero(uint64_t address, size_t size)
{
    const uint8_t *at = (const uint8_t *)(uintptr_t)address;
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + at[i]);
    return sum == 0;
}

/* What is known of an address that the firmware calls the root pointer, from bad to good. UNSEEN: the map
 * does not list its bytes, so the loader does not read them, but the kernel can. */
enum worth { ABSENT, DAMAGED, UNSEEN, SOUND };

/* A root pointer has 20 bytes with a checksum of their own, and from revision 2 on 36 with a second one. */
static enum worth judge_rsdp(const struct loader *l, uint64_t address)
{
    if (address == 0)
        return ABSENT;
    if (!readable(l, address, 20))
        return UNSEEN;
    if (!begins(l, address, "RSD PTR ", 8, 20) || !sums_to_zero(address, 20))
        return DAMAGED;
    if (((const uint8_t *)(uintptr_t)address)[15] < 2)
        return SOUND;
    if (!readable(l, address, 36))
        return UNSEEN;
    return sums_to_zero(address, 36) ? SOUND : DAMAGED;
}

static uint64_t find_rsdp(const struct loader *l)
{
    uint64_t second = find(l, &acpi2), first = find(l, &acpi1);
    enum worth of_second = judge_rsdp(l, second), of_first = judge_rsdp(l, first);
    if (of_second == DAMAGED)
        console_note(l, "The ACPI 2.0 root pointer is damaged; trying that of ACPI 1.0.");
    if (of_second >= UNSEEN && of_second >= of_first)
        return second;
    if (of_first >= UNSEEN)
        return first;
    console_note(l, of_first == DAMAGED
                        ? "The ACPI 1.0 root pointer is damaged; going on without ACPI."
                        : "The firmware names no usable ACPI tables; going on without.");
    return 0;
}

/* The mark alone: kernel/ram/smbios.h judges the rest. */
static enum worth judge_smbios(const struct loader *l, uint64_t address, const char *mark)
{
    size_t length = text_length(mark);
    if (address == 0)
        return ABSENT;
    if (!readable(l, address, length))
        return UNSEEN;
    return begins(l, address, mark, length, length) ? SOUND : DAMAGED;
}

static uint64_t find_smbios(const struct loader *l)
{
    uint64_t third = find(l, &smbios3), second = find(l, &smbios2);
    enum worth of_third = judge_smbios(l, third, "_SM3_");
    enum worth of_second = judge_smbios(l, second, "_SM_");
    if (of_third >= UNSEEN && of_third >= of_second)
        return third;
    if (of_second >= UNSEEN)
        return second;
    if (third != 0 || second != 0)
        console_note(l, "The SMBIOS entry point is damaged; going on without SMBIOS.");
    return 0;
}

/* Name an IOMMU. It can keep devices away from memory, and the kernel leaves it as the firmware set it. */
static void report_iommu(struct volume_file *f, const char *table)
{
    static const struct {
        char table[5];
        const char *name;
    } known[] = {{"DMAR", "Intel VT-d"}, {"IVRS", "AMD-Vi"}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (same_bytes(table, known[i].table, 4))
            volume_line(f, TEXT("# iommu: %s tells of %s; it stays as the firmware set it",
                                S(table), S(known[i].name)));
}

static void report_table(const struct loader *l, struct volume_file *f, uint64_t address)
{
    char name[5] = "none";
    const uint8_t *header = (const uint8_t *)(uintptr_t)address;
    bool known = readable(l, address, HEADER);
    uint64_t length = known ? load32(header + 4) : 0;
    for (size_t i = 0; known && i < 4; i++)
        name[i] = (char)header[i];
    volume_line(f, TEXT("# acpi: %s at %x, %u bytes, %s", S(name), U(address), U(length),
                        S(known && readable(l, address, length) ? "all in the map"
                                                                : "not all in the map")));
    report_iommu(f, name);
}

void tables_report(const struct loader *l, struct volume_file *f)
{
    const uint8_t *rsdp = (const uint8_t *)(uintptr_t)l->info->rsdp;
    if (rsdp == NULL)
        return;
    if (judge_rsdp(l, l->info->rsdp) != SOUND) {
        volume_line(f,
                    TEXT("# acpi: the root pointer at %x is not in this map; the kernel reads it",
                         U(l->info->rsdp)));
        return;
    }
    uint64_t root = rsdp[15] >= 2 ? load64(rsdp + 24) : 0;
    size_t size = root != 0 ? 8 : 4;
    root = root != 0 ? root : load32(rsdp + 16);
    report_table(l, f, root);
    if (!readable(l, root, HEADER))
        return;
    const uint8_t *list = (const uint8_t *)(uintptr_t)root;
    uint64_t length = hal_min_u64(load32(list + 4), HEADER + TABLES_MAX * size);
    for (uint64_t at = HEADER; at + size <= length && readable(l, root, at + size); at += size)
        report_table(l, f, size == 8 ? load64(list + at) : load32(list + at));
}

const unsigned char *tables_read(const void *loader, uint64_t address, uint64_t size,
                                 const char **why)
{
    if (readable(loader, address, size))
        return (const unsigned char *)(uintptr_t)address;
    *why = "it is not in the memory map; the kernel reads it";
    return NULL;
}

void tables_find(const struct loader *l)
{
    if (l->system->NumberOfTableEntries > TABLES_MAX)
        console_note(l, "The firmware claims an absurd number of tables; none is used.");
    l->info->rsdp = find_rsdp(l);
    l->info->smbios = find_smbios(l);
    l->info->device_tree = find(l, &device_tree);
}
