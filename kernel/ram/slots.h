/* kernel/ram/slots.h: the memory that is installed, slot by slot, as the SMBIOS tells it. A slot is a place
 * for a memory module (the SMBIOS calls it a memory device). Serial numbers are not read. Pure, as
 * kernel/ram/smbios.h, whose D1 to D4 hold here too.
 *
 * Source: DSP0134 3.7: physical memory array (type 16) 7.17, memory device (17) 7.18, memory array mapped
 * address (19) 7.20, memory device mapped address (20) 7.21.
 *
 *   I1  `installed` is the sum of the sizes of all filled slots of system memory, each cut to whole pages,
 *       those that are not kept in `slot` too
 *   I2  a slot of an array whose use is not system memory (video memory, flash, a cache) is passed over; one
 *       whose array is not told counts
 */
#ifndef KERNEL_RAM_SLOTS_H
#define KERNEL_RAM_SLOTS_H

#include "kernel/ram/smbios.h"

#define SLOTS_MAX        128u
#define SLOTS_RANGES_MAX 128u
#define SLOTS_ARRAYS_MAX 64u
#define SLOT_TEXT        24u

struct slot {
    uint64_t size; /* bytes, whole pages; 0: nothing is in it, or nobody knows how much */
    bool unknown;  /* a module of unknown size is in it */
    uint8_t kind;  /* its memory type (7.18.2) */
    uint16_t handle, array;
    uint32_t speed;                         /* million transfers a second; 0: not told */
    char place[SLOT_TEXT], bank[SLOT_TEXT]; /* printable ASCII without quotation marks */
};

/* The physical addresses of what is in a slot, or in all slots of an array. */
struct slot_range {
    hal_paddr_t base, end; /* base < end */
    uint16_t handle;       /* of the slot or the array */
    bool of_array;
};

struct slots {
    const char *wrong; /* a constant sentence: there is no table; its subject is "it" */
    bool broken;       /* the table ended too early: there may be more */
    uint32_t total;    /* slots of system memory, filled or not */
    uint32_t filled;
    uint32_t unknown;     /* filled, of unknown size: not in `installed` */
    uint32_t lost_ranges; /* beyond SLOTS_RANGES_MAX */
    uint32_t count;       /* in `slot`: the first of them */
    uint32_t range_count;
    uint64_t installed;   /* bytes (I1) */
    uint8_t major, minor; /* of the SMBIOS */
    struct slot slot[SLOTS_MAX];
    struct slot_range range[SLOTS_RANGES_MAX];
};

/* Fill `*s`, which need not be clear, from the entry point at `entry` (0: there is none). What cannot be had
 * is told in `*s`. O(bytes of the table * SLOTS_ARRAYS_MAX). */
void slots_read(struct slots *, const struct smbios_view *, hal_paddr_t entry);

/* A name for a slot's kind: "DDR4"; NULL for one that has none. O(1). */
const char *slots_kind_name(uint8_t kind);

/* The addresses of slot `i`, the `n`th range from 0 on: its own, or if it has none those of its array, where
 * no other slot of that is filled. False when there are no more. O(slots + ranges). */
bool slots_range(const struct slots *, uint32_t i, uint32_t n, struct slot_range *);

#endif
