/* kernel/boot_info.h: all that the loader hands to the kernel. No UEFI type crosses this line.
 *
 * Addresses are physical and sizes bytes; at hand-over virtual equals physical (the firmware's
 * identity map). Text is ASCII and ends with NUL. The struct lies in the image, `map` in
 * LoaderData; what the firmware's own addresses (rsdp, smbios, runtime_services, framebuffer) name
 * is its own.
 *
 * Context of everything in kernel/, unless a header says otherwise: on the CPU that booted, outside
 * of traps and interrupts; no lock is taken, and nothing is reentrant. Interrupts are off until
 * cpus_start() (kernel/cpus/cpus.h) and may come from then on. Where no cost is given, O(1).
 */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H

#include "hal/base.h"

/* A firmware descriptor in our own terms, firmware order kept (efi/base/rawmap.h makes it). `end`
 * is exclusive; a descriptor that wraps keeps its wrapped end, and the kernel reports it. Types and
 * attributes are numbered as UEFI 2.10 does, sections 7.2.1 and 7.2.3. */
struct boot_mem {
    uint64_t base;
    uint64_t end;
    uint64_t attributes;
    uint32_t type;     /* whatever it is */
    uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct boot_mem) == 32, "boot_mem has no hidden padding");

/* What efi/machine/framebuffer.h has accepted (F1 to F3 there), or all 0. */
struct boot_framebuffer {
    uint64_t base;                            /* 0: no framebuffer */
    uint64_t size;                            /* bytes */
    uint32_t width, height, pitch;            /* pixels; pitch is pixels per scan line */
    uint32_t red_mask, green_mask, blue_mask; /* of a pixel's 32 bits */
};

#define BOOT_TEXT_SIZE 1024

/* Owners that the kernel can add to the cleaned map: each reservation is one, what is withheld, and each
 * table of the page allocator. */
#define BOOT_OWNERS 256u

struct boot_info {
    struct boot_mem *map;
    uint64_t map_count;
    uint64_t map_bytes; /* the block that holds `map`, whole pages, for its reservation */
    uint64_t image_base, image_size;
    uint64_t stack_base, stack_size; /* the kernel's boot stack */
    uint64_t regions, regions_bytes; /* room for the cleaned map: memmap_capacity_for(map_count,
                                        BOOT_OWNERS) regions or more; whole pages of LoaderData */
    uint64_t tables, tables_bytes;   /* for page tables: as much as can be needed; LoaderData */
    uint64_t rsdp;                   /* 0: none; not judged where the map does not list it */
    uint64_t device_tree;            /* 0: none; not judged */
    uint64_t smbios;                 /* 0: none; the 64-bit entry point when there is one */
    uint64_t runtime_services;       /* the loader's last resort; the kernel never calls it */
    uint64_t trampoline;             /* one page below 1 MiB, 0: none to be had */
    uint64_t tsc_hz;                 /* the loader's best measurement, 0: could not */
    uint64_t stall_hz;               /* the same by the firmware's Stall, right or not; 0: it fails */
    uint64_t processors;             /* by EFI_MP_SERVICES; 0: the firmware does not tell */
    uint64_t processors_enabled;     /* of them */
    uint64_t exit_tsc;               /* hal_cycles() right after ExitBootServices */
    uint64_t keep;              /* KEEP_SIZE bytes for the kept log (kernel/log/keep.h), 0: none */
    uint64_t descriptor_size;   /* the firmware's */
    uint32_t exit_attempts;     /* calls of ExitBootServices that it took */
    uint32_t firmware_revision; /* its maker's own number */
    struct boot_framebuffer framebuffer;
    char firmware_vendor[64];
    char options[BOOT_TEXT_SIZE]; /* mortise.cfg, then LoadOptions: words "k=v" between blanks */
    char notes[BOOT_TEXT_SIZE];   /* what the loader met and went on without; lines */
};

#endif
