/* mm/memmap.h: the physical memory map: what the firmware says, cleaned, and who owns what.
 *
 * Life: memmap_init, memmap_add (or memmap_add_uefi) for each raw entry in any order,
 * memmap_normalize once, then memmap_reserve and memmap_early_alloc, at last pmm_create(), which
 * takes what is left.
 *
 * Ranges are half-open, [base, base + size), in bytes. The caller supplies the storage; nothing
 * here prints, allocates or has globals. All functions are for one CPU at a time; no locks, any
 * interrupt state. A zeroed struct memmap is a map without storage: it takes and offers nothing.
 *
 * What a page becomes. RAM means the types usable, boot and loader here: what the page allocator
 * may get, now or at reclaim.
 *   - Where entries overlap, the least usable type wins, byte by byte.
 *   - An entry that is not RAM grows outward to whole pages first, so it takes every page that it
 *     touches.
 *   - RAM of one type that touches is merged, then cut inward to whole pages. A page that two
 *     types of RAM share, or that is RAM only in part, is a hole.
 *   - RAM below MEMMAP_FLOOR is reserved: the BIOS data area, SMM code and tables of old firmware
 *     lie there whatever the map says. It can be owned (a trampoline page), never allocated.
 * The result does not depend on the order of the entries.
 *
 * Invariants, after memmap_normalize() and every later call, recomputed by memmap_check():
 *   M1  regions are sorted by base, none is empty, none wraps or ends beyond `limit`, and no two
 *       overlap
 *   M2  neighbours that touch differ in type or owner (else they are merged)
 *   M3  every region is whole pages of a stored type; RAM lies at or above MEMMAP_FLOOR, and no
 *       entry that touched a page of it was less usable (this last part only the model tests see:
 *       the raw entries are gone)
 *   M4  an owner has a name; a region has at most one owner, and no owner lies on a hole
 *   M5  no entry and no owner is dropped for want of a slot: a call that lacks storage answers
 *       STATUS_FULL and has changed nothing (P8)
 */
#ifndef MM_MEMMAP_H
#define MM_MEMMAP_H

#include "hal/base.h"
#include "mm/status.h"

/* From most to least usable: where entries overlap, the later one wins. */
enum mem_type {
    MEM_NONE = 0,     /* a hole: never stored */
    MEM_USABLE,       /* free RAM */
    MEM_BOOT,         /* BootServices code and data: usable at reclaim */
    MEM_LOADER,       /* Loader code and data: usable at reclaim, except what is ours */
    MEM_ACPI_RECLAIM, /* ACPI tables */
    MEM_SPECIFIC,     /* EFI_MEMORY_SP: special-purpose memory, shown and not allocated */
    MEM_PERSISTENT,
    MEM_UNACCEPTED,
    MEM_ACPI_NVS,
    MEM_RUNTIME,  /* runtime services code and data */
    MEM_RESERVED, /* reserved, unknown and OEM types, RAM that fails a rule, the first MiB */
    MEM_MMIO,
    MEM_UNUSABLE, /* the firmware saw errors there */
    MEM_TYPE_COUNT,
};

/* RAM below this is never offered. */
#define MEMMAP_FLOOR MIB

struct mem_region {
    paddr_t base;
    uint64_t size;
    enum mem_type type;
    const char *label; /* NULL, or the owner; the string outlives the map */
};

/* First address after the region. A stored region never wraps (M1). */
static inline paddr_t mem_region_end(const struct mem_region *region)
{
    return region->base + region->size;
}

/* May the page allocator get memory of this type, now or at reclaim? */
static inline bool mem_type_is_ram(enum mem_type type)
{
    return type == MEM_USABLE || type == MEM_BOOT || type == MEM_LOADER;
}

/* Can a region have this type? Any number is a legal argument. */
static inline bool mem_type_is_stored(enum mem_type type)
{
    return (unsigned)type > MEM_NONE && (unsigned)type < MEM_TYPE_COUNT;
}

/* What can be odd about a raw entry. An entry that is ignored has just the one anomaly that says
 * why; one that is kept can have several. */
enum memmap_anomaly {
    MEMMAP_UNSORTED,  /* lower than the entry before it: harmless */
    MEMMAP_OVERLAP,   /* starts inside an entry that starts lower, or at the same place */
    MEMMAP_EMPTY,     /* zero length: ignored */
    MEMMAP_WRAP,      /* base + size does not fit in 64 bits: ignored */
    MEMMAP_TOO_HIGH,  /* beyond the physical address width: ignored or cut */
    MEMMAP_UNALIGNED, /* not whole pages: RAM is cut inward, other memory grows outward */
    MEMMAP_UNKNOWN,   /* a type that this map does not know: kept as reserved */
    MEMMAP_LOW,       /* RAM in the first MiB, not used; every PC has some: no alarm */
    MEMMAP_ANOMALY_COUNT,
};

/* `base` and `size` are those of the raw entry; for MEMMAP_LOW of its part below MEMMAP_FLOOR, for
 * MEMMAP_OVERLAP of its part that was covered before. The listener must not call the map. */
