/* kernel/paging.h: the kernel's first own page tables. Built once while the firmware's identity map
 * is live, loaded once, never edited afterwards.
 *
 * What is mapped, and nothing else (so page 0 is not):
 *   the image at its load address, section by section: text RX, rdata R, data RW NX
 *   the boot stack (but its lowest page, a guard) and the raw map at their addresses, NX
 *   PAGING_DIRECT  the direct map: every RAM region of the normalized map, WB RW NX, largest pages
 *   PAGING_DEVICES the device window: local APIC uncached, framebuffer write-combining
 *
 * Tables come from 16 static pages in the image, then from memmap_early_alloc. With CR4.LA57 found
 * set there is a fifth level and the same windows. Without NX in the CPU nothing is NX.
 */
#ifndef KERNEL_PAGING_H
#define KERNEL_PAGING_H

#include "hal/base.h"
#include "mm/memmap.h"

#define PAGING_DIRECT      ((vaddr_t)0xFFFF800000000000u)
#define PAGING_DIRECT_SIZE (64 * TIB)
#define PAGING_DEVICES     ((vaddr_t)0xFFFFC00000000000u)

#define PAGING_TABLES_LABEL "page tables"

/* The owner of a framebuffer that lies in RAM: such memory is left out of the direct map, so that
 * it is never mapped with two memory types. Compared by address. */
extern const char paging_screen_label[];

enum paging_prot {
    PAGING_R = 0,
    PAGING_W = 1,
    PAGING_X = 2,
    PAGING_UNCACHED = 4,
    PAGING_COMBINING = 8,
};

struct paging_counts {
    uint64_t from_image; /* table pages from the static pool */
    uint64_t from_early; /* table pages from memmap_early_alloc */
    uint64_t spare;      /* pages taken from memmap_early_alloc and not used */
    uint64_t leaves[3];  /* pages mapped: 4 KiB, 2 MiB, 1 GiB */
};

/* Start empty tables whose further pages come from `map`. */
void paging_begin(struct memmap *map);

/* Map a page-aligned range with the largest pages that fit. What is already mapped by 4 KiB pages
 * to the same place stays as it is; another translation there is a panic. */
void paging_map(vaddr_t virt, paddr_t phys, uint64_t size, uint32_t prot);

/* Map every region that is RAM (and the page at `trampoline`, unless 0) into the direct map. */
void paging_map_ram(const struct memmap *map, paddr_t trampoline);

/* Map a PE image at its own address by its section table. NULL, or what is wrong with it. */
const char *paging_map_image(vaddr_t base, uint64_t size);

/* Map device memory into slot `slot` (0..63, 1 GiB each) of the device window; the address there.
 */
vaddr_t paging_map_device(unsigned slot, paddr_t base, uint64_t size, uint32_t prot);

/* Load the tables and move hal_phys_to_virt() to the direct map. */
void paging_switch(void);

/* Is memory of this type mapped in the direct map? */
bool paging_is_ram(enum mem_type type);

struct paging_counts paging_counted(void);

#endif
