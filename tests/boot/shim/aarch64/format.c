/* Page tables (Arm ARM DDI 0487, D8.3), at EL1 or EL2. An entry that is in use is changed in one store, which only
 * an emulator forgives; nobody else runs this. */
#include "hal/aarch64/registers.h"
#include "hal/short.h"
#include "tests/boot/shim/arch.h"

#define VALID     ((uint64_t)1)
#define TABLE     ((uint64_t)2) /* above level 0; a page there has it too */
#define READ_ONLY ((uint64_t)1 << 7)
#define PXN       ((uint64_t)1 << 53)
#define UXN       ((uint64_t)1 << 54) /* at EL2: XN */
#define ADDRESS   0x0000fffffffff000u
#define VECTORS   2048u /* bytes */

const uint64_t arch_junk = 0xd4200000d4200000u; /* BRK #0 */

unsigned arch_bits(void)
{
    return 64 - (unsigned)((is_el2() ? read_tcr_el2() : read_tcr()) & 63);
}

uint64_t *arch_root(void)
{
    return (uint64_t *)(uintptr_t)((is_el2() ? read_ttbr0_el2() : read_ttbr0()) & ADDRESS);
}

bool arch_is_present(uint64_t entry)
{
    return (entry & VALID) != 0;
}

bool arch_is_leaf(uint64_t entry, unsigned level)
{
    return level == 0 || (entry & TABLE) == 0;
}

uint64_t arch_address(uint64_t entry)
{
    return entry & ADDRESS;
}

uint64_t arch_piece(uint64_t leaf, unsigned level)
{
    return level == 1 ? leaf | TABLE : leaf;
}

uint64_t arch_table(uint64_t page, uint64_t leaf)
{
    UNUSED(leaf); /* rights are the leaves' */
    return page | VALID | TABLE;
}

uint64_t arch_with_rights(uint64_t leaf, bool write, bool execute)
{
    return (leaf & ~(READ_ONLY | PXN | UXN)) | (write ? 0 : READ_ONLY) | (execute ? 0 : PXN | UXN);
}

bool arch_writes(uint64_t leaf)
{
    return (leaf & READ_ONLY) == 0;
}

bool arch_executes(uint64_t leaf)
{
    return (leaf & (is_el2() ? UXN : PXN)) == 0;
}

uint64_t arch_absent(uint64_t leaf)
{
    return leaf & ~VALID;
}

void arch_flush(uint64_t address)
{
    uint64_t page = address >> HAL_PAGE_SHIFT;
    __asm__ volatile("dsb ishst" : : : "memory");
    if (is_el2())
        __asm__ volatile("tlbi vae2is, %0" : : "r"(page) : "memory");
    else
        __asm__ volatile("tlbi vaae1is, %0" : : "r"(page) : "memory");
    barrier_all_cpus();
    barrier_instructions();
}

bool arch_bind(bool binds)
{
    UNUSED(binds);
    return true;
}

void arch_interrupts_off(void)
{
    __asm__ volatile("msr daifset, #15" : : : "memory");
}

/* The exception vectors. */
static const uint64_t *vectors(void)
{
    uint64_t at;
    if (is_el2())
        __asm__ volatile("mrs %0, vbar_el2" : "=r"(at));
    else
        at = read_vbar();
    return (const uint64_t *)(uintptr_t)at;
}

void arch_keep(void (*keep)(uint64_t base, uint64_t size))
{
    keep((uint64_t)(uintptr_t)vectors(), VECTORS);
}

uint64_t arch_sum(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < VECTORS / 8; i++)
        sum = sum * 31 + vectors()[i];
    return sum;
}
