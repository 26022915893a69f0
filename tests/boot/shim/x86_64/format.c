/* Page tables (Intel SDM vol. 3A, 4.5), and the bits of the CPU that make their rights bind. */
#include "tests/boot/shim/arch.h"

#define PRESENT ((uint64_t)1)
#define WRITE   ((uint64_t)2)
#define USER    ((uint64_t)4)
#define LARGE   ((uint64_t)0x80)
#define NX      ((uint64_t)1 << 63)
#define ADDRESS 0x000ffffffffff000u
#define CR0_WP  ((uint64_t)0x10000)
#define CR4_5   0x1000u

const uint64_t arch_junk = 0xf4f4f4f4f4f4f4f4u; /* HLT */

static uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

unsigned arch_bits(void)
{
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    return (cr4 & CR4_5) != 0 ? 57 : 48;
}

uint64_t *arch_root(void)
{
    uint64_t cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    return (uint64_t *)(uintptr_t)(cr3 & ADDRESS);
}

bool arch_is_present(uint64_t entry)
{
    return (entry & PRESENT) != 0;
}

bool arch_is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & LARGE) != 0;
}

uint64_t arch_address(uint64_t entry)
{
    return entry & ADDRESS;
}

uint64_t arch_piece(uint64_t leaf, unsigned level)
{
    return level == 1 ? leaf & ~LARGE : leaf;
}

uint64_t arch_table(uint64_t page, uint64_t leaf)
{
    return page | PRESENT | WRITE | (leaf & USER);
}

uint64_t arch_with_rights(uint64_t leaf, bool write, bool execute)
{
    return (leaf & ~(NX | WRITE)) | (write ? WRITE : 0) | (execute ? 0 : NX);
}

bool arch_writes(uint64_t leaf)
{
    return (leaf & WRITE) != 0;
}

bool arch_executes(uint64_t leaf)
{
    return (leaf & NX) == 0;
}

uint64_t arch_absent(uint64_t leaf)
{
    return leaf & ~PRESENT;
}

void arch_flush(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

bool arch_bind(bool binds)
{
    uint64_t before = read_cr0();
    write_cr0((before & ~CR0_WP) | (binds ? CR0_WP : 0));
    return (before & CR0_WP) != 0;
}

void arch_interrupts_off(void)
{
    __asm__ volatile("cli");
}
