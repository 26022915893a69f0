/* hal/aarch64/registers.h: system registers and single instructions with names (Arm ARM DDI 0487, C5 and
 * D17). At EL1, but for those of EL2; one that the CPU does not have is an undefined instruction. */
#ifndef HAL_AARCH64_REGISTERS_H
#define HAL_AARCH64_REGISTERS_H

#include "hal/base.h"

#define REGISTER_READ(name, encoding)                                                              \
    static inline uint64_t read_##name(void)                                                       \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("mrs %0, " encoding : "=r"(value) : : "memory");                          \
        return value;                                                                              \
    }
#define REGISTER(name, encoding)                                                                   \
    REGISTER_READ(name, encoding)                                                                  \
    static inline void write_##name(uint64_t value)                                                \
    {                                                                                              \
        __asm__ volatile("msr " encoding ", %0" : : "r"(value) : "memory");                        \
    }

REGISTER_READ(currentel, "CurrentEL")
REGISTER_READ(midr, "midr_el1")
REGISTER_READ(mpidr, "mpidr_el1")
REGISTER_READ(mmfr0, "id_aa64mmfr0_el1")
REGISTER_READ(mmfr1, "id_aa64mmfr1_el1")
REGISTER_READ(mmfr2, "s3_0_c0_c7_2")
REGISTER_READ(pfr0, "id_aa64pfr0_el1")
REGISTER_READ(pfr1, "id_aa64pfr1_el1")
REGISTER_READ(isar0, "id_aa64isar0_el1")
REGISTER_READ(isar1, "id_aa64isar1_el1")
REGISTER_READ(ctr, "ctr_el0")
REGISTER_READ(cntfrq, "cntfrq_el0")
REGISTER_READ(isr, "isr_el1")
REGISTER(sctlr, "sctlr_el1")
REGISTER(tcr, "tcr_el1")
REGISTER(mair, "mair_el1")
REGISTER(ttbr0, "ttbr0_el1")
REGISTER(ttbr1, "ttbr1_el1")
REGISTER(vbar, "vbar_el1")
REGISTER(cpacr, "cpacr_el1")
REGISTER(tpidr, "tpidr_el1")
REGISTER(par, "par_el1")
REGISTER_READ(hcr_el2, "hcr_el2")
REGISTER_READ(sctlr_el2, "sctlr_el2")
REGISTER_READ(tcr_el2, "tcr_el2")
REGISTER_READ(mair_el2, "mair_el2")
REGISTER_READ(ttbr0_el2, "ttbr0_el2")
REGISTER_READ(cntvoff_el2, "cntvoff_el2")
REGISTER(icc_sre, "s3_0_c12_c12_5")
REGISTER(icc_pmr, "s3_0_c4_c6_0")
REGISTER(icc_igrpen1, "s3_0_c12_c12_7")
REGISTER(icc_sgi1r, "s3_0_c12_c11_5")
REGISTER(icc_eoir1, "s3_0_c12_c12_1")
REGISTER_READ(icc_iar1, "s3_0_c12_c12_0")

static inline bool is_el2(void)
{
    return (read_currentel() >> 2 & 3u) == 2;
}

/* What was written to system registers before counts from here on (C6.2.137). */
static inline void barrier_instructions(void)
{
    __asm__ volatile("isb" : : : "memory");
}

/* All stores and TLB maintenance before are seen by all CPUs; by devices and CPUs without caches, too. */
static inline void barrier_all_cpus(void)
{
    __asm__ volatile("dsb ish" : : : "memory");
}
static inline void barrier_system(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

/* The physical address that this CPU reads `virt` at now; it is mapped. */
static inline hal_paddr_t physical_of(const void *virt)
{
    __asm__ volatile("at s1e1r, %0\n\tisb" : : "r"(virt) : "memory");
    return (read_par() & 0x000FFFFFFFFFF000u) | ((uintptr_t)virt & (HAL_PAGE_SIZE - 1));
}

#endif
