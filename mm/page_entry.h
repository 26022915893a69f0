/* mm/page_entry.h: one entry of a page table: what its bits mean at each level, to and fro.
 *
 * Intel SDM vol. 3A, 4.5 (tables 4-15 to 4-20). An entry is 0 (nothing there), a leaf or the name
 * of a table. Bits that the CPU ignores carry two things of ours: in a leaf bit 9 says that
 * execution was not asked for (also where the CPU has no NX), in the name of a table bits 52 to 61
 * count the used entries of that table, 0 to 512. Only mm/aspace*.c include this.
 */
#ifndef MM_PAGE_ENTRY_H
#define MM_PAGE_ENTRY_H

#include "hal/hal.h"
#include "mm/aspace.h"

#define PTE_PRESENT   ((uint64_t)1 << 0)
#define PTE_WRITE     ((uint64_t)1 << 1)
#define PTE_USER      ((uint64_t)1 << 2)
#define PTE_PWT       ((uint64_t)1 << 3)
#define PTE_PCD       ((uint64_t)1 << 4)
#define PTE_ACCESSED  ((uint64_t)1 << 5)
#define PTE_DIRTY     ((uint64_t)1 << 6)
#define PTE_LARGE     ((uint64_t)1 << 7)  /* a leaf above level 0 */
#define PTE_PAT_SMALL ((uint64_t)1 << 7)  /* A7: the PAT bit of level 0 */
#define PTE_PAT_LARGE ((uint64_t)1 << 12) /* A7: the PAT bit above, where address bits begin */
#define PTE_GLOBAL    ((uint64_t)1 << 8)
#define PTE_NO_X      ((uint64_t)1 << 9) /* ignored by the CPU: ASPACE_X was not asked for */
#define PTE_NX        ((uint64_t)1 << 63)
#define PTE_ADDRESS   0x000FFFFFFFFFF000u

#define PTE_COUNT_SHIFT 52
#define PTE_COUNT_ONE   ((uint64_t)1 << PTE_COUNT_SHIFT)
#define PTE_COUNT_MASK  ((uint64_t)0x3FF << PTE_COUNT_SHIFT)

#define PTE_ENTRIES 512u

/* Bytes that an entry of a table of `level` spans. The mask is what the CPU's shift does anyway. */
static inline uint64_t pte_span(unsigned level)
{
    return PAGE_SIZE << (9 * level & 63);
}

static inline unsigned pte_index(vaddr_t virt, unsigned level)
{
    return (unsigned)(virt >> (PAGE_SHIFT + 9 * level)) & (PTE_ENTRIES - 1);
}

static inline bool pte_is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & PTE_LARGE) != 0;
}

/* Where a leaf of `level` leads. */
static inline paddr_t pte_address(uint64_t entry, unsigned level)
{
    return entry & PTE_ADDRESS & ~(pte_span(level) - 1);
}

/* A leaf. `phys` is a multiple of the level's span; prot is one that aspace_map accepts. */
static inline uint64_t pte_encode(paddr_t phys, uint32_t prot, unsigned level,
                                  const struct hal_paging *cpu)
{
    uint64_t entry = phys | PTE_PRESENT | PTE_ACCESSED;
    if (level > 0)
        entry |= PTE_LARGE;
    if ((prot & ASPACE_W) != 0)
        entry |= PTE_WRITE | PTE_DIRTY;
    if ((prot & ASPACE_X) == 0)
        entry |= cpu->nx ? PTE_NO_X | PTE_NX : PTE_NO_X;
    if ((prot & ASPACE_USER) != 0)
        entry |= PTE_USER;
    if ((prot & ASPACE_GLOBAL) != 0)
        entry |= PTE_GLOBAL;
    if ((prot & ASPACE_UC) != 0)
        entry |= PTE_PCD | PTE_PWT; /* PAT entry 3 */
    if ((prot & ASPACE_WC) != 0)    /* PAT entry 4; without PAT entry 2 as at reset: UC- */
        entry |= !cpu->pat ? PTE_PCD : level > 0 ? PTE_PAT_LARGE : PTE_PAT_SMALL;
    return entry;
}

static inline uint32_t pte_prot(uint64_t entry, unsigned level)
{
    uint64_t cache = entry & (PTE_PCD | PTE_PWT | (level > 0 ? PTE_PAT_LARGE : PTE_PAT_SMALL));
    uint32_t prot = cache == 0 ? ASPACE_WB : cache == (PTE_PCD | PTE_PWT) ? ASPACE_UC : ASPACE_WC;
    if ((entry & PTE_WRITE) != 0)
        prot |= ASPACE_W;
    if ((entry & PTE_NO_X) == 0)
        prot |= ASPACE_X;
    if ((entry & PTE_USER) != 0)
        prot |= ASPACE_USER;
    if ((entry & PTE_GLOBAL) != 0)
        prot |= ASPACE_GLOBAL;
    return prot;
}

/* The name of the table at `table`, which has `used` entries in use. All that the leaves may allow
 * is allowed here, but users in the shared half. */
static inline uint64_t pte_name(paddr_t table, unsigned used, vaddr_t virt)
{
    uint64_t user = virt >> 63 != 0 ? 0 : PTE_USER;
    return table | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | user | used * PTE_COUNT_ONE;
}

static inline unsigned pte_used(uint64_t name)
{
    return (unsigned)(name >> PTE_COUNT_SHIFT) & 0x3FFu;
}

static inline uint64_t *pte_table(uint64_t name)
{
    return hal_phys_to_virt(name & PTE_ADDRESS);
}

/* CPUs may be reading the entry: one store, after everything that it leads to. */
static inline void pte_store(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* The address with the bits above the top level made equal to its highest one: an address that the
 * CPU translates is its own canonical form (SDM 1 3.3.7.1). */
static inline vaddr_t pte_canonical(vaddr_t virt, unsigned levels)
{
    unsigned unused = 64 - PAGE_SHIFT - 9 * levels;
    return (vaddr_t)((int64_t)(virt << unused) >> unused);
}

#endif
