/* mm/memmap.h: the physical memory map: what the firmware says, cleaned, and who owns what.
 *
 * Life of a map: memmap_init; memmap_add or memmap_add_uefi for each raw entry, in any order;
 * memmap_normalize once; memmap_reserve and memmap_early_alloc as often as needed; at last
 * pmm_create(), which takes what is left.
 *
 * Ranges are half-open, [base, base + size), in bytes. The caller supplies the storage; nothing
 * here prints, allocates or has globals. One CPU at a time; no locks, any interrupt state. A zeroed
 * struct memmap is a map without storage: it takes and offers nothing.
 *
 * What a page becomes. Types and the word "allocatable" are those of mm/mem_type.h.
 *   - Where entries overlap, the least usable type wins, byte by byte.
 *   - An entry that is not allocatable grows outward to whole pages first, so it takes every page
 *     that it touches.
 *   - Allocatable memory of one type that touches is merged, then cut inward to whole pages. A page
 *     that two allocatable types share, or that is allocatable only in part, is a hole.
 *   - Allocatable memory below the floor, which is MEMMAP_FLOOR unless memmap_set_floor() says another, is
 *     reserved: on a PC the BIOS data area, SMM code and tables of old firmware lie there whatever the map
 *     says. It can be owned (a trampoline page), but it is never allocated.
 * The result does not depend on the order of the entries.
 *
 * Invariants, after memmap_normalize() and every later call, recomputed by memmap_check():
 *   M1  regions are sorted by base; none is empty, none wraps or ends beyond `limit`, and no two
 *       overlap
 *   M2  neighbours that touch differ in type or owner (else they are merged)
 *   M3  every region is whole pages of a stored type; allocatable memory lies at or above
 *       the floor, and no entry that touched a page of it was less usable (this last part only
 *       the model tests see: the raw entries are gone)
 *   M4  an owner has a name; a region has at most one owner, and no owner lies on a hole
 *   M5  no entry and no owner is dropped for want of a slot: a call that lacks storage answers
 *       MM_FULL and has changed nothing
 */
#ifndef MORTISE_MM_MEMMAP_H
#define MORTISE_MM_MEMMAP_H

#include "mem_region.h"
#include "mem_type.h"
#include "status.h"

/* Memory below this is never offered, where the kernel does not say otherwise. */
#define MEMMAP_FLOOR ((uint64_t)1 << 20)

/* What can be odd about a raw entry. An entry that is ignored has just the one anomaly that says
 * why; one that is kept can have several. */
enum memmap_anomaly {
    MEMMAP_UNSORTED,  /* lower than the entry before it: harmless */
    MEMMAP_OVERLAP,   /* starts inside an entry that starts lower, or at the same place */
    MEMMAP_EMPTY,     /* zero length: ignored */
    MEMMAP_WRAP,      /* base + size does not fit in 64 bits: ignored */
    MEMMAP_TOO_HIGH,  /* beyond the physical address width: ignored or cut */
    MEMMAP_UNALIGNED, /* not whole pages: cut inward if allocatable, else grown outward */
    MEMMAP_UNKNOWN,   /* a type that this map does not know: kept as reserved */
    MEMMAP_NO_WB,     /* mem_type_lacks_write_back(): kept as reserved */
    MEMMAP_LOW,       /* allocatable below the floor, not used; every PC has some: no alarm */
    MEMMAP_ANOMALY_COUNT,
};

/* `base` and `size` are those of the raw entry; for MEMMAP_LOW of its part below the floor, for
 * MEMMAP_OVERLAP of its part that was covered before. The listener must not call the map. */
typedef void memmap_anomaly_fn(void *ctx, enum memmap_anomaly, hal_paddr_t base, uint64_t size);

struct memmap {
    struct mem_region *regions; /* the caller's storage */
    size_t capacity;            /* regions that fit */
    size_t count;               /* regions in use */
    uint64_t limit;             /* first address beyond the physical address width */
    hal_paddr_t floor;          /* memory below is not offered */
    bool normalized;
    uint64_t anomalies[MEMMAP_ANOMALY_COUNT]; /* how often each was met */
    memmap_anomaly_fn *on_anomaly;            /* NULL, or called for each */
    void *anomaly_ctx;
};

/* Storage, in regions, that is always enough for `entries` raw entries and `owners` calls of
 * memmap_reserve(), memmap_retire(), memmap_add_window() or memmap_early_alloc() (pmm_create() makes
 * one): two for each. SIZE_MAX when
 * that does not fit. */
size_t memmap_capacity_for(size_t entries, size_t owners);

/* Start an empty map on the caller's storage, which must outlive it and need not be zero. The width
 * is 52 bits until memmap_set_width(), the floor MEMMAP_FLOOR until memmap_set_floor(). */
void memmap_init(struct memmap *, struct mem_region *storage, size_t capacity);

/* Physical address width in bits, 32 to 52 (x86: CPUID 80000008h EAX[7:0]); a number outside is
 * taken as the nearest of these. Call it before the first entry that is kept: after it, it does
 * nothing. */
void memmap_set_width(struct memmap *, unsigned bits);

