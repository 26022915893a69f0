/* mm/memmap.h: the physical memory map: what the firmware says, cleaned, and who owns what.
 *
 * Life: memmap_init, memmap_add for each raw entry in any order, memmap_normalize once, then
 * memmap_reserve and memmap_early_alloc, at last pmm_create(), which takes what is left.
 *
 * Ranges are half-open, [base, base + size), in bytes. The caller supplies the storage; nothing
 * here prints, allocates or has globals. All functions are for one CPU at a time; no locks, any
 * interrupt state.
 *
 * Invariants, after memmap_normalize() and every later call, recomputed by memmap_check():
 *   M1  regions are sorted by base, none is empty, none wraps, no two overlap
 *   M2  neighbours that touch differ in type, label or attributes of ownership (else they are merged)
 *   M3  every byte of a usable, boot or loader region lies in whole pages, above 1 MiB, and was
 *       given with that type by every entry that covered it (the least usable type wins)
 *   M4  a region with a label has exactly one owner; labels never lie on memory that was not RAM
 *   M5  no entry is dropped for want of a slot: a call that lacks storage answers STATUS_FULL
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
    MEM_RUNTIME,      /* runtime services code and data */
    MEM_RESERVED,     /* reserved, unknown and OEM types, RAM that fails a rule, the first MiB */
    MEM_MMIO,
    MEM_UNUSABLE,     /* the firmware saw errors there */
    MEM_TYPE_COUNT,
};

struct mem_region {
    paddr_t base;
    uint64_t size;
    enum mem_type type;
    const char *label; /* NULL, or the owner; the string outlives the map */
};

enum memmap_anomaly {
    MEMMAP_UNSORTED,
    MEMMAP_OVERLAP,
    MEMMAP_EMPTY,      /* zero length: ignored */
    MEMMAP_WRAP,       /* base + size overflows: ignored */
    MEMMAP_TOO_HIGH,   /* beyond the physical address width: ignored or cut */
    MEMMAP_UNALIGNED,  /* not whole pages: usable memory is cut inward, other memory grows outward */
    MEMMAP_UNKNOWN,    /* a type that this map does not know: kept as reserved */
    MEMMAP_LOW,        /* RAM in the first MiB: not used */
    MEMMAP_ANOMALY_COUNT,
};

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
 * memmap_reserve() or memmap_early_alloc(). */
size_t memmap_capacity_for(size_t entries, size_t owners);

/* Start an empty map on the caller's storage. The width is 52 bits until memmap_set_width(). */
void memmap_init(struct memmap *, struct mem_region *storage, size_t capacity);

/* Physical address width in bits, 32 to 52 (CPUID 80000008h EAX[7:0]); before the first add. */
void memmap_set_width(struct memmap *, unsigned bits);

/* Be told of each anomaly as it is met. */
void memmap_on_anomaly(struct memmap *, memmap_anomaly_fn *, void *ctx);

/* Add a raw entry. Bad entries are anomalies, not errors: STATUS_OK and counted. STATUS_FULL when
 * the storage is too small, STATUS_INVALID after normalize. O(1). */
status_t memmap_add(struct memmap *, paddr_t base, uint64_t size, enum mem_type) MUST_CHECK;

/* Sort, resolve overlaps, align, cut the first MiB, merge. STATUS_FULL: nothing changed.
 * O(n log n), no recursion. */
status_t memmap_normalize(struct memmap *) MUST_CHECK;

/* Give [base, base + size), grown outward to whole pages, an owner. Only RAM in the map can be
 * owned: STATUS_FOREIGN for a range that is not wholly in the map (a virtual address, say),
 * STATUS_OVERLAP when a part has an owner, STATUS_FULL, STATUS_INVALID (size 0, before normalize),
 * STATUS_OVERFLOW. Any stored region type can be owned. */
status_t memmap_reserve(struct memmap *, paddr_t base, uint64_t size, const char *label) MUST_CHECK;

/* Take `size` bytes (grown to whole pages) aligned to `align` (a power of two >= PAGE_SIZE) from
 * the highest MEM_USABLE memory without an owner whose end is at or below `limit` (0: no limit),
 * never below 16 MiB while memory above exists. PADDR_NONE when nothing fits or storage is full. */
paddr_t memmap_early_alloc(struct memmap *, uint64_t size, uint64_t align, paddr_t limit,
                           const char *label);

/* The region that holds `addr`, or NULL for a hole. O(log n). After normalize. */
const struct mem_region *memmap_find(const struct memmap *, paddr_t addr);

/* NULL, or the invariant that is broken ("M1: ..."). */
const char *memmap_check(const struct memmap *);

/* Names for people: "usable", "ACPI NVS"; "overlap". Never NULL. */
const char *mem_type_name(enum mem_type);
const char *memmap_anomaly_text(enum memmap_anomaly);

/* The class of a UEFI descriptor: UEFI 2.10 section 7.2.3, types 0-15 and the attribute bits WB 8,
 * RP 0x2000, SP 0x40000. Conventional, Loader and BootServices memory counts only with WB and
 * without SP and RP. Any number is a legal argument; unknown types are MEM_RESERVED and
 * `*known` (may be NULL) says so. */
enum mem_type mem_type_from_uefi(uint32_t uefi_type, uint64_t attributes, bool *known);

#endif
