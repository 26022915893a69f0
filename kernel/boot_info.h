/* kernel/boot_info.h: all that the loader hands to the kernel. No UEFI type crosses this line.
 *
 * Addresses are physical; at hand-over virtual equals physical (the firmware's identity map). Text
 * is ASCII and ends with NUL. The struct and everything it points to lies in LoaderData or in the
 * image itself.
 */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H

#include "hal/base.h"

/* A firmware descriptor in our own terms, firmware order kept. `end` is exclusive; a descriptor
 * that wraps keeps its wrapped end, and the kernel reports it. */
struct boot_mem {
    uint64_t base;
    uint64_t end;
    uint64_t attributes;
    uint32_t type; /* UEFI type number, whatever it is */
    uint32_t reserved;
};
_Static_assert(sizeof(struct boot_mem) == 32, "boot_mem has no hidden padding");

struct boot_framebuffer {
    uint64_t base;                 /* 0: no framebuffer */
    uint64_t size;                 /* bytes */
    uint32_t width, height, pitch; /* pixels; pitch is pixels per scan line */
    uint32_t red_mask, green_mask, blue_mask;
};

#define BOOT_TEXT_SIZE 1024

struct boot_info {
    struct boot_mem *map;
    uint64_t map_count;
    uint64_t map_bytes; /* size of the block that holds `map`, for its reservation */
    uint64_t image_base, image_size;
    uint64_t stack_base, stack_size; /* the kernel's boot stack */
    uint64_t rsdp;                   /* 0: none found */
    uint64_t smbios;                 /* 0: none; the 64-bit entry point when there is one */
    uint64_t runtime_services;
    uint64_t trampoline;      /* one page below 1 MiB, 0: none to be had */
    uint64_t tsc_hz;          /* measured with the firmware's Stall, 0: could not */
    uint64_t exit_tsc;        /* time stamp counter right after ExitBootServices */
    uint64_t keep;            /* KEEP_SIZE bytes for the kept log (kernel/keep.h), 0: none */
    uint64_t descriptor_size; /* the firmware's */
    uint32_t exit_attempts;   /* calls of ExitBootServices that it took */
    uint32_t firmware_revision;
    struct boot_framebuffer framebuffer;
    char firmware_vendor[64];
    char options[BOOT_TEXT_SIZE]; /* mortise.cfg, then LoadOptions: words "k=v" between blanks */
    char notes[BOOT_TEXT_SIZE];   /* what the loader met and went on without; lines */
};

/* Entered on the firmware's stack with boot services gone and interrupts off. Never returns. */
_Noreturn void kernel_enter(struct boot_info *);

#endif
