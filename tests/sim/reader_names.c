/* Names of memory types, attributes and e820 kinds. Names are compared by their letters and digits
 * in lower case, so "ACPI Mem NVS", "ACPI_MEM_NVS" and "AcpiMemNvs" are one. Contract:
 * reader_line.h; what the types mean: UEFI 2.10 sections 7.2.1 and 7.2.3. */
#include "hal/short.h"
#include "tests/sim/reader_line.h"

#include <string.h>

struct type_name {
    const char *name;
    uint32_t type;
};

static const struct type_name type_names[] = {
    {"reserved", 0},
    {"reservedmemory", 0},
    {"reservedmemorytype", 0},
    {"loadercode", 1},
    {"ldrcode", 1},
    {"loaderdata", 2},
    {"ldrdata", 2},
    {"bootcode", 3},
    {"bscode", 3},
    {"bootservicecode", 3},
    {"bootservicescode", 3},
    {"bootdata", 4},
    {"bsdata", 4},
    {"bootservicedata", 4},
    {"bootservicesdata", 4},
    {"runtimecode", 5},
    {"rtcode", 5},
    {"runtimeservicecode", 5},
    {"runtimeservicescode", 5},
    {"runtimedata", 6},
    {"rtdata", 6},
    {"runtimeservicedata", 6},
    {"runtimeservicesdata", 6},
    {"conventionalmemory", 7},
    {"conventional", 7},
    {"available", 7},
    {"convmem", 7},
    {"conv", 7},
    {"unusablememory", 8},
    {"unusablemem", 8},
    {"unusable", 8},
    {"acpireclaimmemory", 9},
    {"acpireclaimmem", 9},
    {"acpireclaim", 9},
    {"acpirecl", 9},
    {"acpirec", 9},
    {"acpimemorynvs", 10},
    {"acpimemnvs", 10},
    {"acpinonvolatile", 10},
    {"acpinvs", 10},
    {"memorymappedio", 11},
    {"mmio", 11},
    {"memmapio", 11},
    {"io", 11},
    {"memorymappedioportspace", 12},
    {"mmioportspace", 12},
    {"mmioport", 12},
    {"memportio", 12},
    {"ioport", 12},
    {"ioports", 12},
    {"palcode", 13},
    {"pal", 13},
    {"persistentmemory", 14},
    {"persistent", 14},
    {"persist", 14},
    {"unacceptedmemory", 15},
    {"unacceptedmemorytype", 15},
    {"unaccepted", 15},
    {"invalid", READER_TYPE_UNKNOWN},
    {"unknown", READER_TYPE_UNKNOWN},
};

/* The letters and digits of [from, to), in lower case. */
static void squeeze(const char *from, const char *to, char *out, size_t size)
{
    size_t n = 0;
    for (; from < to && n + 1 < size; from++)
        if (is_name_char(*from))
            out[n++] = to_lower(*from);
    out[n] = '\0';
}

bool type_of_name(const char *from, const char *to, uint32_t *type)
{
    char squeezed[40];
    squeeze(from, to, squeezed, sizeof squeezed);
    const char *name = strncmp(squeezed, "efi", 3) == 0 ? squeezed + 3 : squeezed;
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        if (*name == *type_names[i].name && strcmp(name, type_names[i].name) == 0) {
            *type = type_names[i].type;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *name;
    uint64_t bit;
} flag_names[] = {
    {"uc", 1},
    {"uncacheable", 1},
    {"wc", 2},
    {"writecombine", 2},
    {"wt", 4},
    {"writethrough", 4},
    {"wb", 8},
    {"writeback", 8},
    {"uce", 0x10},
    {"uncachableexported", 0x10},
    {"wp", 0x1000},
    {"writeprotect", 0x1000},
    {"rp", 0x2000},
    {"readprotect", 0x2000},
    {"xp", 0x4000},
    {"executeprotect", 0x4000},
    {"nv", 0x8000},
    {"nonvolatile", 0x8000},
    {"mr", 0x10000},
    {"rel", 0x10000},
    {"morereliable", 0x10000},
    {"ro", 0x20000},
    {"readonly", 0x20000},
    {"sp", 0x40000},
    {"specialpurpose", 0x40000},
    {"cc", 0x80000},
    {"cpucrypto", 0x80000},
    {"hp", 0x100000},
    {"hotpluggable", 0x100000},
    {"isavalid", (uint64_t)1 << 62},
    {"run", (uint64_t)1 << 63},
    {"rt", (uint64_t)1 << 63},
    {"runtime", (uint64_t)1 << 63},
};

uint64_t flag_of_name(const char *from, const char *to)
{
    char name[24];
    squeeze(from, to, name, sizeof name);
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
        if (strcmp(name, flag_names[i].name) == 0)
            return flag_names[i].bit;
    return 0;
}

/* How the kinds of an e820 map begin, and the UEFI type that says the same. Specific memory is
 * conventional memory with EFI_MEMORY_SP in UEFI. */
static const struct {
    const char *begins;
    uint32_t type;
    uint64_t attributes;
} e820_kinds[] = {
    {"usable", 7, READER_ATTR_WB},
    {"systemram", 7, READER_ATTR_WB},
    {"kernelusableram", 7, READER_ATTR_WB},
    {"softreserved", 7, READER_ATTR_WB | 0x40000},
    {"reserved", 0, READER_ATTR_WB},
    {"devicereserved", 0, READER_ATTR_WB},
    {"acpidata", 9, READER_ATTR_WB},
    {"acpinvs", 10, READER_ATTR_WB},
    {"unusable", 8, READER_ATTR_WB},
    {"persistent", 14, READER_ATTR_WB},
    {"type", READER_TYPE_UNKNOWN, READER_ATTR_WB},
};

/* "1.9 GB" before the kind, as some kernels of 2025 print it. */
static const char *skip_size(const char *text)
{
    const char *p = skip_blanks(text);
    size_t digits = strspn(p, "0123456789.");
    const char *unit = skip_blanks(p + digits);
    return digits > 0 && strchr("KMGT", *unit) != NULL && unit[1] == 'B' ? unit + 2 : text;
}

bool kind_of_e820(const char *text, struct reader_entry *entry)
{
    char kind[40];
    const char *from = skip_size(text);
    squeeze(from, from + strcspn(from, "#"), kind, sizeof kind);
    for (size_t i = 0; i < ARRAY_LEN(e820_kinds); i++) {
        if (strncmp(kind, e820_kinds[i].begins, strlen(e820_kinds[i].begins)) == 0) {
            entry->type = e820_kinds[i].type;
            entry->attributes = e820_kinds[i].attributes;
            return true;
        }
    }
    return false;
}
