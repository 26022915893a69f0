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
#include "kernel/options.h"

#include <efi.h>

struct volume_file;

struct loader {
    EFI_HANDLE image;
    EFI_SYSTEM_TABLE *system;
    EFI_BOOT_SERVICES *boot;
    EFI_LOADED_IMAGE_PROTOCOL *loaded; /* NULL on some firmware, and each of its fields may be */
    struct boot_info *info;
    struct options options; /* those of info->options, understood */
    size_t kept_length;     /* bytes of the log that the boot before left, 0: none */
    struct rawmap map;      /* the last map that was read */
    uint8_t *map_buffer;    /* LoaderData; what `map` and the firmware write into */
    size_t map_capacity;    /* bytes of it */
};

/* Success and the warnings that UEFI lets pass for it. */
static inline bool efi_ok(EFI_STATUS status)
{
    return (status & EFI_ERROR_MASK) == 0;
}

/* ---- console.c: sentences for a person, before the exit only ---- */

/* Write ASCII on ConOut; '\n' starts a new line. Without a ConOut nothing happens. */
void console_write(const struct loader *, const char *ascii);

/* The same with a new line behind it. */
void console_say(const struct loader *, const char *ascii);

/* Say that something is missing and was gone round: on ConOut, and in boot_info.notes. */
void console_note(const struct loader *, const char *sentence);

/* A key within `*tenths` of a second, which are counted down: its character in lower case, '.' for
 * one that has none. 0: none came, there is no ConIn, or no clock. Each key costs a tenth too, so
 * that one that is stuck cannot hold anything up. */
char console_key(const struct loader *, unsigned *tenths);

/* Wait for a key, `seconds` at most, so that a machine without a keyboard goes on. */
void console_wait_key(const struct loader *, unsigned seconds);

/* What a status means ("write protected"). */
const char *console_status(EFI_STATUS);

/* The end, before any exit attempt: `sentence`, the status in words when there are any, a key. */
EFI_STATUS console_fail(const struct loader *, const char *sentence, EFI_STATUS status);

/* ---- options.c ---- */

/* Fill boot_info.options: mortise.cfg (beside the .EFI, else \EFI\BOOT, else the root), then
 * LoadOptions; then loader.options. Absence is normal; what cannot be read is a note. */
void options_read(struct loader *);

/* Add words that a person typed. */
void options_add(struct loader *, const char *words, size_t length);

/* Fill loader.options from boot_info.options; unknown words are named on ConOut. */
void options_understand(struct loader *);

/* ---- volume.c: the file system that the image came from ---- */

/* Its root folder, to be closed by the caller, or NULL. */
EFI_FILE_PROTOCOL *volume_open(const struct loader *);

/* A new file in the root folder, in place of an older one of that name. These are the only
 * functions of Mortise that write to a disk, and REPORT_NAME and KEPT_NAME all that they write. */
#define REPORT_NAME "mortise-report.txt"
#define KEPT_NAME   "mortise-log.txt"

struct volume_file {
    const char *name;
    EFI_FILE_PROTOCOL *root, *file;
    EFI_STATUS status; /* the first failure; nothing is written after it */
    size_t used;
    char buffer[4096];
};

/* Begin the file `name`. What fails is kept in `status`; every other call is then harmless. */
void volume_create(const struct loader *, struct volume_file *, const char *name);

/* A line at the end of the file, by way of the buffer; bytes, past it. */
void volume_line(struct volume_file *, const char *text);
void volume_write(struct volume_file *, const char *bytes, size_t count);

/* Close it, and say how it went: what could not be written whole is taken away again, and a note
 * says why. */
void volume_finish(const struct loader *, struct volume_file *);

/* ---- report.c ---- */

/* Write mortise-report.txt: what is known before the exit, the raw map in `.map` lines; before it
 * the log of an earlier boot. With report=off nothing is written. */
void report_write(struct loader *);

/* Entry `index` of the map as a line of a .map file: "7 0x1000 0x2000 0xf". As TEXT(). */
const char *report_map_line(const struct loader *, size_t index);

/* ---- protect.c ---- */

/* Lines about the firmware's own page tables, which are read as far as the map covers them. */
void protect_report(const struct loader *, struct volume_file *);

/* ---- kept.c ---- */

/* Take the block of the kept log (kernel/keep.h) for boot_info.keep, and look whether the boot
 * before left a log in it. */
void kept_find(struct loader *);

/* Write a log that was found to mortise-log.txt, once. */
void kept_write(struct loader *);

/* ---- menu.c ---- */

/* Options and a menu, for as long as the options say; it goes on by itself. */
void menu_show(struct loader *);

/* ---- tables.c ---- */

/* Fill boot_info.rsdp and .smbios. An address is read only if the map covers it. */
void tables_find(const struct loader *);

/* A line for each table that the root pointer leads to. */
void tables_report(const struct loader *, struct volume_file *);

/* ---- graphics.c ---- */

/* Fill boot_info.framebuffer, or leave base 0 with a note that says why there is none. No mode is
 * changed, but where a screen has none at all. */
void graphics_find(const struct loader *);

/* A line for each mode of each screen. */
void graphics_report(const struct loader *, struct volume_file *);

/* ---- map.c ---- */

/* Allocate the map buffer, with slack for what it will grow by, and boot_info.map; read the map a
 * first time. An error is one of the firmware's, or EFI_COMPROMISED_DATA for a map that cannot be
 * read as one. */
EFI_STATUS map_prepare(struct loader *);

/* Read the map again into loader.map, before the exit; what cannot be read stays as it was. */
void map_refresh(struct loader *);

/* Leave boot services: true, or false when the firmware refused to the last (L2 binds then).
 * `*touched` says whether ExitBootServices was ever called: if not, its services still work.
 * On success interrupts are off and boot_info.exit_tsc and .exit_attempts are set. */
bool map_exit(struct loader *, bool *touched);

/* After the exit: the raw map into boot_info.map, firmware order kept. */
void map_convert(const struct loader *);

/* Pages of LoaderData at or below `limit` (0: anywhere), or 0; or just at `address`. */
uint64_t map_take_pages(const struct loader *, uint64_t pages, uint64_t limit);
bool map_take_at(const struct loader *, uint64_t address, uint64_t pages);

/* ---- main.c ---- */

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

#endif
