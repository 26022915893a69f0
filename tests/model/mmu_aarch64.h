/* tests/model/mmu_aarch64.h: Arm ARM (DDI 0487), "VMSAv8-64 descriptor formats" and "Stage 1 Direct
 * permissions", EL1&0, 4 KiB granule. See mmu.h. */
#ifndef TESTS_MODEL_MMU_AARCH64_H
#define TESTS_MODEL_MMU_AARCH64_H

#include "hal/short.h"

#define MMU_NAME      "aarch64"
#define MMU_PHYS_BITS 48
#define MMU_LEVELS    4
#define MMU_BREAKS    true /* hal_paging.break_before_make */
#define MMU_ADDRESS   0x0000FFFFFFFFF000u
#define MMU_COUNT     ((uint64_t)1 << 2)

static inline uint64_t mmu_field(uint64_t entry, unsigned low, unsigned bits)
{
    return entry >> low & (((uint64_t)1 << bits) - 1);
}

static inline const char *mmu_leaf(uint64_t entry, unsigned level)
{
    uint64_t type = mmu_field(entry, 2, 3);
    if (level > 2)
        return "a block of a size that there is not";
    if (mmu_field(entry, 48, 5) != 0 || mmu_field(entry, 55, 9) != 0 || mmu_field(entry, 5, 1) != 0)
        return "a bit is set that means nothing here, or something else";
    if ((entry & MMU_ADDRESS & (mmu_span(level) - 1)) != 0)
        return "a block is not aligned to its size";
    if (mmu_field(entry, 10, 1) == 0)
        return "the access flag is clear: the first use would be a fault";
    if (type < 5 || (type == 7 && mmu_field(entry, 8, 2) != 3))
        return "a memory type that is not ours, or RAM that CPUs do not share";
    return mmu_field(entry, 53, 2) == 0 ? "the kernel may execute what users may" : NULL;
}

/* Bits 59 to 63 of a table descriptor narrow what lies below it; ours never do. */
static inline struct mmu_entry mmu_read(uint64_t entry, unsigned level,
                                        const struct hal_paging *cpu)
{
    UNUSED(cpu);
    bool two = mmu_field(entry, 1, 1) != 0;
    struct mmu_entry e = {.valid = (entry & 1) != 0 && (level > 0 || two),
                          .leaf = level == 0 || !two,
                          .address = entry & MMU_ADDRESS};
    if (!e.valid)
        return e;
    if (!e.leaf) {
        e.grants = MMU_W | MMU_U | MMU_X;
        e.wrong =
            mmu_field(entry, 48, 16) != 0 ? "a table forbids something, or lies too high" : NULL;
        return e;
    }
    bool user = mmu_field(entry, 6, 1) != 0;
    bool never = mmu_field(entry, user ? 54 : 53, 1) != 0;
    e.address &= ~(mmu_span(level) - 1);
    e.grants = (mmu_field(entry, 7, 1) ? 0 : MMU_W) | (user ? MMU_U : 0) | (never ? 0 : MMU_X) |
               (mmu_field(entry, 11, 1) ? 0 : MMU_G);
    e.type = mmu_field(entry, 2, 3);
    e.wrong = mmu_leaf(entry, level);
    return e;
}

/* The leaves alone decide. */
#define MMU_NX_OPTIONAL   false
#define MMU_TABLES_NARROW false

/* Bytes of MAIR_EL1: mm/format_aarch64.h asks for these. */
static inline uint64_t mmu_type(uint32_t prot, const struct hal_paging *cpu)
{
    UNUSED(cpu);
    return (prot & ASPACE_UC) != 0 ? 5 : (prot & ASPACE_WC) != 0 ? 6 : 7;
}

#define MMU_BIT(n) ((uint64_t)1 << (n))

/* Of a page that is writable, not executable, global and write-back. */
static const struct mmu_bit mmu_leaf_bits[] = {
    {MMU_BIT(0), 7},                                      /* neither valid nor empty */
    {MMU_BIT(1), 1},                                      /* level 3 of Arm: reserved */
    {MMU_BIT(2), 7},                                      /* a memory type of the firmware's */
    {MMU_BIT(5), 7},                                      /* NS */
    {MMU_BIT(8), 7},  {MMU_BIT(9), 7},                    /* not shared */
    {MMU_BIT(10), 7},                                     /* no access flag */
    {MMU_BIT(50), 7},                                     /* guarded */
    {MMU_BIT(51), 7},                                     /* DBM: the CPU would write the entry */
    {MMU_BIT(52), 7},                                     /* contiguous */
    {MMU_BIT(55), 7}, {MMU_BIT(63), 7}, {MMU_BIT(12), 6}, /* no address bits of large pages */
    {MMU_BIT(16), 6}, {MMU_BIT(20), 6}, {MMU_BIT(21), 4}, {MMU_BIT(29), 4},
};

/* Of a table: whatever would narrow the leaves below it. */
static const struct mmu_bit mmu_name_bits[] = {{MMU_BIT(0), 1},  {MMU_BIT(59), 1}, {MMU_BIT(60), 1},
                                               {MMU_BIT(61), 1}, {MMU_BIT(62), 1}, {MMU_BIT(63), 1},
                                               {MMU_BIT(48), 1}};

/* What a test makes of an entry, or puts there. */
static inline uint64_t mmu_let_write(uint64_t leaf)
{
    return leaf & ~MMU_BIT(7);
}

static inline uint64_t mmu_let_execute(uint64_t leaf)
{
    return leaf & ~MMU_BIT(53);
}

static inline uint64_t mmu_let_user(uint64_t leaf)
{
    return leaf | MMU_BIT(6);
}

static inline uint64_t mmu_make_global(uint64_t leaf)
{
    return leaf & ~MMU_BIT(11);
}

/* The name of a table without used entries. */
static inline uint64_t mmu_empty_table(hal_paddr_t table, bool upper)
{
    UNUSED(upper);
    return table | 3;
}

/* A page of 512 GiB at 0, read-only: right but for its size. */
#define MMU_TOO_LARGE                                                                              \
    (MMU_BIT(0) | 7 << 2 | MMU_BIT(7) | 3 << 8 | MMU_BIT(10) | MMU_BIT(11) | MMU_BIT(53) |         \
     MMU_BIT(54))

#endif
