/* tests/model/mmu_x86_64.h: Intel SDM vol. 3A, 4.5 (tables 4-15 to 4-20) and 4.6. See mmu.h. */
#ifndef TESTS_MODEL_MMU_X86_64_H
#define TESTS_MODEL_MMU_X86_64_H

#define MMU_NAME      "x86-64"
#define MMU_PHYS_BITS 52
#define MMU_LEVELS    5
#define MMU_BREAKS    false /* hal_paging.break_before_make */
#define MMU_ADDRESS   0x000FFFFFFFFFF000u
#define MMU_COUNT     ((uint64_t)1 << 52)

/* PAT bit, PCD and PWT make the index of an entry of the PAT. */
static inline uint64_t mmu_pat(uint64_t entry, unsigned level)
{
    return (entry >> (level > 0 ? 12 : 7) & 1) << 2 | (entry >> 3 & 3);
}

static inline const char *mmu_large_page(uint64_t entry, unsigned level,
                                         const struct hal_paging *cpu)
{
    if (level > 2 || (level == 2 && !cpu->pages_1g))
        return "a large page of a size that this CPU has not";
    return (entry & (mmu_span(level) - 0x2000)) != 0 ? "a reserved bit of a large page is set"
                                                     : NULL;
}

static inline struct mmu_entry mmu_read(uint64_t entry, unsigned level,
                                        const struct hal_paging *cpu)
{
    struct mmu_entry e = {.valid = (entry & 1) != 0, .leaf = level == 0 || (entry & 128) != 0};
    if (!e.valid)
        return e;
    e.grants = (entry & 2 ? MMU_W : 0) | (entry & 4 ? MMU_U : 0) | (entry >> 63 ? 0 : MMU_X);
    e.address = entry & MMU_ADDRESS;
    if (entry >> 63 != 0 && !cpu->nx)
        e.wrong = "the NX bit is set on a CPU without NX";
    if ((entry & 32) == 0)
        e.wrong = "the accessed bit is clear: the CPU would write the entry";
    if (!e.leaf)
        return e;
    e.address &= ~(mmu_span(level) - 1);
    e.grants |= entry & 256 ? MMU_G : 0;
    e.type = mmu_pat(entry, level);
    if ((entry >> 6 & 1) != (entry >> 1 & 1))
        e.wrong = "the dirty bit is not what the right to write is";
    if (level > 0 && e.wrong == NULL)
        e.wrong = mmu_large_page(entry, level, cpu);
    return e;
}

/* A table for users also lets the kernel through; one of the upper half must keep users out. */
#define MMU_NX_OPTIONAL   true
#define MMU_TABLES_NARROW true

static inline uint64_t mmu_type(uint32_t prot, const struct hal_paging *cpu)
{
    if ((prot & ASPACE_UC) != 0)
        return 3;
    return (prot & ASPACE_WC) == 0 ? 0 : cpu->pat ? 4 : 2;
}

#define MMU_BIT(n) ((uint64_t)1 << (n))

/* Of a page that is writable, not executable, global and write-back. */
static const struct mmu_bit mmu_leaf_bits[] = {
    {MMU_BIT(0), 1},                    /* neither there nor empty */
    {MMU_BIT(3), 7},                    /* PWT alone is no memory type of ours */
    {MMU_BIT(5), 7},                    /* not accessed */
    {MMU_BIT(6), 7},                    /* writable, not dirty */
    {MMU_BIT(10), 7},                   /* ignored by the CPU, and not ours */
    {MMU_BIT(58), 7}, {MMU_BIT(63), 7}, /* NX was asked for */
    {MMU_BIT(13), 6},                   /* no address bits of large pages */
    {MMU_BIT(20), 6}, {MMU_BIT(21), 4}, {MMU_BIT(29), 4},
};

/* Of a table in the upper half. */
static const struct mmu_bit mmu_name_bits[] = {
    {MMU_BIT(0), 1}, {MMU_BIT(1), 1}, {MMU_BIT(2), 1}, {MMU_BIT(5), 1}, {MMU_BIT(63), 1}};

/* What a test makes of an entry, or puts there. */
static inline uint64_t mmu_let_write(uint64_t leaf)
{
    return leaf | MMU_BIT(1) | MMU_BIT(6);
}

static inline uint64_t mmu_let_execute(uint64_t leaf)
{
    return leaf & ~(MMU_BIT(9) | MMU_BIT(63));
}

static inline uint64_t mmu_let_user(uint64_t leaf)
{
    return leaf | MMU_BIT(2);
}

static inline uint64_t mmu_make_global(uint64_t leaf)
{
    return leaf | MMU_BIT(8);
}

/* The name of a table without used entries. */
static inline uint64_t mmu_empty_table(hal_paddr_t table, bool upper)
{
    return table | (upper ? 0x23 : 0x27);
}

/* A page of 512 GiB at 0, read-only: right but for its size. */
#define MMU_TOO_LARGE (MMU_BIT(0) | MMU_BIT(5) | MMU_BIT(7) | MMU_BIT(9) | MMU_BIT(63))

#endif
