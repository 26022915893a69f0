/* mm/aspace.h: address spaces: page tables that are edited by ranges.
 *
 * Addresses and sizes are bytes, multiples of 4 KiB, ranges half-open. A range is mapped with the
 * largest pages that fit (4 KiB, 2 MiB, and 1 GiB where the CPU has it). A large page is split
 * where the edge of a later call falls inside it, and 512 pages become one again as soon as they
 * are contiguous and alike. Where the windows of the kernel lie is the kernel's choice. Entries are
 * those of the machine's format, mm/page_entry.h.
 *
 *   root        the table that the CPU's root register names; the lower half of its entries is for
 *               users, the upper half is the shared half (bit 63 of the address set)
 *   leaf        an entry that maps a page; level 0: 4 KiB, level 1: 2 MiB, level 2: 1 GiB
 *   table       4 KiB with 512 entries; the entry that names it also counts its used entries
 *
 * Invariants; aspace_check() recomputes those that can be seen in the tables and cites them:
 *   A1  no page is writable and executable; what two mappings of the same memory allow together is
 *       the caller's affair
 *   A2  no table is empty, but the root and the tables that the root's upper half names
 *   A3  all or nothing: every table that a call needs is taken before the first entry changes, so a
 *       call that fails leaves the tables, every translation and the page source as they were; and
 *       a call that succeeds keeps no page it does not use
 *   A4  a translation that was removed or changed is flushed, here and through hal_tlb_shootdown on
 *       the other CPUs, before the call returns, and before a table that was part of it goes back
 *       to its source (Intel SDM vol. 3A, 4.10.4: clear, flush, reuse)
 *   A5  nothing is mapped over a mapping: such a call is refused
 *   A6  the shared half is made once, appears in every space, and is never freed with one
 *   A7  an entry has the bits that the format gives it at its level, and no other: on x86-64 bit 12
 *       of a large page's entry is its PAT bit, bit 7 of a 4 KiB page's (SDM vol. 3A, tables 4-15
 *       to 4-20)
 *   A8  no TLB ever holds two translations of an address that differ in size and in anything else:
 *       a large page is split, and pages are merged, with the same rights before and after, and
 *       flushed before anything else is written there (SDM vol. 3A, 4.10.2.3). Where
 *       hal_paging.break_before_make says so, no TLB holds two translations that differ in size or
 *       in GLOBAL at all: the entry is 0, and flushed everywhere, before the new one is written
 *       (Arm ARM R_WHZWS). Physical address and memory type never change in place: such calls are
 *       refused (A5, MM_TYPE).
 *
 * On a CPU with break_before_make a page that is part of a split or of a merge cannot be used for a
 * moment, although no call unmaps it; on every other CPU it can be used throughout. Where there is
 * such a moment,
 *   - none of this may lie in a large page that a call splits, or in pages that a call can merge: the
 *     code and data of mm/ and of the port, the stack of the caller, and the tables of the space
 *     where hal_phys_to_virt() reaches them. Keep edits out of the direct map's large pages that
 *     hold tables, or make them before the space is loaded;
 *   - another CPU that uses such a page faults. Its handler waits for the lock that serialises calls
 *     on the space, asks aspace_query(), and goes on when the page is mapped as the access wants it.
 *
 * Memory types are programmed as hal_paging_features() tells; what they need of the CPU's registers
 * is said in the format's header. Without NX what was asked for is kept in a bit that the CPU
 * ignores: query and merging do not depend on the CPU.
 *
 * Accessed and dirty bits are set when an entry is made (dirty only where it is writable): the CPU
 * then never writes into a table, so no update can be lost, and alike pages are equal bit by bit
 * but for their address. They do not tell who used a page.
 *
 * Locking: calls on one space are serialised by the caller, readers included. aspace_init_shared
 * and aspace_destroy of a space that shares `kernel` are calls on `kernel` as well. The page source
 * is serialised by whoever shares it. CPUs may run in a space while it is edited. A struct aspace
 * stays where it is from init to destroy. Context: any in which the caller's lock and the source's
 * functions may be used; interrupts may be on.
 *
 * Stack: less than 2 KiB. Cost: a call touches the tables of its range, once to look and once to
 * write; a wholly covered table is written (or dropped) in one go, not entry by entry from the
 * root.
 */
#ifndef MORTISE_MM_ASPACE_H
#define MORTISE_MM_ASPACE_H

#include "../hal/base.h"
#include "../hal/hal.h"
#include "aspace_prot.h"
#include "page_source.h"
#include "page_tree.h"
#include "status.h"

#define ASPACE_LEVELS PAGE_TREE_LEVELS

/* Members are for the module; read `tree.stats` at will. A zeroed struct is no space: every call on
 * it is refused (MM_INVALID) or does nothing, but aspace_activate() panics. */
struct aspace {
    struct page_tree tree;
    struct aspace *kernel; /* whose upper half this space shares; NULL: it has its own */
    struct aspace *next;   /* of an owner: the first space that shares; then the next one */
    struct aspace **link;  /* what points to this space in that list */
};