typedef void memmap_anomaly_fn(void *ctx, enum memmap_anomaly, paddr_t base, uint64_t size);

struct memmap {
    struct mem_region *regions; /* the caller's storage */
    size_t capacity;            /* regions that fit */
    size_t count;               /* regions in use */
    uint64_t limit;             /* first address beyond the physical address width */
    bool normalized;
    uint64_t anomalies[MEMMAP_ANOMALY_COUNT]; /* how often each was met */
    memmap_anomaly_fn *on_anomaly;            /* NULL, or called for each */
    void *anomaly_ctx;
};

/* Storage, in regions, that is always enough for `entries` raw entries and `owners` calls of
 * memmap_reserve() or memmap_early_alloc() (pmm_create() makes one): two for each. SIZE_MAX when
 * that does not fit. */
size_t memmap_capacity_for(size_t entries, size_t owners);

/* Start an empty map on the caller's storage, which must outlive it and need not be zero. The width
 * is 52 bits until memmap_set_width(). */
void memmap_init(struct memmap *, struct mem_region *storage, size_t capacity);

/* Physical address width in bits, 32 to 52 (CPUID 80000008h EAX[7:0]); a number outside is taken as
 * the nearest of these. Before the first entry that is kept; after it the call does nothing. */
void memmap_set_width(struct memmap *, unsigned bits);

/* Be told of each anomaly as it is met, by memmap_add* and (overlaps) by memmap_normalize. */
void memmap_on_anomaly(struct memmap *, memmap_anomaly_fn *, void *ctx);

/* Add a raw entry. Bad entries are anomalies, not errors: STATUS_OK and counted. A type that cannot
 * be stored is MEMMAP_UNKNOWN and kept as reserved. STATUS_FULL when the entry needs a slot and
 * there is none, STATUS_INVALID after normalize; both count no anomaly. O(1). */
status_t memmap_add(struct memmap *, paddr_t base, uint64_t size, enum mem_type) MUST_CHECK;

/* The same for a UEFI descriptor: mem_type_from_uefi(), and MEMMAP_UNKNOWN when it knows no such
 * type. `size` may be `end - base` of a descriptor that wraps: it is found to wrap here. */
status_t memmap_add_uefi(struct memmap *, paddr_t base, uint64_t size, uint32_t uefi_type,
                         uint64_t attributes) MUST_CHECK;

/* Sort, resolve overlaps, align, cut the first MiB, merge, in the caller's storage. STATUS_FULL
 * when the storage holds less than twice the entries: nothing changed. A second call finds nothing
 * to do. O(n log n) whatever the input, no recursion. */
status_t memmap_normalize(struct memmap *) MUST_CHECK;

/* Give [base, base + size), grown outward to whole pages, an owner. Any stored region can be owned,
 * whatever its type, and the range may run through several that touch; their types stay. The pages
 * of one owner that touch and have one type become one region. `label` must outlive the map.
 * In this order: STATUS_INVALID (before normalize, size 0, label NULL or empty), STATUS_OVERFLOW,
 * STATUS_FOREIGN for a range that is not wholly in the map (a virtual address, say),
 * STATUS_OVERLAP when a part has an owner, STATUS_FULL when the two cuts at its ends lack room.
 * O(n). */
status_t memmap_reserve(struct memmap *, paddr_t base, uint64_t size, const char *label) MUST_CHECK;

/* Take `size` bytes (grown to whole pages) aligned to `align` (a power of two >= PAGE_SIZE) at the
 * highest place in MEM_USABLE memory without an owner whose end is at or below `limit` (0: no
 * limit). So the DMA zone below 16 MiB is entered only when nothing above it fits. The pages become
 * a region with the label, of the same type. PADDR_NONE when nothing fits, the storage is full or
 * an argument is out of range (see memmap_reserve). O(n). */
paddr_t memmap_early_alloc(struct memmap *, uint64_t size, uint64_t align, paddr_t limit,
                           const char *label);

/* The region that holds `addr`, or NULL for a hole (and before normalize). Valid until the next
 * reserve or early_alloc. O(log n). */
const struct mem_region *memmap_find(const struct memmap *, paddr_t addr);

/* NULL, or the invariant that is broken ("M1: ..."). Before normalize it says so. O(n). */
const char *memmap_check(const struct memmap *);

/* Names for people: "usable", "ACPI NVS"; "overlap". Any number is a legal argument. Never NULL. */
const char *mem_type_name(enum mem_type);
const char *memmap_anomaly_text(enum memmap_anomaly);

/* The class of a UEFI descriptor: types 0-15 of UEFI 2.10 section 7.2.1 and the attribute bits WB
 * 8, RP 0x2000, SP 0x40000 of section 7.2.3. Conventional, Loader and BootServices memory without
 * WB or with RP is MEM_RESERVED, else with SP it is MEM_SPECIFIC. Any number is a legal argument;
 * unknown types are MEM_RESERVED and `*known` (may be NULL) says so. */
enum mem_type mem_type_from_uefi(uint32_t uefi_type, uint64_t attributes, bool *known);

#endif
