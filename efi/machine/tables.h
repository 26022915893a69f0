/* efi/machine/tables.h: the tables that the firmware names in its configuration table (UEFI 2.10 section
 * 4.6): ACPI's root pointer (ACPI 6.5, 5.2.5.3) and SMBIOS's entry point. */
#ifndef EFI_MACHINE_TABLES_H
#define EFI_MACHINE_TABLES_H

#include "efi/base/loader.h"
#include "efi/talk/volume.h"

/* Fill boot_info.rsdp and .smbios. An address is read only if the map says that memory is there, or where
 * places_tables() allows it. When no sound root pointer can be read, one that lies elsewhere is handed
 * over unread: the kernel maps what it reads. The same holds for the SMBIOS, of which the entry point of 3.0
 * goes before that of 2.1. After map_prepare(). A damaged table is a note, and so is
 * having no ACPI. */
void tables_find(const struct loader *);

/* The `size` bytes at `address`, where they may be read (see above): a view of memory for kernel/ram/slots.h,
 * of which `loader` is the context. Else NULL, and `*why` is a constant sentence. O(descriptors). */
const unsigned char *tables_read(const void *loader, uint64_t address, uint64_t size,
                                 const char **why);

/* Add a line for each table that the root pointer leads to, 1024 at most, and one for each of them that
 * tells of an IOMMU. */
void tables_report(const struct loader *, struct volume_file *);

#endif