/* One page (query), or a run of contiguous pages of one size and prot (walk). */
struct aspace_mapping {
    hal_vaddr_t virt;
    hal_paddr_t phys;
    uint64_t size; /* query: equals page */
    uint64_t page; /* 4 KiB, 2 MiB or 1 GiB */
    uint32_t prot;
};

/* Make an empty space with an upper half of its own: the kernel's. One page is taken. `source` must
 * outlive the space. The CPU is as hal_paging_features() says now. MM_NO_MEMORY. O(1). */
mm_status_t aspace_init(struct aspace *, const struct page_source *source) MM_MUST_CHECK;

/* Make a space whose upper half is that of `kernel`, now and later: what is mapped there afterwards
 * appears here too. `kernel` comes from aspace_init and outlives this space. One page is taken.
 * MM_INVALID (`kernel` is no space or shares itself), MM_NO_MEMORY. O(1). */
mm_status_t aspace_init_shared(struct aspace *, struct aspace *kernel,
                               const struct page_source *source) MM_MUST_CHECK;

/* Map [virt, virt + size) to [phys, phys + size). Nothing is flushed unless tables were merged.
 * What is looked at, in this order:
 *   the range  MM_INVALID        no space, or size 0
 *              MM_NOT_PAGE       virt or size is no multiple of 4 KiB, or virt is page 0
 *              MM_OVERFLOW       virt + size goes past 2^64
 *              MM_NOT_CANONICAL  the CPU cannot translate every address of the range
 *              MM_RESERVED       the upper half of a space that shares it: map it in its owner
 *   prot       MM_INVALID        a bit outside ASPACE_ALL; WC with UC; USER in the shared half,
 *                                    GLOBAL outside it
 *              MM_WX             W with X (A1)
 *   phys       MM_NOT_PAGE       no multiple of 4 KiB
 *              MM_OVERFLOW       phys + size goes past 2^64
 *              MM_INVALID        phys + size goes beyond the CPU's width, or the format's
 *   the space  MM_OVERLAP        a page of the range is mapped (A5)
 *              MM_NO_MEMORY      the source gave too few pages; all were given back (A3)
 * The caller sees to it that all of a range has one MTRR type (SDM vol. 3A, 11.11.9), or none. */
mm_status_t aspace_map(struct aspace *, hal_vaddr_t virt, hal_paddr_t phys, uint64_t size,
                       uint32_t prot) MM_MUST_CHECK;

/* Take away the translations of a range that is mapped throughout, whatever calls mapped it. Large
 * pages that stick out are split, so this may need pages too. Tables that become empty go back.
 * Errors as aspace_map, as far as there is such an argument, and MM_UNMAPPED: a page of the
 * range is not mapped. */
mm_status_t aspace_unmap(struct aspace *, hal_vaddr_t virt, uint64_t size) MM_MUST_CHECK;

/* Give a range that is mapped throughout another prot; the physical pages stay. Pages that have it
 * already are neither split nor flushed. Errors as aspace_unmap, MM_WX, and MM_TYPE: the
 * memory type of a page is another; changing it needs caches flushed in between (SDM vol. 3A,
 * 11.12.4), so unmap, flush, map. */
mm_status_t aspace_protect(struct aspace *, hal_vaddr_t virt, uint64_t size,
                           uint32_t prot) MM_MUST_CHECK;

/* The page that holds `virt` (any byte address). MM_UNMAPPED, MM_NOT_CANONICAL,
 * MM_INVALID (no space); *out is then left alone. At most five dependent loads. */
mm_status_t aspace_query(const struct aspace *, hal_vaddr_t virt,
                         struct aspace_mapping *out) MM_MUST_CHECK;

/* The raw entries that the CPU reads for `virt`, from the root on, until one is not present or maps
 * a page: for reports of page faults. The number read, 0 to 5. */
unsigned aspace_path(const struct aspace *, hal_vaddr_t virt, uint64_t entries[ASPACE_LEVELS]);

/* Visit every maximal run in address order, the shared half included. `visit` must not edit the
 * space. O(tables). */
typedef void aspace_visit_fn(void *ctx, const struct aspace_mapping *run);
void aspace_walk(const struct aspace *, aspace_visit_fn *visit, void *ctx);

/* Where the root table lies. HAL_PADDR_NONE: no space. */
hal_paddr_t aspace_root(const struct aspace *);

/* Load the root on this CPU; a panic when this is no space. The code that calls, its stack and what it
 * uses next must be mapped there. */
void aspace_activate(const struct aspace *);

/* Give back every table but the shared half's, and the root. Pages that were mapped are the
 * caller's. Flushed before the first table goes (A4). A panic when the space is loaded on this CPU
 * (that it is loaded on no other is the caller's word), or when spaces still share its upper half.
 * The struct is zeroed. On a zeroed struct it does nothing. */
void aspace_destroy(struct aspace *);

/* NULL, or the invariant that is broken ("A2: ..."): A1, A2, A6, A7 and every count by reading all
 * tables; A3, A4 and A5 by what breaking them leaves behind: a table that is lost, a table that is
 * named although it went back, a page more or fewer than were counted. A8 leaves nothing behind;
 * only the model tests see it. O(tables). */
const char *aspace_check(const struct aspace *);

#endif
