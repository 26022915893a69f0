/* efi/loader.h: the loader, from the firmware's call to the kernel's.
 *
 * The only folder that knows UEFI (2.10). Everything here runs on one CPU, on the firmware's stack,
 * with the firmware's page tables (virtual equals physical), at the task priority of an
 * application, and is not reentrant. Headers of gnu-efi give the types; nothing of gnu-efi is
 * linked, and numbers that its versions disagree about are our own. But for map_convert(), every
 * function is for the time before the exit, and wants a loader whose `system`, `boot` and `info`
 * are set. Sizes are bytes; costs are those of the firmware's services that are called, a bounded
 * number.
 *
 *   L1  whatever the kernel will need is copied into boot_info, or lies in LoaderData, before the
 *       first call of ExitBootServices
 *   L2  after that first call the only services called are GetMemoryMap and ExitBootServices
 * (7.4.6: nothing else is safe), and ResetSystem at the very end of hope L3  an absent protocol,
 * table, console or field is a note and a way around it; what the kernel cannot do without is a
 * sentence, a key press and a return to the firmware
 */
#ifndef EFI_LOADER_H
#define EFI_LOADER_H

#include "efi/rawmap.h"
#include "efi/text.h"
#include "efi/uefi.h"
#include "hal/base.h"
#include "kernel/boot_info.h"
#include "kernel/options.h"

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

/* Success and the warnings that UEFI lets pass for it (appendix D: an error has bit 63 set). */
static inline bool efi_ok(EFI_STATUS status)
{
    return (status & EFI_ERROR_MASK) == 0;
}

/* ---- console.c: sentences for a person, before the exit only ---- */

/* Write ASCII on ConOut; '\n' starts a new line. Without a ConOut nothing happens. */
void console_write(const struct loader *, const char *ascii);

/* The same with a new line behind it. */
void console_say(const struct loader *, const char *ascii);

/* Say that something is missing and was gone round: on ConOut, and in boot_info.notes; when these
 * are full, a last one says so. */
void console_note(const struct loader *, const char *sentence);

/* A key within `*tenths` of a second, which are counted down: its character in lower case, '.' for
 * one that has none. 0: none came, there is no ConIn, or no clock (then no tenths are left). Each
 * key costs a tenth too, so that one that is stuck cannot hold anything up. */
char console_key(const struct loader *, unsigned *tenths);

/* Wait for a key, `seconds` at most, so that a machine without a keyboard goes on. Keys pressed
 * before do not count. */
void console_wait_key(const struct loader *, unsigned seconds);

/* What a status means ("write protected"), by UEFI 2.10 appendix D; a constant. */
const char *console_status(EFI_STATUS);

/* The end, before any exit attempt: `sentence`, the status and what it means, half a minute for a
 * key. Returns `status`. */
EFI_STATUS console_fail(const struct loader *, const char *sentence, EFI_STATUS status);

/* ---- options.c ---- */

/* Fill boot_info.options: mortise.cfg (beside the .EFI, else \EFI\BOOT, else the root), then
 * LoadOptions; then loader.options. Absence is normal; what cannot be read is a note. */
void options_read(struct loader *);

/* Add `length` characters of words that a person typed, and understand all again; what does not fit
 * is a note. */
void options_add(struct loader *, const char *words, size_t length);

/* Fill loader.options from boot_info.options; unknown words are named on ConOut. */
void options_understand(struct loader *);

/* ---- volume.c: the file system that the image came from ---- */

/* Its root folder, to be closed by the caller, or NULL. */
EFI_FILE_PROTOCOL *volume_open(const struct loader *);

/* A new file in the root folder, in place of an older one of that name (but of no folder, and of no
 * file that is read-only). These are the only functions of Mortise that write to a disk, and
 * REPORT_NAME and KEPT_NAME all that they write. */
#define REPORT_NAME "mortise-report.txt"
#define KEPT_NAME   "mortise-log.txt"

struct volume_file {
    const char *name;
    EFI_FILE_PROTOCOL *root, *file;
    EFI_STATUS status; /* the first failure; nothing is written after it */
    size_t used;       /* of the buffer */
    char buffer[4096];
};

/* Begin the file `name`. What fails is kept in `status`; every other call is then harmless. */
void volume_create(const struct loader *, struct volume_file *, const char *name);

