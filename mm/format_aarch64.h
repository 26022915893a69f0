/* mm/format_aarch64.h: page-table entries of aarch64: VMSAv8-64, stage 1 of the EL1&0 regime, 4 KiB
 * granule, 4 levels (0 to 3, which are levels 3 to 0 here), 48-bit addresses. Contract:
 * mm/page_entry.h.
 *
 * Arm ARM (DDI 0487), "VMSAv8-64 descriptor formats". Bits 2 to 11 of a table descriptor are ignored
 * as long as TCR_EL1.DS is 0 and the CPU does not manage an access flag there (TCR2_EL1.HAFT 0);
 * they count the used entries.
 *
 *      63    55  54  53  52   48 47         12 11  10   9 8  7  6   5  4    2  1  0
 *     +--------+---+---+--------+-------------+--+----+----+--+--+---+------+--+--+
 *     | 0      |UXN|PXN| 0      | address     |nG| AF | SH |RO|U | 0 | Attr | 1| 1| 4 KiB page
 *     | 0      |UXN|PXN| 0      | address     |nG| AF | SH |RO|U | 0 | Attr | 0| 1| larger page
 *     | 0      | 0 | 0 | 0      | address     | count                       | 1| 1| name of a table
 *     +--------+---+---+--------+-------------+-----------------------------+--+--+
 *
 * What the port must set up for these entries to mean what they say:
 *   - one root page serves both halves: TTBR0_EL1 is the root, TTBR1_EL1 the root + 2 KiB, and
 *     T0SZ = T1SZ = 17, 47 bits each, so the canonical addresses are those of x86-64
 *   - MAIR_EL1: bytes 5, 6 and 7 are 0x00 (Device-nGnRnE), 0x44 (Normal, non-cacheable) and 0xff
 *     (Normal, write-back); the lower ones are left to the firmware's tables
 *   - hal_paging: nx and pat are true, pages_1g is true, levels 4, phys_bits at most 48
 */
#ifndef MORTISE_MM_FORMAT_AARCH64_H
#define MORTISE_MM_FORMAT_AARCH64_H

#define PTE_PHYS_BITS 48

#define PTE_VALID    ((uint64_t)1 << 0)
#define PTE_TABLE    ((uint64_t)1 << 1) /* a table above level 0; at level 0 a page */
#define PTE_ATTR(n)  ((uint64_t)(n) << 2)
#define PTE_USER     ((uint64_t)1 << 6)  /* AP[1]: EL0 too */
#define PTE_READONLY ((uint64_t)1 << 7)  /* AP[2] */
#define PTE_SHARED   ((uint64_t)3 << 8)  /* SH: inner shareable */
#define PTE_ACCESSED ((uint64_t)1 << 10) /* AF */
#define PTE_LOCAL    ((uint64_t)1 << 11) /* nG: not global */
#define PTE_PXN      ((uint64_t)1 << 53) /* EL1 executes nothing here */
#define PTE_UXN      ((uint64_t)1 << 54) /* EL0 executes nothing here */
#define PTE_ADDRESS  0x0000FFFFFFFFF000u

#define PTE_COUNT_SHIFT 2
#define PTE_COUNT_MASK  ((uint64_t)0x3FF << PTE_COUNT_SHIFT)

/* Bytes of MAIR_EL1. */
enum { PTE_MAIR_UC = 5, PTE_MAIR_WC = 6, PTE_MAIR_WB = 7 };

static inline bool pte_is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & PTE_TABLE) == 0;
}

static inline hal_paddr_t pte_address(uint64_t entry, unsigned level)
{
    return entry & PTE_ADDRESS & ~(pte_span(level) - 1);
}

static inline uint64_t pte_step(unsigned level)
{
    return pte_span(level);
}

/* Shareability counts for write-back memory only: the other types are always outer shareable
 * (R_PYFVQ). */
static inline uint64_t pte_type_bits(uint32_t prot)
{
    if ((prot & ASPACE_UC) != 0)
        return PTE_ATTR(PTE_MAIR_UC);
    if ((prot & ASPACE_WC) != 0)
        return PTE_ATTR(PTE_MAIR_WC);
    return PTE_ATTR(PTE_MAIR_WB) | PTE_SHARED;
}

/* The kernel never executes what users may, nor the other way round: X clears one of the two bits
 * that forbid it. */
static inline uint64_t pte_encode(hal_paddr_t phys, uint32_t prot, unsigned level,
                                  const struct hal_paging *cpu)
{
    (void)(cpu);
    uint64_t entry = phys | PTE_VALID | PTE_ACCESSED | PTE_PXN | PTE_UXN | pte_type_bits(prot);
    if (level == 0)
        entry |= PTE_TABLE;
    if ((prot & ASPACE_W) == 0)
        entry |= PTE_READONLY;
    if ((prot & ASPACE_USER) != 0)
        entry |= PTE_USER;
    if ((prot & ASPACE_X) != 0)
        entry &= (prot & ASPACE_USER) != 0 ? ~PTE_UXN : ~PTE_PXN;
    if ((prot & ASPACE_GLOBAL) == 0)
        entry |= PTE_LOCAL;
    return entry;
}

static inline uint32_t pte_prot(uint64_t entry, unsigned level)
{
    (void)(level);
    uint64_t attr = entry & PTE_ATTR(7);
    uint32_t prot = attr == PTE_ATTR(PTE_MAIR_UC)   ? ASPACE_UC
                    : attr == PTE_ATTR(PTE_MAIR_WC) ? ASPACE_WC
                                                    : ASPACE_WB;
    if ((entry & PTE_READONLY) == 0)
        prot |= ASPACE_W;
    if ((entry & PTE_USER) != 0)
        prot |= ASPACE_USER;
    if ((entry & (PTE_PXN | PTE_UXN)) != (PTE_PXN | PTE_UXN))
        prot |= ASPACE_X;
    if ((entry & PTE_LOCAL) == 0)
        prot |= ASPACE_GLOBAL;
    return prot;
}

/* A name forbids nothing (R_YTXKB: its bits 59 to 62 would): the leaves decide. */
static inline uint64_t pte_name(hal_paddr_t table, unsigned used, hal_vaddr_t virt)
{
    (void)(virt);
    return table | PTE_VALID | PTE_TABLE | (uint64_t)used << PTE_COUNT_SHIFT;
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
