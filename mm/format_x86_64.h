/* mm/format_x86_64.h: page-table entries of x86-64, 4 or 5 levels. Contract: mm/page_entry.h.
 *
 * Intel SDM vol. 3A, 4.5 (tables 4-15 to 4-20). Bits that the CPU ignores carry two things of ours:
 * in a leaf bit 9 says that execution was not asked for (also where the CPU has no NX), in the name
 * of a table bits 52 to 61 count the used entries.
 *
 *      63   62    52 51            12 11   9  8    7    6    5   4    3  2  1  0
 *     +--+---------+---------------+------+--+-----+----+---+---+---+--+--+--+
 *     |NX| -       | address       | no X | G| PAT | D  | A |PCD|PWT|U |W |P | 4 KiB page
 *     |NX| -       | address | PAT | no X | G| 1   | D  | A |PCD|PWT|U |W |P | larger page
 *     |0 | count   | address       | 0    | 0| 0   | 0  | A | 0 | 0 |U |1 |1 | name of a table
 *     +--+---------+---------------+------+--+-----+----+---+---+---+--+--+--+
 */
#ifndef MORTISE_MM_FORMAT_X86_64_H
#define MORTISE_MM_FORMAT_X86_64_H

#define PTE_PHYS_BITS 52

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
#define PTE_COUNT_MASK  ((uint64_t)0x3FF << PTE_COUNT_SHIFT)

static inline bool pte_is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & PTE_LARGE) != 0;
}

static inline hal_paddr_t pte_address(uint64_t entry, unsigned level)
{
    return entry & PTE_ADDRESS & ~(pte_span(level) - 1);
}

static inline uint64_t pte_step(unsigned level)
{
    return pte_span(level);
}

/* Memory types are entries of the PAT (SDM vol. 3A, 11.12): 0 as at reset is write-back, 3 uncached;
 * 4 is made write-combining. Without a PAT a write-combining page is UC- (entry 2 as at reset),
 * which the MTRRs may still make write-combining. */
static inline uint64_t pte_encode(hal_paddr_t phys, uint32_t prot, unsigned level,
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
        entry |= PTE_PCD | PTE_PWT;
    if ((prot & ASPACE_WC) != 0)
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

/* A name allows all that the leaves below it may allow, but users in the upper half: the CPU grants
 * what every level grants. */
static inline uint64_t pte_name(hal_paddr_t table, unsigned used, hal_vaddr_t virt)
{
    uint64_t user = pte_is_upper(virt) ? 0 : PTE_USER;
    return table | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | user |
           (uint64_t)used << PTE_COUNT_SHIFT;
}

static inline hal_paddr_t pte_named(uint64_t name)
{
    return name & PTE_ADDRESS;
}

static inline unsigned pte_used(uint64_t name)
{
    return (unsigned)(name >> PTE_COUNT_SHIFT) & 0x3FFu;
}

static inline uint64_t pte_recount(uint64_t name, unsigned used)
{
    return (name & ~PTE_COUNT_MASK) | (uint64_t)used << PTE_COUNT_SHIFT;
}

#endif
