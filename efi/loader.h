/* efi/loader.h: the loader, from the firmware's call to the kernel's.
 *
 * The only folder that knows UEFI. Everything here runs on one CPU, on the firmware's stack, with
 * the firmware's page tables (virtual equals physical). Headers of gnu-efi give the types; nothing
 * of gnu-efi is linked, and numbers that its versions disagree about are our own.
 *
 *   L1  whatever the kernel will need is copied into boot_info, or lies in LoaderData, before the
 *       first call of ExitBootServices
 *   L2  after that first call the only services called are GetMemoryMap and ExitBootServices, and
 *       ResetSystem at the very end of hope
 *   L3  an absent protocol, table, console or field is a note and a way around it; what the kernel
 *       cannot do without is a sentence, a key press and a return to the firmware
 */
#ifndef EFI_LOADER_H
#define EFI_LOADER_H

#include "efi/rawmap.h"
#include "efi/text.h"
#include "hal/base.h"
#include "kernel/boot_info.h"

#include <efi.h>

struct loader {
    EFI_HANDLE image;
    EFI_SYSTEM_TABLE *system;
    EFI_BOOT_SERVICES *boot;
    EFI_LOADED_IMAGE_PROTOCOL *loaded; /* NULL on some firmware, and each of its fields may be */
    struct boot_info *info;
    struct rawmap map;   /* the last map that was read */
    uint8_t *map_buffer; /* LoaderData; what `map` and the firmware write into */
    size_t map_capacity; /* bytes of it */
};

/* Success and the warnings that UEFI lets pass for it. */
static inline bool efi_ok(EFI_STATUS status)
{
    return (status & EFI_ERROR_MASK) == 0;
}

/* ---- console.c: sentences for a person, before the exit only ---- */

/* Write ASCII on ConOut; '\n' starts a new line. Without a ConOut nothing happens. */
void console_write(const struct loader *, const char *ascii);

/* Say that something is missing and was gone round: on ConOut, and in boot_info.notes. */
void console_note(const struct loader *, const char *sentence);

/* Wait for a key, `seconds` at most, so that a machine without a keyboard goes on. */
void console_wait_key(const struct loader *, unsigned seconds);

/* The end, before any exit attempt: `sentence`, the status in words when there are any, a key. */
EFI_STATUS console_fail(const struct loader *, const char *sentence, EFI_STATUS status);

/* ---- options.c ---- */

/* Fill boot_info.options: mortise.cfg (beside the .EFI, else \EFI\BOOT, else the root), then
 * LoadOptions. Absence is normal; what cannot be read is a note. */
void options_read(const struct loader *);

/* ---- tables.c ---- */

/* Fill boot_info.rsdp and .smbios. An address is read only if the map covers it. */
void tables_find(const struct loader *);

/* ---- graphics.c ---- */

/* Fill boot_info.framebuffer, or leave base 0 with a note that says why there is none. No mode is
 * changed, but where a screen has none at all. */
void graphics_find(const struct loader *);

/* ---- map.c ---- */

/* Allocate the map buffer, with slack for what it will grow by, and boot_info.map; read the map a
 * first time. An error is one of the firmware's, or EFI_COMPROMISED_DATA for a map that cannot be
 * read as one. */
EFI_STATUS map_prepare(struct loader *);

/* Leave boot services: true, or false when the firmware refused to the last (L2 binds then).
 * `*touched` says whether ExitBootServices was ever called: if not, its services still work.
 * On success interrupts are off and boot_info.exit_tsc and .exit_attempts are set. */
bool map_exit(struct loader *, bool *touched);

/* After the exit: the raw map into boot_info.map, firmware order kept. */
void map_convert(const struct loader *);

/* Pages of LoaderData at or below `limit` (0: anywhere), or 0. */
uint64_t map_take_pages(const struct loader *, uint64_t pages, uint64_t limit);

/* ---- main.c ---- */

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

#endif