/* A line at the end of the file, by way of the buffer; bytes, past it (so not after a line). */
void volume_line(struct volume_file *, const char *text);
void volume_write(struct volume_file *, const char *bytes, size_t count);

/* Write the buffer out, close the file, and say how it went: what could not be written whole is
 * taken away again, and a note says why. `status` stays to be read. */
void volume_finish(const struct loader *, struct volume_file *);

/* ---- report.c ---- */

/* Write mortise-report.txt: what is known before the exit, the raw map in `.map` lines; before it
 * the log of an earlier boot. With report=off nothing is written. */
void report_write(struct loader *);

/* Entry `index` of the map, below rawmap_count(), as a line of a .map file: "7 0x1000 0x2000 0xf"
 * (type, start, end, attributes). Lasts as TEXT() does. */
const char *report_map_line(const struct loader *, size_t index);

/* ---- protect.c ---- */

/* Lines about the firmware's own page tables (Intel SDM vol. 3A, 4.5), which are read as far as the
 * map covers them, 65536 at most. */
void protect_report(const struct loader *, struct volume_file *);

/* ---- kept.c ---- */

/* Take the block of the kept log (kernel/log/keep.h) for boot_info.keep, at one of five places, first
 * at one where the boot before left a log (its bytes: kept_length), else at the first that is free.
 * None free is a note, and so is a damaged log. */
void kept_find(struct loader *);

/* Write a log that was found to mortise-log.txt, once; again only if that failed. */
void kept_write(struct loader *);

/* ---- menu.c ---- */

/* Options and a menu, for as long as the options say; it goes on by itself when that time is over
 * (a minute after a command), and after 100 keys. Without a ConIn there is none. */
void menu_show(struct loader *);

/* ---- tables.c ---- */

/* Fill boot_info.rsdp and .smbios from the configuration table (UEFI 2.10 section 4.6; ACPI 6.5,
 * 5.2.5.3). An address is read only if the map says that memory is there, or from 0xA0000 to 1 MiB.
 * A root pointer elsewhere is handed over unread when no sound one is at hand: the kernel maps what
 * it reads. After map_prepare(). What is damaged is a note, and so is having no ACPI. */
void tables_find(const struct loader *);

/* A line for each table, 1024 at most, that the root pointer leads to. */
void tables_report(const struct loader *, struct volume_file *);

/* ---- graphics.c ---- */

/* Fill boot_info.framebuffer (UEFI 2.10 section 12.9), or leave base 0 with a note that says why
 * there is none. No mode is changed, but where a screen has none at all. */
void graphics_find(const struct loader *);

/* A line for each mode of each screen, 64 a screen at most. */
void graphics_report(const struct loader *, struct volume_file *);

/* ---- map.c ---- */

/* Allocate the map buffer, with slack for 512 more descriptors, and boot_info.map; read the map a
 * first time (UEFI 2.10 section 7.2.3). An error is one of the firmware's, EFI_OUT_OF_RESOURCES, or
 * EFI_COMPROMISED_DATA for a map that cannot be read as one. */
EFI_STATUS map_prepare(struct loader *);

/* Read the map again into loader.map, before the exit; what cannot be read stays as it was. */
void map_refresh(struct loader *);

/* Leave boot services (UEFI 2.10 section 7.4.6), in 64 attempts at most: true, or false when the
 * firmware refused to the last (L2 binds then). `*touched` says whether ExitBootServices was ever
 * called: if not, its services still work. On success interrupts are off and boot_info.exit_tsc and
 * .exit_attempts are set. */
bool map_exit(struct loader *, bool *touched);

/* After the exit: the raw map into boot_info.map, firmware order kept. O(descriptors). */
void map_convert(const struct loader *);

/* Pages of LoaderData whose last byte is at or below `limit` (0: anywhere): the physical address of
 * the first, or 0 (page 0 counts as none). Or just those at `address`, a multiple of 4 KiB: true.
 */
uint64_t map_take_pages(const struct loader *, uint64_t pages, uint64_t limit);
bool map_take_at(const struct loader *, uint64_t address, uint64_t pages);

/* ---- main.c ---- */

/* The image's entry point (UEFI 2.10 section 4.1). Returns only when Mortise cannot start, with a
 * status that says why. */
EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

#endif
