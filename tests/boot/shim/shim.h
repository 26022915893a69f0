/* tests/boot/shim/shim.h: a program between the firmware and the image under test.
 *
 * It is started as EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI, reads shim.cfg (and shim.map) beside itself, puts its own
 * functions in the firmware's table of boot services, and starts MORTISE.EFI beside itself. Calls
 * that come from that image meet the tricks that shim.cfg asks for; calls of the firmware's own
 * drivers do not. What happens is told on the first serial port in lines "shim: ...", past the
 * firmware; the test (shim_test.py) reads them.
 *
 *   S1  after the image's first ExitBootServices any service but GetMemoryMap and ExitBootServices
 *       is refused to the image, and a line says which (loader.h, L2)
 *   S2  when the real exit has been made, the real map as the image last read it is printed: the
 *       test works out from it what the kernel must say
 *   S3  the tricks change what the image is told and the memory that firmware has given up, never
 *       the rest of the firmware
 */
#ifndef SHIM_H
#define SHIM_H

#include "efi/base/uefi.h"
#include "hal/base.h"

/* A descriptor; the layout of UEFI's first 40 bytes. */
struct entry {
    uint64_t type; /* with its padding */
    uint64_t base;
    uint64_t virt;
    uint64_t pages;
    uint64_t attributes;
};
_Static_assert(sizeof(struct entry) == 40, "a descriptor as the firmware writes it");

#define LIST_MAX    2048u
#define OPTIONS_MAX 1024u

struct list {
    size_t count;
    struct entry at[LIST_MAX];
};

/* shim.cfg: words NAME or NAME=NUMBER between blanks, numbers in decimal or 0x..., see config.c. */
struct config {
    uint64_t exit_fail; /* so many calls of ExitBootServices are refused; the map grows each time */
    uint64_t
        exit_stale;   /* so many more are passed on with a wrong key, which the firmware refuses */
    uint64_t stride;  /* what is told as the size of a descriptor */
    uint64_t version; /* and as their version */
    uint64_t
        small_from; /* from this reading of the map on the buffer is too small, whatever it is */
    uint64_t small_after; /* or from so many calls of ExitBootServices on */
    uint64_t small_count; /* for so many readings */
    uint64_t grow;        /* entries by which each reading of the map grows */
    uint64_t shuffle;     /* 0, or the seed by which the map is shuffled */
    uint64_t acpi_type; /* types 9 and 10 are told as this type, 256: not at all; 9: as they are */
    uint64_t uncached_at; /* 0, or where 16 MiB are made uncached by an MTRR */
    uint64_t rsdp_at;   /* 0, or where the root pointers are copied to, 64 bytes each */
    uint64_t loader_type; /* LoaderCode and LoaderData are told as this type; 2: as they are */
    uint64_t hurry;       /* Stall takes 1/hurry of what was asked for */
    uint64_t gop_pitch;   /* what a screen is told to have as PixelsPerScanLine, */
    uint64_t gop_size;    /* and as FrameBufferSize; UINT64_MAX: as it is */
    uint64_t lines;       /* lines of the interrupt controller are left open, and a timer runs */
    uint64_t gicc;        /* the MADT tells redistributors CPU by CPU, and no ranges of them */
    uint64_t processors;  /* what EFI_MP_SERVICES counts, one of them not enabled; 0: as it is */
    uint64_t press;       /* 0, or: a key is pressed whenever it was asked for so often in vain */
    uint64_t no_pages;    /* 0, or: this AllocatePages of the image and all later ones fail */
    uint64_t no_low;      /* no page below 1 MiB */
    uint64_t zero_page;   /* the first page asked for below 1 MiB is page 0 */
    uint64_t no_loaded;   /* no LoadedImage protocol */
    uint64_t no_path;     /* LoadedImage without FilePath */
    uint64_t no_device;   /* LoadedImage without DeviceHandle */
    uint64_t wrong_base;  /* LoadedImage tells another ImageBase */
    uint64_t con_none;    /* no console from the start */
    uint64_t con_null;    /* none from the first ExitBootServices on */
    uint64_t con_wild;    /* one whose pointers lead nowhere, from then on */
    uint64_t bss;     /* what the image's sections hold beyond the file is full of ones at its start */
    uint64_t junk;    /* 1: BootServices memory is overwritten after the exit, 2: free memory too */
    uint64_t protect; /* 1: the image's sections get their rights, 2: no other data may execute, 3: and
                         what is free at the exit is not mapped */
    uint64_t
        broken; /* for the proof, with protect: 1: data is read-only, 2: code may not execute */
    size_t options_bytes; /* load-options=HEX */
    uint8_t options[OPTIONS_MAX];
    struct list add; /* add=TYPE,BASE,PAGES,ATTRIBUTES: at the end of the map, in this order */
};

extern struct config config;
extern struct list overlay; /* shim.map, in lines TYPE START END ATTRIBUTES; empty: none */
extern struct list real;    /* the firmware's map as it was last read */

struct child {
    EFI_HANDLE handle;
    EFI_LOADED_IMAGE_PROTOCOL *loaded;
};
extern struct child child;
extern EFI_SYSTEM_TABLE *st;

static inline bool ok(EFI_STATUS status)
{
    return (status >> 63) == 0;
}

/* ---- say.c: the first serial port ---- */
void say(const char *text);
void say_hex(uint64_t number); /* " 0x..." */
void say_end(void);
void say_seconds(void);                                     /* of the day */
_Noreturn void stop(const char *sentence, uint64_t number); /* power off */

/* ---- config.c ---- */
void config_read(const char *text, size_t length);
void overlay_read(const char *text, size_t length);

/* ---- map.c ---- */

/* Read the real map, by the firmware's own function, into `real`. */
EFI_STATUS map_read_real(EFI_GET_MEMORY_MAP read, UINTN *key);

/* The list that the image is told at its `reading`th reading, made from `real`. */
const struct list *map_make(uint64_t reading);
void map_say_real(void);

/* ---- services.c ---- */
void services_hook(void);

/* ---- sections.c: of the image ---- */
struct section {
    char name[8];
    uint32_t size, rva, raw, unused[4];
    uint32_t flags;
};
_Static_assert(sizeof(struct section) == 40, "a section header of a PE file");

const struct section *sections(unsigned *count);

/* Fill the image's variables that have no value in the file (config.bss). */
void sections_spoil_bss(void);

/* ---- tables.c: the firmware's page tables, whatever their size ---- */

/* Rights of the image's sections, and more (config.protect); before the image is started. */
void tables_protect(void);

/* A line for each section with the rights that its pages have. */
void tables_say_rights(void);

/* After the exit: what is free is not mapped (config.protect). */
void tables_after_exit(void);

/* Overwrite what the firmware has given up, but for the page tables, this stack and what else the CPU stands
 * on (arch_keep()). */
void tables_junk(void);

/* ---- strict.S, a file of each architecture ---- */
extern const uint8_t strict_stubs[];      /* a stub of 16 bytes for each service */
extern uint64_t strict_base, strict_size; /* the image */
extern uint64_t strict_real[];            /* the services behind the stubs */
EFI_STATUS strict_refuse(uint64_t service, uint64_t caller);

#endif
