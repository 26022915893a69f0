#include "mem_type.h"

/* UEFI 2.10, section 7.2.3. */
#define ATTRIBUTE_WB ((uint64_t)0x8)     /* can be cached write-back */
#define ATTRIBUTE_RP ((uint64_t)0x2000)  /* must not be read */
#define ATTRIBUTE_SP ((uint64_t)0x40000) /* special purpose: not for general use */

/* UEFI 2.10, section 7.2.1, table 7.6. */
static const enum mem_type uefi_types[] = {
    [0] = MEM_RESERVED,     /* EfiReservedMemoryType */
    [1] = MEM_LOADER,       /* EfiLoaderCode */
    [2] = MEM_LOADER,       /* EfiLoaderData */
    [3] = MEM_BOOT,         /* EfiBootServicesCode */
    [4] = MEM_BOOT,         /* EfiBootServicesData */
    [5] = MEM_RUNTIME,      /* EfiRuntimeServicesCode */
    [6] = MEM_RUNTIME,      /* EfiRuntimeServicesData */
    [7] = MEM_USABLE,       /* EfiConventionalMemory */
    [8] = MEM_UNUSABLE,     /* EfiUnusableMemory */
    [9] = MEM_ACPI_RECLAIM, /* EfiACPIReclaimMemory */
    [10] = MEM_ACPI_NVS,    /* EfiACPIMemoryNVS */
    [11] = MEM_MMIO,        /* EfiMemoryMappedIO */
    [12] = MEM_MMIO,        /* EfiMemoryMappedIOPortSpace */
    [13] = MEM_RESERVED,    /* EfiPalCode */
    [14] = MEM_PERSISTENT,  /* EfiPersistentMemory */
    [15] = MEM_UNACCEPTED,  /* EfiUnacceptedMemoryType */
};

/* The attributes are a promise about RAM alone: other types keep theirs whatever they say. */
enum mem_type mem_type_from_uefi(uint32_t uefi_type, uint64_t attributes, bool *known)
{
    bool named = uefi_type < (sizeof uefi_types / sizeof uefi_types[0]);
    if (known != NULL)
        *known = named;
    enum mem_type type = named ? uefi_types[uefi_type] : MEM_RESERVED;
    if (!mem_type_is_allocatable(type))
        return type;
    if ((attributes & ATTRIBUTE_WB) == 0 || (attributes & ATTRIBUTE_RP) != 0)
        return MEM_RESERVED;
    return (attributes & ATTRIBUTE_SP) != 0 ? MEM_SPECIFIC : type;
}

bool mem_type_lacks_write_back(uint32_t uefi_type, uint64_t attributes)
{
    return (attributes & ATTRIBUTE_WB) == 0 &&
           mem_type_is_allocatable(mem_type_from_uefi(uefi_type, attributes | ATTRIBUTE_WB, NULL));
}

const char *mem_type_name(enum mem_type type)
{
    static const char *const names[] = {
        [MEM_NONE] = "hole",
        [MEM_HOTPLUG] = "hot-plug window",
        [MEM_USABLE] = "usable",
        [MEM_BOOT] = "boot services",
        [MEM_LOADER] = "loader",
        [MEM_BAD] = "bad",
        [MEM_ACPI_RECLAIM] = "ACPI tables",
        [MEM_SPECIFIC] = "special purpose",
        [MEM_PERSISTENT] = "persistent",
        [MEM_UNACCEPTED] = "unaccepted",
        [MEM_ACPI_NVS] = "ACPI NVS",
        [MEM_RUNTIME] = "runtime services",
        [MEM_RESERVED] = "reserved",
        [MEM_MMIO] = "device",
        [MEM_UNUSABLE] = "faulty",
    };
    _Static_assert((sizeof names / sizeof names[0]) == MEM_TYPE_COUNT, "every type has a name");
    return (unsigned)type < MEM_TYPE_COUNT ? names[type] : "unknown type";
}
