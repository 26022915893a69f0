/* hal/x86_64/asm.h: single instructions with names (Intel SDM vol. 2). Ring 0; an operand that the
 * CPU does not have is a general protection fault. */
#ifndef HAL_X86_64_ASM_H
#define HAL_X86_64_ASM_H

#include "hal/base.h"

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid asm_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline void asm_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t asm_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void asm_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint16_t asm_in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void asm_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t asm_in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t asm_rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return ((uint64_t)high << 32) | low;
}

static inline void asm_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

/* Write the cache line that holds `at`, which is mapped, back to memory, and forget it. */
static inline void asm_flush_line(const void *at)
{
    __asm__ volatile("clflush (%0)" : : "r"(at) : "memory");
}

/* Bits of CR4 that more than one file knows (SDM vol. 3A, 2.5). */
#define CR4_PGE  (1u << 7)
#define CR4_LA57 (1u << 12)

#define ASM_CONTROL_REGISTER(name)                                                                 \
    static inline uint64_t asm_read_##name(void)                                                   \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("movq %%" #name ", %0" : "=r"(value) : : "memory");                       \
        return value;                                                                              \
    }                                                                                              \
    static inline void asm_write_##name(uint64_t value)                                            \
    {                                                                                              \
        __asm__ volatile("movq %0, %%" #name : : "r"(value) : "memory");                           \
    }

ASM_CONTROL_REGISTER(cr0)
ASM_CONTROL_REGISTER(cr2)
ASM_CONTROL_REGISTER(cr3)
ASM_CONTROL_REGISTER(cr4)

#endif