/* For machines whose RAM from its first page on is like any other: memory below `floor` is never offered,
 * any from there on is. It is rounded up to a page; page 0 is never offered, for its address means "none".
 * Call it before the first entry that is kept: after it, it does nothing. */
void memmap_set_floor(struct memmap *, hal_paddr_t floor);

/* Have `fn` called for each anomaly as it is met, by memmap_add* and (overlaps) memmap_normalize. */
void memmap_on_anomaly(struct memmap *, memmap_anomaly_fn *fn, void *ctx);

/* Add a raw entry. Bad entries are anomalies, not errors: MM_OK and counted. A type that cannot
 * be stored is MEMMAP_UNKNOWN and kept as reserved. MM_FULL when the entry needs a slot and
 * there is none, MM_INVALID after normalize; neither counts an anomaly. O(1). */
mm_status_t memmap_add(struct memmap *, hal_paddr_t base, uint64_t size,
                       enum mem_type) MM_MUST_CHECK;

/* The same for a UEFI descriptor: its type is mem_type_from_uefi(), and MEMMAP_UNKNOWN when UEFI
 * names no such type. `size` may be `end - base` of a descriptor that wraps: it is found to wrap
 * here. */
mm_status_t memmap_add_uefi(struct memmap *, hal_paddr_t base, uint64_t size, uint32_t uefi_type,
                            uint64_t attributes) MM_MUST_CHECK;

/* Sort, resolve overlaps, align, reserve what lies below the floor, merge, in the caller's storage.
 * MM_FULL when the storage holds less than twice the entries: nothing changed. A second call
 * finds nothing to do. O(n log n) whatever the input, no recursion. */
mm_status_t memmap_normalize(struct memmap *) MM_MUST_CHECK;

/* Give [base, base + size), grown outward to whole pages, an owner. Any stored region can be owned,
 * whatever its type, and the range may run through several that touch; their types stay. The pages
 * of one owner that touch and have one type become one region. To say of pages again whose they are,
 * with an equal text, is no error: boot code does it. `label` must outlive the map.
 * What is looked at, in this order:
 *   MM_INVALID   before normalize; size 0; label NULL or empty
 *   MM_OVERFLOW  base + size does not fit in 64 bits
 *   MM_FOREIGN   the range is not wholly in the map (a virtual address, say)
 *   MM_OVERLAP   a part of it has another owner
 *   MM_FULL      no storage is left for the two cuts at its ends
 * O(n). */
mm_status_t memmap_reserve(struct memmap *, hal_paddr_t base, uint64_t size,
                           const char *label) MM_MUST_CHECK;

/* Take `size` bytes, grown to whole pages and aligned to `align` (a power of two >= HAL_PAGE_SIZE), at
 * the highest place in MEM_USABLE memory without an owner that ends at or below `limit` (0: no
 * limit). So low memory, which some devices cannot do without, is taken last. The pages become a
 * region with the label, of the same type. HAL_PADDR_NONE when nothing fits, the storage is full or an
 * argument is out of range (see memmap_reserve). O(n). */
hal_paddr_t memmap_early_alloc(struct memmap *, uint64_t size, uint64_t align, hal_paddr_t limit,
                               const char *label);

/* Pages that are known to be bad: [base, base + size), grown outward to whole pages, becomes MEM_BAD,
 * which is never taken by memmap_early_alloc() and never handed out by an allocator made of the map.
 * To say it twice is no error. What is looked at, in this order:
 *   MM_INVALID, MM_OVERFLOW, MM_FOREIGN   as memmap_reserve()
 *   MM_OVERLAP   a part of it has an owner
 *   MM_RESERVED  a part of it is not MEM_USABLE, MEM_BOOT, MEM_LOADER or MEM_BAD
 *   MM_FULL      no storage is left for the two cuts at its ends
 * O(n). */
mm_status_t memmap_retire(struct memmap *, hal_paddr_t base, uint64_t size) MM_MUST_CHECK;

/* Memory may be added here later (mm/pmm_hotplug.h): [base, base + size), whole pages of a hole, becomes
 * MEM_HOTPLUG. For those who learn of it after memmap_normalize(); before, memmap_add() says the same.
 * What is looked at, in this order:
 *   MM_INVALID   before normalize; not whole pages, or none; below the floor
 *   MM_OVERFLOW  base + size does not fit in 64 bits
 *   MM_FOREIGN   the range ends beyond `limit`
 *   MM_OVERLAP   a part of it is in the map
 *   MM_FULL      no storage is left for it
 * O(n). */
mm_status_t memmap_add_window(struct memmap *, hal_paddr_t base, uint64_t size) MM_MUST_CHECK;

/* The region that holds `addr`, or NULL for a hole (and before normalize). Valid until the next
 * reserve or early_alloc. O(log n). */
const struct mem_region *memmap_find(const struct memmap *, hal_paddr_t addr);

/* NULL, or the invariant that is broken ("M1: ..."). Before normalize it says so. O(n). */
const char *memmap_check(const struct memmap *);

/* A name for people: "overlap". Any number is a legal argument. Never NULL. */
const char *memmap_anomaly_text(enum memmap_anomaly);

#endif
