/* mm/mem_type.h: the types of physical memory: what each may be used for, and what the types of UEFI
 * become.
 *
 * Three questions are asked of a type, and they are not the same:
 *   mem_type_is_allocatable   may the page allocator get it: now, at reclaim, or when it is added?
 *   mem_type_is_free_ram      is it there: may the page allocator get it now or at reclaim?
 *   mem_type_is_ram           is it RAM that a kernel may map write-back, read and write?
 * A window where memory may be added is allocatable, and no RAM. ACPI tables, say, are RAM that is not
 * allocatable.
 *
 * Everything here is a pure function, for any context, and takes any number for a type.
 */
#ifndef MORTISE_MM_MEM_TYPE_H
#define MORTISE_MM_MEM_TYPE_H

#include "../hal/base.h"

/* From the weakest word on a page to the strongest, and so, from RAM on, from most to least usable:
 * where entries of a map overlap, the later type wins. */
enum mem_type {
    MEM_NONE = 0,     /* a hole: no region has this type */
    MEM_HOTPLUG,      /* no memory yet: a window in which some may be added later (pmm_add()) */
    MEM_USABLE,       /* free RAM */
    MEM_BOOT,         /* BootServices code and data: usable at reclaim */
    MEM_LOADER,       /* Loader code and data: usable at reclaim, except what is ours */
    MEM_BAD,          /* RAM of these three that is known to be bad: see memmap_retire() */
    MEM_ACPI_RECLAIM, /* ACPI tables */
    MEM_SPECIFIC,     /* EFI_MEMORY_SP: special-purpose memory, shown and not allocated */
    MEM_PERSISTENT,
    MEM_UNACCEPTED,
    MEM_ACPI_NVS,
    MEM_RUNTIME,  /* runtime services code and data */
    MEM_RESERVED, /* reserved, unknown and OEM types, RAM that fails a rule, the first MiB */
    MEM_MMIO,
    MEM_UNUSABLE, /* the firmware saw errors there */
    MEM_TYPE_COUNT,
};

/* Can a region have this type? A hole cannot. */
static inline bool mem_type_is_stored(enum mem_type type)
{
    return (unsigned)type > MEM_NONE && (unsigned)type < MEM_TYPE_COUNT;
}

/* May the page allocator get memory of this type: now, at reclaim, or when it is added? */
static inline bool mem_type_is_allocatable(enum mem_type type)
{
    return type == MEM_HOTPLUG || type == MEM_USABLE || type == MEM_BOOT || type == MEM_LOADER;
}

/* Is it there already: RAM that the page allocator gets now, or at reclaim? */
static inline bool mem_type_is_free_ram(enum mem_type type)
{
    return mem_type_is_allocatable(type) && type != MEM_HOTPLUG;
}

/* Is memory of this type RAM, whoever uses it? Persistent and unaccepted memory is not counted:
 * the first is storage, and to touch the second stops a guest. What is reserved may be anything. A bad page is
 * RAM: mapped like its neighbours it breaks no large page. */
static inline bool mem_type_is_ram(enum mem_type type)
{
    return mem_type_is_free_ram(type) || type == MEM_BAD || type == MEM_ACPI_RECLAIM ||
           type == MEM_SPECIFIC || type == MEM_ACPI_NVS || type == MEM_RUNTIME;
}

/* A name for people: "usable", "ACPI NVS". Never NULL. */
const char *mem_type_name(enum mem_type);

/* The type of a UEFI descriptor: types 0 to 15 of UEFI 2.10 section 7.2.1 and the attribute bits WB
 * 8, RP 0x2000, SP 0x40000 of section 7.2.3. Conventional, Loader and BootServices memory without
 * WB or with RP is MEM_RESERVED, else with SP it is MEM_SPECIFIC. A type that UEFI does not name is
 * MEM_RESERVED, and `*known` (may be NULL) is false. */
enum mem_type mem_type_from_uefi(uint32_t uefi_type, uint64_t attributes, bool *known);

/* Does a UEFI descriptor lack nothing but the attribute WB to be allocatable? Such memory is
 * reserved; a machine that has no other cannot be used, and this says why. */
bool mem_type_lacks_write_back(uint32_t uefi_type, uint64_t attributes);

#endif
