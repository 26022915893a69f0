/* efi/base/loader.h: what the loader knows, and the rules that all of efi/ keeps.
 *
 * efi/ is the only folder that knows UEFI (2.10). It runs on one CPU, on the firmware's stack, with
 * the firmware's page tables, where virtual equals physical, at the task priority of an application.
 * Nothing in it is reentrant. Unless a header says otherwise, a function may be called only before
 * the exit, with a loader whose `system`, `boot` and `info` are set; sizes are bytes; and a call
 * costs as much as the firmware's services that it calls, which are a bounded number.
 *
 * Its rooms, from the bottom up: base/ (this struct, and what calls no service), talk/ (console, files
 * and options: a person's side), arch/ (what is asked of an architecture; x86_64/ answers), memory/ (the
 * map, the pages that the loader takes, the exit), machine/ (what the firmware tells of the machine),
 * and the story itself: main, menu, report.
 *
 *   L1  what the kernel needs is copied into boot_info, or lies in LoaderData, before the first call
 *       of ExitBootServices
 *   L2  after that first call only GetMemoryMap and ExitBootServices are called, for nothing else is
 *       safe (7.4.6); and ResetSystem when there is no hope left
 *   L3  when a protocol, table, console or field is missing, a note says so and the boot goes a way
 *       around it; when it is something that the kernel cannot do without, a sentence says so, and
 *       after a key press the machine goes back to the firmware
 */
#ifndef EFI_BASE_LOADER_H
#define EFI_BASE_LOADER_H

#include "efi/base/rawmap.h"
#include "efi/base/uefi.h"
#include "kernel/boot_info.h"
#include "kernel/log/format.h"
#include "kernel/options.h"

struct loader {
    EFI_HANDLE image;
    EFI_SYSTEM_TABLE *system;
    EFI_BOOT_SERVICES *boot;
    EFI_LOADED_IMAGE_PROTOCOL *loaded; /* NULL on some firmware, and each of its fields may be */
    struct boot_info *info;
    struct options options; /* what info->options says */
    size_t kept_length;     /* bytes of the log that an earlier boot left; 0: none */
    char kept_result[LOG_LINE]; /* its result as JSON (efi/memory/kept.h); empty: there is no such log */
    struct rawmap map;      /* the last map that was read */
    uint8_t *map_buffer;    /* LoaderData; `map` lies in it, and the firmware writes into it */
    size_t map_capacity;    /* bytes of it */
};

#endif
